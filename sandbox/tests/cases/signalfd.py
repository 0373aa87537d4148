# SIGCHLD read from a signalfd, found by poll.
import ctypes, os, select, signal, struct
libc = ctypes.CDLL(None)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
mask = (ctypes.c_uint64 * 16)(1 << (signal.SIGCHLD - 1))
fd = libc.signalfd(-1, mask, 0)
for how in (3, -9):
    pid = os.fork()
    if pid == 0:
        if how < 0:
            os.kill(os.getpid(), -how)
        os._exit(how)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    print(poll.poll(5000) == [(fd, select.POLLIN)])
    signo, errno, code, sender, uid = struct.unpack_from("IiiII", data := os.read(fd, 512))
    print(len(data), signo, errno, code, sender == pid, uid == os.getuid(), struct.unpack_from("i", data, 40)[0])
    os.waitpid(pid, 0)
