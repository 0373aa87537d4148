no-such-program-here 2>/dev/null; echo $?
touch plain; ./plain 2>/dev/null; echo $?
exec no-such-program-here 2>/dev/null
