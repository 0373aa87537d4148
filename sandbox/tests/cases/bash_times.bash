# needs: python3 awk
# Children's CPU time must be counted: a busy child of about 0.2 s.
python3 -c 'import time
t = time.process_time()
while time.process_time() - t < 0.2: pass'
seconds=$(times | tail -1 | sed -E 's/[0-9]+m([0-9.]+)s/\1/g' | tr ' ' '+')
awk "BEGIN { print ($seconds >= 0.2) }"
