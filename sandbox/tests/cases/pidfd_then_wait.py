# When a pidfd is readable, a wait that does not block finds the child.
import os, select
missed = 0
for i in range(300):
    pid = os.fork()
    if pid == 0:
        os._exit(i % 50)
    fd = os.pidfd_open(pid)
    select.select([fd], [], [])
    if os.waitpid(pid, os.WNOHANG)[0] != pid:
        missed += 1
        os.waitpid(pid, 0)
    os.close(fd)
print("missed", missed)
