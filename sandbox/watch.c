#define _GNU_SOURCE
#include "watch.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "exits.h"
#include "guest.h"
#include "log.h"

enum { SPARE_FILES = 8 }; /* descriptors that are left for looking into /proc */

static int epoll_fd;

/* Processes that live and have no descriptor, and whether one may have come free since. */
static unsigned unwatched;
static bool may_watch;

static bool try_watch(int fd, int32_t source)
{
	struct epoll_event interest = {.events = EPOLLIN, .data.u64 = (uint64_t)(uint32_t)source};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &interest) == 0;
}

void watch_fd(int fd, int32_t source)
{
	if (!try_watch(fd, source))
		die(STATUS_FAILED, "cannot watch the guests: %m");
}

/* Whether a descriptor of that number leaves enough others. */
static bool is_affordable(int fd)
{
	struct rlimit files;

	return getrlimit(RLIMIT_NOFILE, &files) < 0 || (rlim_t)fd + SPARE_FILES < files.rlim_cur;
}

static bool open_watch(struct process *process)
{
	process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	if (process->pidfd < 0)
		return false;
	if (is_affordable(process->pidfd) && try_watch(process->pidfd, process->pid))
		return true;
	close(process->pidfd);
	process->pidfd = -1;
	return false;
}

/* With more processes than descriptors, some have none: each SIGCHLD asks the kernel about all of those. */
void watch_process(struct process *process)
{
	static bool told;

	if (open_watch(process))
		return;
	unwatched++;
	if (!told)
		log_trace("%d: more processes than descriptors, the box gets slower (`ulimit -Hn`)", process->pid);
	told = true;
}

void watch_end(struct process *process)
{
	if (process->pidfd < 0) {
		unwatched--;
		return;
	}
	close(process->pidfd);
	process->pidfd = -1;
	may_watch = true;
}

/* Those that live and had no descriptor so far. As many as there are free ones get one now. */
static unsigned list_unwatched(pid_t *pids, unsigned room)
{
	unsigned count = 0;

	for (struct process *process = guests_first(); process && count < room; process = process->next) {
		if (process->dead || process->pidfd >= 0)
			continue;
		if (may_watch && open_watch(process))
			unwatched--;
		else
			may_watch = false;
		pids[count++] = process->pid;
	}
	return count;
}

/* An exit may take other processes out of the table: first the list, then the exits. */
void watch_take_others(pid_t except)
{
	unsigned count = unwatched;
	pid_t *pids = count ? malloc(count * sizeof *pids) : NULL;

	if (!pids)
		return; /* without memory: the next check comes soon */
	count = list_unwatched(pids, count);
	for (unsigned i = 0; i < count; i++)
		if (pids[i] != except)
			exits_process(pids[i]);
	free(pids);
}

void watch_open(void)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die(STATUS_FAILED, "cannot watch the guests: %m");
}

int watch_wait(struct epoll_event *events, int room, int milliseconds)
{
	return epoll_wait(epoll_fd, events, room, milliseconds);
}
