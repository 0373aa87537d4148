# needs: bash
# An interactive shell on a terminal: process groups, the foreground, ^C.
import os, pty, select, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = ""
    os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
text = b""
def until(mark):
    global text
    end = time.time() + 10
    while mark not in text and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                text += os.read(fd, 4096)
            except OSError:
                break
    ok, text = mark in text, b""
    return ok
for line, mark in (
    (b"stty -echo; echo rea''dy\n", b"ready"),
    (b"echo sum $((40 + 2))\n", b"sum 42"),
    (b"sleep 30; echo status $?\n", None),
    (b"\x03", None),
    (b"echo after $?\n", b"after 130"),
    (b"cat | tr a-z A-Z\n", None),
    (b"through a pipe\n\x04", b"THROUGH A PIPE"),
    (b"(sleep 0.1; exit 3) & wait $!; echo job $?\n", b"job 3"),
    (b"exit 9\n", None),
):
    os.write(fd, line)
    if mark:
        print(mark.decode(), until(mark))
    else:
        # Until a job is in the foreground; ^C ends it. The first one may come before the job has got rid of the
        # shell's handler.
        end = time.time() + 10
        while (os.tcgetpgrp(fd) == pid) != (line == b"\x03") and time.time() < end:
            time.sleep(0.01)
            if line == b"\x03" and os.tcgetpgrp(fd) != pid:
                time.sleep(0.2)
                os.write(fd, line)
while True:
    try:
        if not os.read(fd, 4096):
            break
    except OSError:
        break
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
