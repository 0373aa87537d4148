/* The leader leaves by pthread_exit; the last thread decides the status, and waits see nothing before. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int go[2];

static void *last(void *unused)
{
	char byte;

	(void)unused;
	close(go[1]);
	if (read(go[0], &byte, 1) != 0)
		exit(1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(2);
	int status;
	waitpid(pid, &status, 0);
	exit(20 + WEXITSTATUS(status));
}

/* The state letter of the process's leader. */
static char state_of(pid_t pid)
{
	char path[40], state = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);

	FILE *file = fopen(path, "r");

	if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
		exit(1);
	fclose(file);
	return state;
}

int main(void)
{
	int status = 0;
	pid_t pid = pipe(go) == 0 ? fork() : -1;

	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, last, NULL);
		pthread_exit(NULL);
	}
	while (state_of(pid) != 'Z')
		usleep(1000);
	printf("early %d\n", waitpid(pid, &status, WNOHANG));
	close(go[1]);
	printf("%d", waitpid(pid, &status, 0) == pid);
	printf(" %x\n", status);
	return 0;
}
