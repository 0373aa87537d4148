(sleep 0.1; exit 3) &
(exit 4) &
second=$!
(sleep 0.05; exit 5) &
third=$!
wait $third; echo $?
wait $second; echo $?
wait; echo $?
wait 999999 2>/dev/null; echo $?
