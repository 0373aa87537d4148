/*
 * Real processes, mirrored: the host kernel chooses the process IDs and says who died, the tree keeps the
 * relation. The way of sandboxes whose guests are host processes.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ptexit.h"

enum { CHILDREN = 3 };

static void on_event(void *host, const ptexit_event *event)
{
    int *signals = host;

    if (event->kind == PTEXIT_EVENT_SIGNAL) {
        printf("signal %u: a child exited with %d\n", event->info.signo, event->info.value);
        ++*signals;
    }
}

int main(void)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_wait_args any = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result results[CHILDREN] = { PTEXIT_INIT(ptexit_wait_result) };
    ptexit_ctx *ctx;
    ptexit_task init, task;
    size_t got = 0;
    int signals = 0, status;
    pid_t pid;

    opts.flags = PTEXIT_CTX_PID_HOST;
    opts.events = PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_INTERRUPT;
    opts.on_event = on_event;
    opts.host = &signals;
    args.exit_signal = PTEXIT_SIGCHLD;
    args.pid = (uint32_t)getpid();
    if (ptexit_ctx_new(&opts, &ctx) != 0 || ptexit_init_new(ctx, &args, &init) != 0)
        return 1;

    for (int i = 0; i < CHILDREN; i++) {
        pid = fork();
        if (pid == 0)
            _exit(40 + i);
        args.pid = (uint32_t)pid;
        if (pid < 0 || ptexit_clone(ctx, init, &args, &task) != 0 || ptexit_clone_commit(ctx, task) != 0)
            return 1;
    }
    while ((pid = waitpid(-1, &status, 0)) > 0)
        if (ptexit_pid_lookup(ctx, (uint32_t)pid, &task) != 0
            || ptexit_report_exit(ctx, task, (uint32_t)status, NULL) != 0)
            return 1;

    any.options = PTEXIT_WEXITED;
    if (ptexit_wait_many(ctx, init, &any, results, CHILDREN, &got) != 0)
        return 1;
    for (size_t i = 0; i < got; i++)
        printf("reaped, oldest first: exited with %d\n", results[i].value);
    ptexit_ctx_free(ctx);
    return got == CHILDREN && signals == CHILDREN ? 0 : 1;
}
