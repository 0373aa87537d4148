diff <(seq 3) <(seq 4); echo $?
tee >(wc -l > lines) < <(seq 5) > /dev/null; sleep 0.2; cat lines
while read x; do echo "r $x"; done < <(seq 3)
