# A handler runs while wait4 blocks: Python's own retry, then an explicit EINTR through ctypes.
import ctypes, os, signal, time, errno
libc = ctypes.CDLL(None, use_errno=True)
hits = []
signal.signal(signal.SIGALRM, lambda *a: hits.append(1))
def child():
    pid = os.fork()
    if pid == 0:
        time.sleep(0.4)
        os._exit(6)
    return pid
child()
signal.setitimer(signal.ITIMER_REAL, 0.1)
print(os.waitstatus_to_exitcode(os.wait()[1]), hits)
for restart in (False, True):
    signal.siginterrupt(signal.SIGALRM, not restart)
    pid = child()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    status = ctypes.c_int(0)
    got = libc.waitpid(pid, ctypes.byref(status), 0)
    print(restart, got == pid, errno.errorcode.get(ctypes.get_errno()) if got < 0 else status.value)
    if got < 0:
        os.waitpid(pid, 0)
