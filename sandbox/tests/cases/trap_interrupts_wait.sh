# A signal that comes before the shell waits only runs the trap: so it comes again.
# What the shell says of a killed job, and when it notices, is not what this is about.
exec 2> /dev/null
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
