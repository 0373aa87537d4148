#!/bin/sh
# What ptbox itself promises: its report, its messages, its end.
#
#   box.sh PTBOX

ptbox=$1
[ -x "$ptbox" ] || { echo "usage: box.sh PTBOX" >&2; exit 2; }
case $ptbox in /*) ;; *) ptbox=$PWD/$ptbox ;; esac
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
chmod 755 "$scratch"
trap 'kill $front 2> /dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
passed=0 failed=0 skipped=0
# Guests to be found again are told apart from everybody else's by a number of six digits.
mark=$(($$ % 9000 + 1000))

good() { passed=$((passed + 1)); [ -z "$VERBOSE" ] || echo "ok   $1"; }
bad() { failed=$((failed + 1)); echo "FAIL $1: $2"; [ ! -s out ] || sed 's/^/     out: /' out; [ ! -s err ] || sed 's/^/     err: /' err; }
skip() { skipped=$((skipped + 1)); echo "SKIP $1: $2"; }

# box STATUS ARGUMENTS...: runs ptbox into the files out and err; true if its exit status is STATUS.
box() {
	wanted=$1
	shift
	timeout -k 5 30 "$ptbox" "$@" > out 2> err < /dev/null
	got=$?
	[ $got -eq "$wanted" ]
}

# says NAME STATUS PATTERN ARGUMENTS...: the status, and the pattern on standard error.
says() {
	name=$1 status=$2 pattern=$3
	shift 3
	if ! box "$status" "$@"; then
		bad "$name" "exit status $got, not $status"
	elif ! grep -q -e "$pattern" err; then
		bad "$name" "does not say: $pattern"
	else
		good "$name"
	fi
}

# row NAME PATTERN...: extended patterns, each of which some line of the tree in err must match.
row() {
	name=$1
	shift
	for pattern; do
		grep -Eq -e "$pattern" err || { bad "$name" "no line like: $pattern"; return; }
	done
	good "$name"
}

# until_so COMMAND...: it succeeds, within the time that the slowest machine needs.
until_so() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.1
	done
}

none_left() {
	left=
	for pid; do [ ! -d "/proc/$pid" ] || left="$left $pid"; done
	[ -z "$left" ]
}

gone() { until_so none_left "$@"; } # gone PID...: none of them is left

# The processes that have the given number of six digits for an argument.
marked() { grep -lzxs -e "${1%?}[${1#?????}]" /proc/[0-9]*/cmdline | cut -d/ -f3; }

has_marked() { guests=$(marked "$2"); [ "$(echo $guests | wc -w)" -ge "$1" ]; }

# run NUMBER MARK: as many of them run; they are the guests.
run() { until_so has_marked "$@"; }

file_has() { grep -qs "$1" "$2"; }

if ! "$ptbox" true 2> err; then
	why=$(head -1 err)
	case $why in
	*"not permitted"* | *namespace*)
		if [ -n "$PTBOX_REQUIRED" ]; then echo "FAIL everything: $why"; exit 1; fi ;;
	*)
		echo "FAIL everything: the box does not start: $why"
		exit 1 ;;
	esac
	skip "everything" "the box does not run here: $why"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

# --- what it takes and says

