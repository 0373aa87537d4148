/* The leader leaves by pthread_exit; the last thread decides the status, and waits see nothing before. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *last(void *unused)
{
	(void)unused;
	usleep(200000);
	pid_t pid = fork();
	if (pid == 0)
		_exit(2);
	int status;
	waitpid(pid, &status, 0);
	exit(20 + WEXITSTATUS(status));
}

int main(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, last, NULL);
		pthread_exit(NULL);
	}
	usleep(100000);
	printf("early %d\n", waitpid(pid, &status, WNOHANG));
	printf("%d", waitpid(pid, &status, 0) == pid);
	printf(" %x\n", status);
	return 0;
}
