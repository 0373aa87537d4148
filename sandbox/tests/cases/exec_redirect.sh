exec 3> log
sh -c 'echo to three >&3'
exec 3>&-
cat log
echo to stderr >&2
