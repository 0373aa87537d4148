trap 'echo usr1' USR1
trap 'echo leaving' EXIT
kill -USR1 $$
(kill -USR1 $$)
sleep 0.2 & wait $!
(trap 'echo inner leaving' EXIT; exit 2)
echo $?
exit 9
