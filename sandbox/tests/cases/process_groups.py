import errno, os, signal, time
def child():
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(1)
    return pid
a, b, c = child(), child(), child()
os.setpgid(a, a)
os.setpgid(b, a)
print(os.getpgid(a) == a, os.getpgid(b) == a, os.getpgid(c) == os.getpgid(0))
os.killpg(a, signal.SIGTERM)
got = {os.waitpid(-a, 0)[0], os.waitpid(-a, 0)[0]}
print(got == {a, b})
try:
    os.waitpid(-a, 0)
except OSError as e:
    print(errno.errorcode[e.errno])
print(os.waitpid(0, os.WNOHANG))
os.kill(c, signal.SIGKILL)
print(os.waitpid(0, 0)[1])
try:
    os.setpgid(1, 0)
except OSError as e:
    print(errno.errorcode[e.errno])
pid = os.fork()
if pid == 0:
    os.setsid()
    os._exit(0 if os.getsid(0) == os.getpid() == os.getpgrp() else 1)
print(os.waitpid(pid, 0)[1])
