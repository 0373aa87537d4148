/* --tree: what libptexit knew of each task, drawn at the end. */
#ifndef PTBOX_TREE_REPORT_H
#define PTBOX_TREE_REPORT_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Begins to keep records; without it, the calls below do nothing. */
void tree_open(void);

/* `leader` is 0 for a process, else the process this is a thread of. */
void tree_born(pid_t tid, pid_t parent, pid_t leader);
void tree_named(pid_t tid);
void tree_died(pid_t tid, int status);
void tree_adopted(pid_t tid, pid_t by);
void tree_reaped(pid_t tid, pid_t by, int status);

void tree_print(FILE *to);

/* "exit 3", "SIGKILL", "SIGSEGV (core)" into `text`; returns it. */
char *tree_status_text(int status, char *text, size_t size);

#endif
