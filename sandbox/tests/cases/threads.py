import os, subprocess, threading
results = []
def work(n):
    results.append((n, subprocess.run(["sh", "-c", f"exit {n}"]).returncode))
threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(results))
# A child forked by one thread is waited for by another.
pids = []
def spawn():
    pid = os.fork()
    if pid == 0:
        os._exit(9)
    pids.append(pid)
t = threading.Thread(target=spawn); t.start(); t.join()
print(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
