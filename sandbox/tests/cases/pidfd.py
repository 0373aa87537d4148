import errno, os, select
pid = os.fork()
if pid == 0:
    os._exit(6)
fd = os.pidfd_open(pid)
select.select([fd], [], [])
print(os.waitid(os.P_PIDFD, fd, os.WEXITED).si_status)
for bad in (fd, 0, 999):
    try:
        os.waitid(os.P_PIDFD, bad, os.WEXITED)
    except OSError as e:
        print(errno.errorcode[e.errno])
