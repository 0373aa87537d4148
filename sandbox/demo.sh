#!/bin/sh
# A few programs in the box, with the tree of each.
#
#   demo.sh PTBOX

ptbox=$1
[ -x "$ptbox" ] || { echo "usage: demo.sh PTBOX" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! "$ptbox" true 2> "$scratch/why"; then
    cat "$scratch/why" >&2
    echo "the box needs the right to trace and to make namespaces; it does not run here" >&2
    exit 1
fi

# show TEXT COMMAND...: says what it is, then runs it in the box.
show() {
    echo
    echo "== $1"
    shift
    "$ptbox" --timeout=60 --tree -- "$@"
}

show "a shell: an orphan that init adopts, a pipeline, a process that is killed" \
    sh -c '(sleep 0.2 & exit 3); ls /usr | wc -l; sleep 9 & kill $!; wait'
show "a parent that does not wait: its child is a zombie until the parent is gone" \
    sh -c 'sh -c "sleep 0.1 & exec sleep 0.3"'
show "a compiler and what it starts" \
    "${CC:-cc}" -o "$scratch/first" -Iinclude examples/first.c -Lbuild/lib -lptexit
echo
echo "All of these were unmodified programs; build/ptbox --help says what else it can do."
