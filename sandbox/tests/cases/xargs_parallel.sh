seq 40 | xargs -P4 -I{} sh -c 'echo {}' | sort -n | tr '\n' ' '
seq 5 | xargs -P4 -I{} sh -c 'exit 1'; echo $?
echo x | xargs -I{} sh -c 'exit 255'; echo $?
