import os
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
os.kill(pid, 0)
print(open(f"/proc/{pid}/stat").read().split()[2])
os.waitpid(pid, 0)
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("gone")
