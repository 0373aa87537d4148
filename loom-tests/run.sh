#!/bin/sh
# Runs the models by the command that is given and sums up what they print:
#     NAME | MODE | BOUND | EXECUTIONS | SECONDS        a model that held
#     NAME without STEP | MODE | BOUND | failed after   a canary that failed, as it must
# Fails if a test failed or if nothing ran.
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
"$@" > "$log" 2>&1
status=$?
printf '%-58s %-7s %5s %10s %8s\n' model mode bound executions seconds
sed 's/^test [^ ]* \.\.\. //' "$log" | awk -F' [|] ' '
    NF == 5 && $4 ~ /^[0-9]+$/ {
        printf "%-58s %-7s %5s %10s %8s\n", $1, $2, $3, $4, $5; executions += $4; seconds += $5; passed++; next
    }
    NF >= 4 && $4 ~ /^failed after/ {
        printf "%-58s %-7s %5s %10s\n", $1, $2, $3, "caught"; passed++; next
    }
    / in (Plain|AllRmw|CasRmw): / { print "FAILED: " $0; failed++ }
    END {
        printf "%d executions, %.0f seconds\n", executions, seconds
        printf "%d passed, %d failed\n", passed, failed
        if (failed > 0 || passed == 0) exit 1
    }'
sum=$?
[ "$status" -eq 0 ] || { [ "$sum" -ne 0 ] || tail -n 40 "$log"; exit 1; }
exit "$sum"
