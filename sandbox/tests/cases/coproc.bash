coproc { while read x; do echo "co $x"; done; }
echo hello >&"${COPROC[1]}"; read -u "${COPROC[0]}" answer; echo "$answer"
exec {COPROC[1]}>&-; wait $COPROC_PID; echo $?
