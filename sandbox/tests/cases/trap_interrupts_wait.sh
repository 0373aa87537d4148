trap 'echo term' TERM
sleep 5 &
child=$!
parent=$$
(sleep 0.1; kill -TERM $parent) &
wait $child
echo $?
kill $child
wait $child
echo $?
