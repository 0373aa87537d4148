/* Four threads wait for any of twenty children: each child is reported once, then all see ECHILD. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int sum, ends;

static void *waiter(void *unused)
{
	int status;

	(void)unused;
	while (wait(&status) > 0)
		sum += WEXITSTATUS(status);
	ends += errno == ECHILD;
	return NULL;
}

int main(void)
{
	pthread_t threads[4];

	for (int i = 1; i <= 20; i++)
		if (fork() == 0) {
			usleep((useconds_t)(i % 5) * 20000);
			_exit(i);
		}
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, waiter, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	printf("%d %d\n", sum, ends);
	return 0;
}
