/* What the supervisor sleeps on: a descriptor for each process, as long as there are descriptors. */
#ifndef PTBOX_WATCH_H
#define PTBOX_WATCH_H

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

struct process;

void watch_open(void);

/* Reports `source` when the file can be read. */
void watch_fd(int fd, int32_t source);

/* Starts watching a process that has just been entered in the tables; its pid is the source. */
void watch_process(struct process *process);

/* Stops watching it: it is dead. */
void watch_end(struct process *process);

/* epoll_wait(2). */
int watch_wait(struct epoll_event *events, int room, int milliseconds);

/* Takes the exits of processes that have no descriptor, except that one: at each SIGCHLD. */
void watch_take_others(pid_t except);

#endif