if box 0 --help && grep -q 'Usage: ptbox' out; then good help; else bad help "no usage"; fi
if box 0 --version && grep -q 'libptexit' out; then good version; else bad version "no version"; fi
says no_program 125 'which program' --tree
says unknown_option 125 'ptbox --help' --no-such-option true
says bad_timeout 125 'number of seconds' --timeout=soon true
says bad_tree_file 125 'cannot write' --tree=/nonexistent/file true
says not_found 127 'no such program in PATH' no-such-program-anywhere
says not_found_path 127 'No such file' ./no-such-file
says directory 126 'is a directory' /
touch plain
says not_executable 126 'not executable' ./plain
echo 'echo no interpreter line' > noline
chmod +x noline
says no_interpreter_line 126 'sh ./noline' ./noline
printf '#!/no/such/interpreter\n' > badline
chmod +x badline
says missing_interpreter 126 '/no/such/interpreter is not there' ./badline
printf '#! /bin/sh\nexit 21\n' > script
chmod +x script
if box 21 ./script; then good script_with_interpreter; else bad script_with_interpreter "exit status $got"; fi
{ printf '\177ELF\002\001\001\000\000\000\000\000\000\000\000\000\002\000\267\000'; head -c 100 /dev/zero; } > arm
chmod +x arm
says wrong_machine 126 '64-bit ARM' ./arm
{ printf '\177ELF\001\001\001\000\000\000\000\000\000\000\000\000\002\000\003\000'; head -c 100 /dev/zero; } > i386
chmod +x i386
says wrong_class 126 '32-bit x86' ./i386
if box 33 -- sh -c 'exit 33' --tree; then good options_end_at_program; else bad options_end_at_program "exit status $got"; fi
if box 143 sh -c 'kill -TERM $$'; then good killed_is_128_plus; else bad killed_is_128_plus "exit status $got"; fi

# --- the tree

box 0 --tree -- sh -c '(sleep 0.2; exit 3) & wait $!; exit 0'
row tree_of_a_wait '^TASK +STATUS +PARENT' '^1 init' '^└─ 2 sh +exit 0 +1 +- +1 ' '^   └─ 3 sh +exit 3 +2 +- +2 +0\.[2-9]'
box 0 --tree -- sh -c 'sh -c "sleep 0.2; exit 4" & exit 0'
row tree_of_an_orphan '^   └─ 3 sh +exit 4 +2 +1 +1 +0\.[2-9]'
box 0 --tree -- sh -c 'sh -c "exit 5" & exec sleep 0.9'
row tree_of_a_zombie '3 sh +exit 5 +2 +1 +1 +0\.[0-9]+ s +0\.[1-9]'
box 0 --tree -- sh -c 'sh -c "kill -KILL \$\$"; exit 0'
row tree_of_a_killed_one '3 sh +SIGKILL +2'
box 0 --tree=report -- true
if [ ! -s err ] && grep -q '2 true' report; then good tree_to_a_file; else bad tree_to_a_file "no report in the file"; fi
if command -v python3 > /dev/null; then
	cat > subreaper.py <<'X'
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.2)
        os._exit(6)
    os._exit(0)
os.wait()
os.wait()
X
	python=$(python3 -c 'import sys; print(sys.executable)')
	box 0 --tree "$python" subreaper.py
	row tree_of_a_subreaper '4 python[0-9.]* +exit 6 +3 +2 +2 +0\.[2-9]'
	box 0 --tree "$python" -c 'import signal, os, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0: os._exit(7)
time.sleep(0.2)'
	row tree_of_an_ignored_child '3 python[0-9.]* +exit 7 +2 +- +itself .* 0\.000 s$'
else
	skip tree_of_a_subreaper "not installed: python3"
	skip tree_of_an_ignored_child "not installed: python3"
fi
box 0 --trace -- sh -c 'sh -c "exit 5"; exit 0'
row trace '2: new process 3, child of 2' '3: execve' '3: process ends, exit 5' '3: reaped by 2'

# --- its end

for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
	eval "timeout -k 5 30 \"$ptbox\" -- sh -c 'exit 3' $closed"
	if [ $? -eq 3 ]; then good "closed $closed"; else bad "closed $closed" "not 3"; fi
done
"$ptbox" --tree --trace -- sh -c "setsid sleep ${mark}23 & exit 6" 2> err &
front=$!
# Once the program has ended, and not before, the signal is for the box.
run 1 ${mark}23 && until_so file_has '2: process ends' err
kill -TERM $front
wait $front
got=$?
if [ $got -eq 6 ] && [ -z "$(marked ${mark}23)" ] && grep -q 'exit 6' err; then good ended_after_the_program; else bad ended_after_the_program "status $got, left: $(marked ${mark}23)"; fi

