/*
 * A toy kernel: one host thread runs all guests in turn, and none of them ever blocks it. Events are
 * deferred and drained once a round: WAKE puts a sleeping guest back on the run queue, SIGNAL is printed.
 *
 * The guests: init reaps whatever it is given; a shell starts two jobs and waits for both; the second job
 * leaves a daemon behind, which init inherits.
 */
#include <stdio.h>

#include "ptexit.h"

enum { GUESTS = 8 };

struct guest;
typedef void guest_code(struct guest *self);

struct guest {
    ptexit_task task;
    guest_code *code; /* called when it is the guest's turn; NULL: this place is free */
    int step;         /* where its code goes on */
    int asleep;       /* until a WAKE */
    const char *name;
};

static ptexit_ctx *ctx;
static struct guest guests[GUESTS]; /* a guest's index is its cookie */

static struct guest *place(const char *name, guest_code *code)
{
    for (int i = 0; i < GUESTS; i++)
        if (guests[i].code == NULL) {
            struct guest fresh = { 0, code, 0, 0, name };
            guests[i] = fresh;
            return &guests[i];
        }
    return NULL;
}

static uint64_t cookie_of(const struct guest *guest)
{
    return (uint64_t)(guest - guests);
}

/* fork(2), in two steps: what the kernel itself needs would come in between, and might fail. */
static int sys_fork(struct guest *parent, const char *name, guest_code *code)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    struct guest *child = place(name, code);
    int refused;

    if (child == NULL)
        return PTEXIT_EAGAIN;
    args.exit_signal = PTEXIT_SIGCHLD;
    args.cookie = cookie_of(child);
    refused = ptexit_clone(ctx, parent->task, &args, &child->task);
    if (refused == 0)
        refused = ptexit_clone_commit(ctx, child->task);
    if (refused != 0)
        child->code = NULL;
    return refused;
}

static void sys_exit(struct guest *self, int code)
{
    printf("%-6s exits with %d\n", self->name, code);
    ptexit_exit_begin(ctx, self->task, PTEXIT_EXITED(code), NULL);
    self->code = NULL; /* its memory, files, ... would go here */
    ptexit_exit_finish(ctx, self->task, NULL);
}

/* wait4(2): 1 if there was a child, 0 if the guest is to sleep, or an error. */
static int sys_wait(struct guest *self)
{
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    int code;

    args.options = PTEXIT_WEXITED;
    args.cookie = cookie_of(self);
    code = ptexit_wait(ctx, self->task, &args, &result);
    if (code == PTEXIT_EAGAIN) {
        self->asleep = 1;
        return 0;
    }
    if (code != 0)
        return code;
    printf("%-6s reaps process %u, which exited with %d\n", self->name, result.pid, result.value);
    return 1;
}

static void daemon_code(struct guest *self)
{
    if (self->step++ == 3)
        sys_exit(self, 30);
}

static void job_code(struct guest *self)
{
    sys_exit(self, 10);
}

static void forking_job_code(struct guest *self)
{
    if (self->step++ == 0)
        sys_fork(self, "daemon", daemon_code);
    else
        sys_exit(self, 20);
}

static void shell_code(struct guest *self)
{
    if (self->step++ == 0) {
        sys_fork(self, "job 1", job_code);
        sys_fork(self, "job 2", forking_job_code);
    } else if (sys_wait(self) == PTEXIT_ECHILD) {
        sys_exit(self, 0);
    }
}

static void init_code(struct guest *self)
{
    if (self->step++ == 0)
        sys_fork(self, "shell", shell_code);
    else if (sys_wait(self) == PTEXIT_ECHILD)
        sys_exit(self, 0);
}

static void drain_events(void)
{
    ptexit_event events[4];
    size_t got = 0;

    do {
        events[0].size = sizeof events[0];
        if (ptexit_next_events(ctx, events, 4, &got) != 0)
            return;
        for (size_t i = 0; i < got; i++) {
            struct guest *guest = &guests[events[i].cookie];
            if (events[i].kind == PTEXIT_EVENT_SIGNAL)
                printf("%-6s gets signal %u from process %u\n", guest->name, events[i].info.signo, events[i].info.pid);
            else if (events[i].kind == PTEXIT_EVENT_WAKE)
                guest->asleep = 0;
        }
    } while (got == 4);
}

int main(void)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    struct guest *init = place("init", init_code); /* cookie 0 */
    int running;

    opts.flags = PTEXIT_CTX_DEFER | PTEXIT_CTX_PID_CYCLIC;
    opts.events = PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_WAKE | PTEXIT_EVENT_INTERRUPT;
    if (ptexit_ctx_new(&opts, &ctx) != 0 || ptexit_init_new(ctx, NULL, &init->task) != 0)
        return 1;
    do {
        running = 0;
        for (int i = 0; i < GUESTS; i++)
            if (guests[i].code != NULL && !guests[i].asleep) {
                guests[i].code(&guests[i]);
                running = 1;
            }
        drain_events();
    } while (running);
    ptexit_ctx_free(ctx);
    return init->code == NULL ? 0 : 1; /* 1: somebody sleeps for ever */
}
