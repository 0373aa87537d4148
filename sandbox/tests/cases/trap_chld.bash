n=0
trap 'n=$((n + 1))' CHLD
for i in 1 2 3; do sh -c 'exit 0'; done
sleep 0.05 & wait $!
echo "chld $n"
trap - CHLD
(exit 5) & wait $!; echo $?
