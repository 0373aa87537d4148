# needs: make gcc
for i in 1 2 3 4; do echo "int f$i(void) { return $i; }" > f$i.c; done
cat > main.c <<'X'
#include <stdio.h>
int f1(void), f2(void), f3(void), f4(void);
int main(void) { printf("%d\n", f1() + f2() + f3() + f4()); return 5; }
X
cat > Makefile <<'X'
prog: main.o f1.o f2.o f3.o f4.o
	@$(CC) -o $@ $^
%.o: %.c
	@$(CC) -c -o $@ $<
bad:
	@exit 3
X
make -s -j2 && ./prog; echo $?
make -s bad 2>&1 | sed 's/^make[^:]*/make/'; make -s bad 2>/dev/null; echo $?
