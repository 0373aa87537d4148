import os, resource, time
def burn():
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
pid = os.fork()
if pid == 0:
    if os.fork() == 0:
        burn()
        os._exit(0)
    os.wait()
    os._exit(0)
_, _, usage = os.wait4(pid, 0)
print(0.15 < usage.ru_utime + usage.ru_stime < 5, usage.ru_maxrss > 1000)
total = resource.getrusage(resource.RUSAGE_CHILDREN)
print(0.15 < total.ru_utime + total.ru_stime < 5)
t = os.times()
print(0.15 < t.children_user + t.children_system < 5)
