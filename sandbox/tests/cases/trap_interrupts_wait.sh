# A signal that comes before the shell waits only runs the trap: so it comes again.
trap 'trapped=yes' TERM
sleep 60 &
child=$!
parent=$$
(until [ -e done ]; do kill -TERM $parent; sleep 0.05; done) &
wait $child
echo $? $trapped
: > done
until wait $!; do :; done
kill $child
wait $child
echo $?
