mkfifo go
(read _ < go; exit 3) & (exit 4) &
wait -n; echo $?
echo > go
wait -n; echo $?
wait -n; echo $?
(exit 9) & pid=$!
wait -n -p which; [ $which = $pid ] && echo same
