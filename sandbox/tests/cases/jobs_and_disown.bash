sleep 0.1 & disown; jobs; wait; echo $?
{ sleep 0.05; exit 8; } & wait %1; echo $?
