# The grandchild outlives its parent, and writes then.
sh -c '(sleep 0.1; echo orphan was here > file; exit 4) & exit 0'
echo $?
until [ -s file ]; do sleep 0.02; done
cat file
