# getppid, orphans, a subreaper and the parent-death signal.
import ctypes, os, signal, time
libc = ctypes.CDLL(None)
me = os.getpid()
def report(text):
    os.write(1, (text + "\n").encode())
pid = os.fork()
if pid == 0:
    report(f"child of main {os.getppid() == me}")
    os._exit(0)
os.waitpid(pid, 0)
libc.prctl(36, 1, 0, 0, 0)
flag = ctypes.c_int(-1)
libc.prctl(37, ctypes.byref(flag), 0, 0, 0)
report(f"subreaper {flag.value}")
middle = os.fork()
if middle == 0:
    if os.fork() == 0:
        while os.getppid() != me:
            time.sleep(0.01)
        report("adopted by main")
        os._exit(21)
    os._exit(0)
os.waitpid(middle, 0)
report(f"orphan's status {os.waitstatus_to_exitcode(os.wait()[1])}")
libc.prctl(36, 0, 0, 0, 0)
read, write = os.pipe()
middle = os.fork()
if middle == 0:
    if os.fork() == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        libc.prctl(1, int(signal.SIGUSR1), 0, 0, 0)
        os.write(write, b"x")
        info = signal.sigtimedwait([signal.SIGUSR1], 5)
        report(f"parent died: signal {info.si_signo} code {info.si_code}")
        os.write(write, b"y")
        os._exit(0)
    os.read(read, 1)
    os._exit(0)
os.waitpid(middle, 0)
os.read(read, 1)
print(libc.prctl(1, 65, 0, 0, 0))
