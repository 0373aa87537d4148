nohup sh -c 'echo nohup; exit 3' 2>/dev/null; echo $?
setsid -w sh -c 'exit 6'; echo $?
(setsid sh -c 'sleep 0.1; echo session > out') ; sleep 0.4; cat out
