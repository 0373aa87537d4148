#!/bin/sh
# Runs each case outside and inside the box and compares standard output, standard error and exit status.
#
#   compare.sh PTBOX [CASE...]
#
# A case is a file in cases/: .sh, .bash, .dash and .py are run by that interpreter, .c is compiled first
# (a line "flags: ..." in it adds options). A line "needs: TOOL..." names what else must be installed.
# Numbers in standard error are not compared, as they may be process IDs.

ptbox=$1
[ -x "$ptbox" ] || { echo "usage: compare.sh PTBOX [CASE...]" >&2; exit 2; }
case $ptbox in /*) ;; *) ptbox=$PWD/$ptbox ;; esac
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here"/cases/*
limit=60
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0 skipped=0

have() { command -v "$1" > /dev/null 2>&1; }

skip() { skipped=$((skipped + 1)); echo "SKIP $1: $2"; }

# run NAME COMMAND...: in a fresh directory of the same name, leaving NAME.out, .err and .status.
run() {
	side=$1
	shift
	rm -rf "$scratch/work"
	mkdir "$scratch/work"
	# The outer redirection is for what this shell says of a case that a signal kills.
	(
		(cd "$scratch/work" && exec timeout -k 5 $limit "$@" < /dev/null > "$scratch/$side.out" 2> "$scratch/$side.err")
		echo $? > "$scratch/$side.status"
	) 2> /dev/null
	sed -E 's/[0-9]+/N/g; s/ +/ /g' "$scratch/$side.err" > "$scratch/$side.err.n"
}

# Runs the command outside and inside; leaves in `verdict` in what they differ.
both() {
	run native $set_command
	run box "$ptbox" --timeout=$((limit - 10)) -- $set_command
	verdict=
	cmp -s "$scratch/native.out" "$scratch/box.out" || verdict="$verdict output"
	cmp -s "$scratch/native.err.n" "$scratch/box.err.n" || verdict="$verdict errors"
	cmp -s "$scratch/native.status" "$scratch/box.status" || verdict="$verdict status"
}

if ! "$ptbox" true 2> "$scratch/why"; then
	why=$(head -1 "$scratch/why")
	case $why in
	*"not permitted"* | *namespace*)
		if [ -n "$PTBOX_REQUIRED" ]; then echo "FAIL everything: $why"; exit 1; fi ;;
	*)
		echo "FAIL everything: the box does not start: $why"
		exit 1 ;;
	esac
	for case in "$@"; do skip "$(basename "$case")" "the box does not run here: $why"; done
	echo "0 passed, 0 failed, $skipped skipped"
	exit 0
fi

for case in "$@"; do
	name=$(basename "$case")
	missing=
	for tool in $(sed -n 's|^[#/* ]*needs: *||p' "$case" | tr -d '*/'); do
		have "$tool" || missing="$missing $tool"
	done
	case $name in
	*.sh) set_command="sh $case" tool=sh ;;
	*.bash) set_command="bash $case" tool=bash ;;
	*.dash) set_command="dash $case" tool=dash ;;
	*.py) set_command="python3 $case" tool=python3 ;;
	*.c) set_command="$scratch/program" tool=gcc ;;
	*) continue ;;
	esac
	have $tool || missing="$missing $tool"
	if [ -n "$missing" ]; then
		skip "$name" "not installed:$missing"
		continue
	fi
	if [ $tool = gcc ]; then
		flags=$(sed -n 's|^[/* ]*flags: *||p' "$case" | tr -d '*/')
		if ! gcc -w -O1 -o "$scratch/program" "$case" -pthread $flags 2> "$scratch/why"; then
			case $flags in
			*-static*) skip "$name" "no static C library" ;;
			*) failed=$((failed + 1)); echo "FAIL $name: does not compile"; cat "$scratch/why" ;;
			esac
			continue
		fi
	fi
	both
	if [ -n "$verdict" ]; then
		# A program may come to more than one thing, outside as inside. What differs twice in a row is a difference.
		echo "AGAIN $name: differed in$verdict"
		both
	fi
	if [ -z "$verdict" ]; then
		passed=$((passed + 1))
		[ -z "$VERBOSE" ] || echo "ok   $name"
	else
		failed=$((failed + 1))
		echo "FAIL $name: differs in$verdict"
		for part in out err.n status; do
			diff -u --label "native $part" --label "box $part" "$scratch/native.$part" "$scratch/box.$part"
		done
	fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
