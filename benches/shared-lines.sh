#!/bin/sh
# Cache lines that one thread writes and another one, with a parent of its own, reads or writes.
# One such line written in every lifecycle costs more than the whole rest of it on two processors, and
# no count of instructions shows it. Found in a trace of every memory access, so immune to load.
#
#   benches/shared-lines.sh [SYSTEM]      product unless said
#
# Lists each shared line: how often at most it can travel between processors, the writes to it, and who
# writes, all per lifecycle. What travels once in 64 lifecycles (0.016) or less is a refill of something
# that threads have of their own.
set -eu

cd "$(dirname "$0")/.."
system=${1:-product}
target=${CARGO_TARGET_DIR:-target}
sides=$target/release/bench-sides
for tool in valgrind awk addr2line; do
    command -v "$tool" >/dev/null || { echo "shared-lines.sh: needs $tool" >&2; exit 2; }
done
cargo build --release --quiet -p ptexit-benches --bin bench-sides

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=2048
valgrind --tool=lackey --trace-mem=yes --log-file="$work/trace" "$sides" "$system" $count >"$work/mark" ||
    { tail -5 "$work/trace" >&2; exit 1; }

# A line of the trace is "I  address,size" or " L|S|M address,size"; an instruction precedes its accesses.
awk -v mark="$(cat "$work/mark")" -v count=$count '
    function least(a, b) { return a < b ? a : b }
    /^==/ { next }
    { split($2, at, ",") }
    $1 == "I" { instruction = at[1]; next }
    {
        address = at[1]; sub(/^0+/, "", address)
        if (address == mark && $1 != "L") { part++; next }
        if (part != 1 && part != 3) next
        # Without the last six bits: the cache line.
        digits = length(address) - 2
        line = substr(address, 1, digits) int((index("0123456789abcdef", substr(address, digits + 1, 1)) - 1) / 4)
        touched[part, line]++
        if ($1 != "L") { written[part, line]++; writer[part, line, instruction]++; lines[line] }
    }
    END {
        for (line in lines) {
            # A line travels at most as often as one side writes it or the other side needs it.
            meet = least(written[1, line], touched[3, line]) + least(written[3, line], touched[1, line])
            if (!meet) continue
            shared++
            writes = written[1, line] + written[3, line]
            for (key in writer) {
                split(key, field, SUBSEP)
                if (field[2] == line)
                    printf "%s %.3f %s %.3f %.3f\n", line, meet / 2 / count, field[3], writer[key] / 2 / count, writes / 2 / count
            }
        }
        printf "%d\n", shared >"/dev/stderr"
    }
' "$work/trace" 2>"$work/shared" | sort -k2,2rn -k1,1 -k4,4rn >"$work/lines"

echo "$system: $(cat "$work/shared") lines are shared by threads with disjoint parents and written"
echo "line        transfers   writes      by"
cut -d' ' -f3 "$work/lines" | sort -u | while read -r instruction; do
    # The program is loaded at a fixed place under valgrind.
    address=$(printf '%x' $((0x$instruction - ${LOAD_BASE:-0x108000})))
    echo "$instruction $(addr2line -i -s -e "$sides" "$address" | grep -v '^\(atomic\|mod\|cell\|sync\|value\)\.rs' | head -3 | tr '\n' ' ')"
done >"$work/sources"
# For each line the three that write most; lines that travel hardly ever are left out.
awk '
    NR == FNR { name = $1; sub(/^[^ ]+ /, ""); source[name] = $0; next }
    $2 >= 0.002 { meets[$1] = $2; writes[$1] = $5; by[$1, source[$3]] += $4 }
    END { for (key in by) { split(key, field, SUBSEP)
        printf "%-11s %9.3f %8.3f  %6.3f %s\n", field[1], meets[field[1]], writes[field[1]], by[key], field[2] } }
' "$work/sources" "$work/lines" | sort -k2,2rn -k1,1 -k4,4rn | awk '$1 != line { line = $1; shown = 0 } shown++ < 3'
