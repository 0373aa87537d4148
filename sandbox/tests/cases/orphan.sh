# The grandchild outlives its parent; it is given time to write.
sh -c '(sleep 0.1; echo orphan was here > file; exit 4) & exit 0'
echo $?
sleep 0.4
cat file
