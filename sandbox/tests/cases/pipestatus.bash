(exit 1) | (exit 2) | (exit 3)
echo "${PIPESTATUS[@]}"
set -o pipefail
false | true; echo $?
sh -c 'kill -9 $$' | true; echo "${PIPESTATUS[0]}"
