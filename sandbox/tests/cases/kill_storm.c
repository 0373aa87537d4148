/* Children killed while they fork, wait and start threads: every one of them is accounted for. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *nothing(void *unused)
{
	return unused;
}

static void busy(int how)
{
	for (;;) {
		if (how % 2) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(0);
			waitpid(pid, NULL, 0);
		} else {
			pthread_t thread;

			pthread_create(&thread, NULL, nothing, NULL);
			pthread_join(thread, NULL);
		}
	}
}

int main(void)
{
	int good = 0;

	for (int round = 0; round < 60; round++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			busy(round);
		usleep((useconds_t)(500 + round * 137 % 3000));
		kill(pid, SIGKILL);
		good += waitpid(pid, &status, 0) == pid && status == SIGKILL;
	}
	printf("%d\n", good);
	return 0;
}
