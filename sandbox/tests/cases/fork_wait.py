import os, time, errno
def child(code, delay=0):
    pid = os.fork()
    if pid == 0:
        time.sleep(delay)
        os._exit(code)
    return pid
go, end = os.pipe()
a, b = child(3), os.fork()
if b == 0:
    os.close(end)
    os.read(go, 1)
    os._exit(4)
print(os.waitstatus_to_exitcode(os.waitpid(a, 0)[1]))
print(os.waitpid(b, os.WNOHANG))
os.close(end)
pid, status = os.wait()
print(pid == b, os.waitstatus_to_exitcode(status))
for wait in (lambda: os.wait(), lambda: os.waitpid(a, 0), lambda: os.waitpid(1, os.WNOHANG)):
    try:
        wait()
    except OSError as e:
        print(errno.errorcode[e.errno])
c = child(7)
i = os.waitid(os.P_PID, c, os.WEXITED | os.WNOWAIT)
print(i.si_pid == c, i.si_status, i.si_code == os.CLD_EXITED, i.si_uid == os.getuid())
print(os.waitpid(c, 0)[0] == c)
d = child(0, 5)
os.kill(d, 15)
i = os.waitid(os.P_ALL, 0, os.WEXITED)
print(i.si_status, i.si_code == os.CLD_KILLED)
print(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG) if 0 else "end")
for pid in [child(order) for order in range(5)]:
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(5)])
