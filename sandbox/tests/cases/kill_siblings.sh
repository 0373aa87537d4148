sleep 5 & a=$!
sleep 5 & b=$!
kill -HUP $b
wait $b; echo $?
kill $a; wait $a; echo $?
kill -0 $a 2>/dev/null; echo $?