mkfifo -m 755 fifo
says fifo 126 'not a regular file' ./fifo

box 3 --no-wait -- sh -c "sleep ${mark}17 & exit 3"
if [ $got -eq 3 ] && [ -z "$(marked ${mark}17)" ]; then good no_wait; else bad no_wait "status $got, left: $(marked ${mark}17)"; fi
began=$(date +%s)
says timeout 124 'time limit' --timeout=0.5 -- sh -c "sleep ${mark}18 & sleep ${mark}18"
if [ $(($(date +%s) - began)) -lt 5 ] && [ -z "$(marked ${mark}18)" ]; then good timeout_kills; else bad timeout_kills "left: $(marked ${mark}18)"; fi
box 0 -- sh -c '(sleep 0.5; echo late) & exit 0'
if grep -q late out; then good waits_for_orphans; else bad waits_for_orphans "the orphan did not write"; fi

"$ptbox" -- sh -c "setsid sleep ${mark}19 & (sleep ${mark}19 & sleep ${mark}19 & exec setsid sleep ${mark}19) & wait" &
front=$!
run 4 ${mark}19
kill -KILL $front
wait $front 2> /dev/null
if [ "$(echo $guests | wc -w)" -lt 4 ]; then
	bad killed_box "only these ran: $guests"
elif gone $guests; then
	good killed_box
else
	bad killed_box "left: $left"
fi

"$ptbox" -- sh -c "sleep ${mark}22 & wait" 2> err &
front=$!
run 1 ${mark}22
kill -KILL $(cat /proc/$front/task/$front/children)
wait $front
if [ $? -eq 125 ] && grep -q 'supervisor was killed' err && [ -n "$guests" ] && gone $guests; then
	good killed_supervisor
else
	bad killed_supervisor "left: $left"
fi

"$ptbox" -- sh -c "trap 'echo got it; exit 44' TERM; sleep ${mark}20 & wait" > out 2> err &
front=$!
run 1 ${mark}20
kill -TERM $front
until_so file_has 'got it' out
kill -KILL $guests
wait $front
if [ $? -eq 44 ]; then good forwards_signals; else bad forwards_signals "the program did not get SIGTERM"; fi

if box 0 --timeout=20 -- sh -c 'sh -c "kill -STOP \$\$; exit 0" &
	while kill -CONT $! 2> /dev/null; do sleep 0.02; done; wait $!'; then
	good stop_and_continue
else
	bad stop_and_continue "exit status $got"
fi
if box 0 --timeout=10 -- sh -c 'sleep 5 & kill -STOP $!; kill -KILL $!; wait $!; [ $? -eq 137 ]'; then
	good kill_a_stopped_one
else
	bad kill_a_stopped_one "exit status $got"
fi
if command -v python3 > /dev/null; then
	cat > stops.py <<'X'
import os, signal, sys, time
child = os.fork()
if child == 0:
    # More often than once: a SIGCONT that comes first takes the SIGSTOP away.
    for turn in range(10 if sys.argv[1] == "stop" else 0): os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(3)
if os.fork() == 0:
    try:
        while True:
            os.kill(child, signal.SIGCONT)
            time.sleep(0.02)
    except ProcessLookupError:
        os._exit(0)
if sys.argv[1] == "only": os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WNOHANG)
print(os.WEXITSTATUS(os.waitpid(child, os.WUNTRACED)[1]), os.WEXITSTATUS(os.waitpid(-1, os.WUNTRACED)[1]))
X
	stops() { # stops WHAT MESSAGES: how a wait for stops ends, and how often that is remarked on
		if box 0 --timeout=20 -- "$python" stops.py "$1" && grep -q '^3 0$' out && [ "$(grep -c WUNTRACED err)" -eq "$2" ]; then
			good "wait_for_stops $1"
		else
			bad "wait_for_stops $1" "exit status $got, or not $2 message(s)"
		fi
	}
	stops stop 1
	stops only 1
	stops none 0
