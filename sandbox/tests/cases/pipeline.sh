seq 1000 | grep 7 | sort -rn | head -3
true | false
echo $?
yes | head -1
! false | true
echo $?
