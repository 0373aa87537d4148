# needs: script
script -qec 'sh -c "echo in a terminal; exit 4"' /dev/null
echo $?
