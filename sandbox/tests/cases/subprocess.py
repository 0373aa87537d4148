import subprocess
print(subprocess.run(["sh", "-c", "exit 5"]).returncode)
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode)
print(subprocess.check_output("echo a | tr a b", shell=True))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(p.communicate(b"through a pipe"))
p = subprocess.Popen(["sleep", "5"])
print(p.poll())
p.terminate()
print(p.wait())
try:
    subprocess.run(["sleep", "5"], timeout=0.1)
except subprocess.TimeoutExpired:
    print("timed out")
print(subprocess.run(["sh", "-c", "exit 1"], close_fds=False, start_new_session=True).returncode)
