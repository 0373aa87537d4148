# Steps that are timed and summed up. Read by the scripts beside this one.

summary=
failed=0

# step NAME COMMAND...: runs the command, and remembers how it went.
step() {
    local name=$1 start=$SECONDS
    shift
    echo
    echo "== $name"
    if "$@"; then
        note "$name" ok $((SECONDS - start))
    else
        note "$name" FAILED $((SECONDS - start))
        failed=$((failed + 1))
    fi
}

# note NAME RESULT SECONDS
note() {
    summary+=$(printf '  %-34s %-7s %4d s' "$1" "$2" "$3")$'\n'
    echo "-- $1: $2, $3 s"
}

# finish WHAT: the summary, and the exit status that goes with it.
finish() {
    echo
    printf '%s' "$summary"
    if [ "$failed" -eq 0 ]; then
        echo "$1: all passed, $SECONDS s"
    else
        echo "$1: $failed FAILED, $SECONDS s"
    fi
    [ "$failed" -eq 0 ]
}
