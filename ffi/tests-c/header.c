/* Compiled as each dialect that the header promises, with all warnings as errors; never run. */
#define _GNU_SOURCE 1 /* all the macros that other headers may have */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ptexit.h"
#include "ptexit.h" /* twice is once */

static void on_event(void *host, const ptexit_event *event)
{
    *(uint32_t *)host |= event->kind;
}

int main(void)
{
    uint32_t seen = 0;
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    ptexit_clone_args clone_args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_wait_args wait_args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    ptexit_event event = PTEXIT_INIT(ptexit_event);
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    ptexit_ctx *ctx;
    ptexit_task task = 0;
    size_t got;

    opts.events = PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_INTERRUPT;
    opts.on_event = on_event;
    opts.host = &seen;
    clone_args.exit_signal = PTEXIT_SIGCHLD;
    wait_args.idtype = PTEXIT_P_ALL;
    wait_args.options = PTEXIT_WEXITED | PTEXIT_WCLONE;
    if (ptexit_version() != PTEXIT_VERSION || ptexit_ctx_new(&opts, &ctx) != 0)
        return 1;
    if (ptexit_init_new(ctx, &clone_args, &task) == PTEXIT_EEXIST || ptexit_task_info(ctx, task, &info) != 0)
        return 1;
    if (ptexit_wait(ctx, task, &wait_args, &result) == PTEXIT_ECHILD && result.status == PTEXIT_KILLED(9))
        return 1;
    ptexit_next_events(ctx, &event, 1, &got);
    ptexit_ctx_free(ctx);
    return 0;
}