else
	skip wait_for_stops "not installed: python3"
fi

# --- more guests than descriptors

many='n=0; while [ $n -lt 60 ]; do (read go < fifo3; exit 5) & n=$((n + 1)); done
	exec 3<> fifo3; n=0; while [ $n -lt 60 ]; do echo go >&3; n=$((n + 1)); done
	wait $!; [ $? -eq 5 ] && wait && echo all of them'
mkfifo fifo3
if (ulimit -n 48 && box 0 --timeout=25 --trace -- sh -c "$many" && grep -q 'all of them' out &&
	grep -q 'more processes than descriptors' err); then
	good few_descriptors
else
	tail -5 err > err.tail; mv err.tail err
	bad few_descriptors "it did not come to its end"
fi

if command -v gcc > /dev/null; then
	echo 'int main(void) { int r = 20; __asm__ volatile("int $0x80" : "+a"(r)); return r; }' > call.c
	gcc -o call call.c && says call_of_32_bits 159 '32-bit system calls' ./call
else
	skip call_of_32_bits "not installed: gcc"
fi
if command -v strace > /dev/null; then
	says guest_ptrace 1 'debuggers and tracers' strace true
else
	skip guest_ptrace "not installed: strace"
fi

# --- where the system does not permit it

if ! command -v gcc > /dev/null; then
	skip no_ptrace "not installed: gcc"
	skip no_namespaces "not installed: gcc"
elif gcc -o deny "$here/deny.c" 2> err; then
	denied() { # denied NAME CALL PATTERN
		timeout 10 ./deny "$2" "$ptbox" true > out 2> err
		if [ $? -eq 125 ] && grep -q "$3" err; then good "$1"; else bad "$1" "does not say: $3"; fi
	}
	denied no_ptrace 101 'ptrace is not permitted here.*Operation not permitted'
	denied no_namespaces 56 'needs a PID namespace'
	denied no_filter 317 'system-call filter'
else
	bad no_ptrace "deny.c does not compile"
fi
if unshare -Ur true 2> /dev/null && command -v setpriv > /dev/null; then
	unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_user_namespaces
		exec setpriv --bounding-set=-all --inh-caps=-all "$0" true' "$ptbox" > out 2> err
	if [ $? -eq 125 ] && grep -q 'max_user_namespaces is 0' err; then
		good no_user_namespaces
	else
		bad no_user_namespaces "does not say what to change"
	fi
else
	skip no_user_namespaces "user namespaces cannot be set up for the test"
fi

# --- without privileges

if [ "$(id -u)" -ne 0 ]; then
	good ordinary_user
elif ! command -v setpriv > /dev/null; then
	skip ordinary_user "not installed: setpriv"
else
	cp "$ptbox" box-copy 2> /dev/null
	lib=$(ldd "$ptbox" | sed -n 's/.*libptexit[^ ]* => \([^ ]*\).*/\1/p')
	[ -z "$lib" ] || cp "$lib" .
	export LD_LIBRARY_PATH="$scratch"
	as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	if ! $as_nobody ./box-copy true 2> err && grep -q 'namespace' err; then
		skip ordinary_user "$(head -2 err | tail -1)"
	else
		timeout 20 $as_nobody ./box-copy --tree -- sh -c 'id -u; sh -c "exit 4"; echo $?; (sleep 0.1; exit 5) & wait $!' > out 2> err
		status=$?
		if [ $status -eq 5 ] && [ "$(tr '\n' ' ' < out)" = "65534 4 " ] && grep -q 'exit 4' err; then
			good ordinary_user
		else
			bad ordinary_user "exit status $status"
		fi
		$as_nobody ./box-copy -- sh -c "sleep ${mark}21; true" &
		front=$!
		run 1 ${mark}21
		kill -KILL $front
		wait $front 2> /dev/null
		if [ -n "$guests" ] && gone $guests; then good ordinary_user_killed; else bad ordinary_user_killed "left: $left"; fi
	fi
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
