diff <(seq 3) <(seq 4); echo $?
tee >(wc -l > lines) < <(seq 5) > /dev/null; until [ -s lines ]; do sleep 0.02; done; cat lines
while read x; do echo "r $x"; done < <(seq 3)
