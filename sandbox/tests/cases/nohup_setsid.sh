nohup sh -c 'echo nohup; exit 3' 2>/dev/null; echo $?
setsid -w sh -c 'exit 6'; echo $?
(setsid sh -c 'sleep 0.1; echo session > out') ; until [ -s out ]; do sleep 0.02; done; cat out
