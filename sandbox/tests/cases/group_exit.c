/* exit_group and fatal signals end all threads; children forked by threads change hands. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *sleeper(void *unused)
{
	(void)unused;
	for (;;)
		pause();
}

static void *killer(void *how)
{
	usleep(20000);
	if (how)
		raise(*(int *)how);
	_exit(33);
}

int main(void)
{
	int signals[] = {0, SIGTERM, SIGKILL, SIGSEGV};

	for (int i = 0; i < 4; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			pthread_t threads[8];

			for (int t = 0; t < 7; t++)
				pthread_create(&threads[t], NULL, sleeper, NULL);
			pthread_create(&threads[7], NULL, killer, signals[i] ? &signals[i] : NULL);
			sleeper(NULL);
		}
		printf("%d", waitpid(pid, &status, 0) == pid);
		printf(" %x\n", status & ~0x80);
	}
	return 0;
}
