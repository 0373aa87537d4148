import os, time
pid = os.fork()
if pid == 0:
    os._exit(0)
time.sleep(0.1)
os.kill(pid, 0)
print(open(f"/proc/{pid}/stat").read().split()[2])
os.waitpid(pid, 0)
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("gone")
