sh -c 'exit 7'
echo $?
exit 7
