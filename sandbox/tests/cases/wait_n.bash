(sleep 0.3; exit 3) & (exit 4) &
wait -n; echo $?
wait -n; echo $?
wait -n; echo $?
(exit 9) & pid=$!
wait -n -p which; [ $which = $pid ] && echo same
