#!/bin/sh
# Instructions and locked operations of one thread's calls, counted by callgrind: immune to load.
#
#   benches/instructions.sh                                      the table
#   benches/instructions.sh where SYSTEM OPERATION [CHILDREN]    every locked operation, with its source line
#
# Each figure is a difference quotient, ((12,000 operations) - (2,000 operations)) / 10,000, so that the
# setting up cancels out. A locked operation is an executed instruction that carries a lock prefix, an
# exchange with memory, or mfence; the standard library's and crossbeam's are counted, libc's are not.
set -eu

cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
repeat=$target/release/bench-repeat
for tool in valgrind objdump awk addr2line; do
    command -v "$tool" >/dev/null || { echo "instructions.sh: needs $tool" >&2; exit 2; }
done
cargo build --release --quiet -p ptexit-benches --bin bench-repeat

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
objdump -d --no-show-raw-insn "$repeat" |
    awk '/\tlock |\txchg .*\(|\tmfence/ { sub(":", "", $1); print "0x" $1 }' >"$work/locked"

# profile SYSTEM OPERATION COUNT CHILDREN: writes "address count" of every locked instruction executed
# to $work/COUNT, and the number of all instructions after the word "all".
profile() {
    valgrind --tool=callgrind --dump-instr=yes --compress-pos=no --compress-strings=no \
        --callgrind-out-file="$work/out" "$repeat" "$1" "$2" "$3" "$4" 2>"$work/messages" ||
        { cat "$work/messages" >&2; exit 1; }
    awk -v program="$(basename "$repeat")" '
        NR == FNR { locked[$1]; next }
        /^summary: / { print "all", $2 }
        /^ob=/ { ours = index($0, program) }
        /^calls=/ { getline; next }
        ours && /^0x/ && $1 in locked { count[$1] += $3 }
        END { for (address in count) print address, count[address] }
    ' "$work/locked" "$work/out" >"$work/$3"
}

# difference SYSTEM OPERATION CHILDREN: "address locked-operations-per-call", and "all instructions".
difference() {
    profile "$1" "$2" 2000 "$3"
    profile "$1" "$2" 12000 "$3"
    awk 'NR == FNR { base[$1] = $2; next } { print $1, ($2 - base[$1]) / 10000 }' "$work/2000" "$work/12000"
}

if [ "${1:-}" = where ]; then
    [ $# -ge 3 ] || { echo "instructions.sh: where SYSTEM OPERATION [CHILDREN]" >&2; exit 2; }
    difference "$2" "$3" "${4:-10}" | awk '$1 != "all" && $2 > 0.001' | sort -k2 -rn |
        while read -r address count; do
            printf '%7.3f ' "$count"
            addr2line -i -s -e "$repeat" "$address" | grep -v '^atomic\.rs' | head -4 | tr '\n' ' '
            echo
        done
    exit
fi

row() {
    printf '%-9s %-17s %9s ' "$1" "$2" "$3"
    difference "$1" "$2" "$3" |
        awk '$1 == "all" { all = $2; next } { locked += $2 } END { printf "%12.1f %8.2f\n", all, locked }'
}

printf '%-9s %-17s %9s %12s %8s\n' system operation children instructions locked
for system in product baseline floor; do
    case " ${SYSTEMS:-product baseline floor} " in *" $system "*) ;; *) continue ;; esac
    row $system lifecycle 10
    row $system lifecycle-by-pid 10
    [ $system != product ] || row $system thread 10
    for operation in wait-all wait-pid wait-pgid; do
        row $system $operation 10
        # One lock and a hundred thousand children take callgrind some minutes.
        [ $system = baseline ] || row $system $operation 100000
    done
done
