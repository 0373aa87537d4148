import os, signal, time, errno
def child(code):
    pid = os.fork()
    if pid == 0:
        os._exit(code)
    return pid
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
pid = child(3)
i = signal.sigwaitinfo([signal.SIGCHLD])
print(i.si_code == 1, i.si_status, i.si_pid == pid, i.si_uid == os.getuid(), i.si_errno)
os.wait()
print(signal.sigtimedwait([signal.SIGCHLD], 0.05))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
seen = []
signal.signal(signal.SIGCHLD, lambda *a: seen.append(os.waitpid(-1, os.WNOHANG)[1] >> 8))
for code in (1, 2):
    child(code)
    while len(seen) < code:
        time.sleep(0.01)
print(seen)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
pid = child(5)
try:
    os.waitpid(pid, 0)
except OSError as e:
    print(errno.errorcode[e.errno])
