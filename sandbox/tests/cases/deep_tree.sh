depth() { if [ $1 -gt 0 ]; then (depth $(($1 - 1)); exit $?); else exit 42; fi; }
(depth 40); echo $?
