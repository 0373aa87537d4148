/* execve by a thread that is not the leader: the others end, the process goes on under its number. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *sleeper(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void *runner(void *unused)
{
	(void)unused;
	usleep(50000);
	execl("/bin/sh", "sh", "-c", "sh -c 'exit 3'; echo child $?; exit 12", (char *)NULL);
	return NULL;
}

int main(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t threads[4];

		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, sleeper, NULL);
		pthread_create(&threads[3], NULL, runner, NULL);
		sleeper(NULL);
	}
	printf("%d", waitpid(pid, &status, 0) == pid);
	printf(" %x\n", status);
	return 0;
}
