/* flags: -static */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	int status;
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		_exit(getppid() == parent ? 17 : 1);
	waitpid(pid, &status, 0);
	printf("%x\n", status);
	return 4;
}
