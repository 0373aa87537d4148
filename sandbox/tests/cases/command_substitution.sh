x=$(echo a; (echo b; exit 3))
echo "$x $?"
y=$(echo $(echo $(echo deep)))
echo $y
z=$(sh -c 'kill -9 $$'); echo $?
echo `echo back; exit 6` $?
