/* What the C tests share: a world with a recorder of events, and a dump to compare before and after. */
#ifndef PTEXIT_TESTS_SUPPORT_H
#define PTEXIT_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ptexit.h"

#define ALL_EVENTS                                                                                            \
    (PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_WAKE | PTEXIT_EVENT_INTERRUPT | PTEXIT_EVENT_EXITED                    \
     | PTEXIT_EVENT_REAPED | PTEXIT_EVENT_REPARENTED | PTEXIT_EVENT_PID_FREE | PTEXIT_EVENT_DISCARD)

/* A context, its init, and the events since the last forget(). */
struct world {
    ptexit_ctx *ctx;
    ptexit_task init;
    ptexit_event events[1024];
    size_t count;
    /* Called for each event, after it was recorded. */
    void (*also)(struct world *world, const ptexit_event *event);
    void *also_data;
};

/* cmocka fixtures: *state is a struct world with an init. */
int world_setup(void **state);
int world_teardown(void **state);

/* A world with these flags; events are recorded unless PTEXIT_CTX_DEFER is among them. */
struct world *world_new(uint32_t flags);
void world_free(struct world *world);

/* fork(2), thread, committed. The cookie is what events and results will carry. */
ptexit_task spawn(struct world *world, ptexit_task parent, uint64_t cookie);
ptexit_task spawn_thread(struct world *world, ptexit_task parent, uint64_t cookie);
ptexit_task spawn_with(struct world *world, ptexit_task parent, uint32_t flags, uint32_t exit_signal, uint64_t cookie);

/* exit_begin, exit_finish. */
void die(struct world *world, ptexit_task task, uint32_t status);

/* A wait; fills a result, returns what ptexit_wait() returns. */
int wait_for(struct world *world, ptexit_task waiter, uint32_t idtype, uint64_t id, uint32_t options, ptexit_wait_result *result);
/* Any child, WEXITED | WNOHANG. */
int reap_any(struct world *world, ptexit_task waiter, ptexit_wait_result *result);
/* Waits for any dead child and checks that it is this one. */
void expect_reap(struct world *world, ptexit_task waiter, ptexit_task child, uint32_t status);
/* An armed wait for any child. */
void arm(struct world *world, ptexit_task waiter, uint64_t cookie);

uint32_t pid_of(struct world *world, ptexit_task task, uint32_t which);
ptexit_info info_of(struct world *world, ptexit_task task);

/* Forgets the events so far. */
void forget(struct world *world);
/* The nth event of a kind, or NULL. */
const ptexit_event *find(struct world *world, uint32_t kind, size_t nth);
size_t count_of(struct world *world, uint32_t kind);
/* Where an event is among the events. */
size_t place_of(struct world *world, const ptexit_event *event);

/* Everything that can be seen of a context, as text; free() it. */
char *dump(ptexit_ctx *ctx);
/* Fails unless the context looks as it did and there were no events since. Frees `before`. */
void expect_unchanged(struct world *world, char *before);

/* A call that must be refused with this code and change nothing. */
#define REFUSED(world, code, call)                                                                            \
    do {                                                                                                      \
        size_t count_before = (world)->count;                                                                 \
        char *before = dump((world)->ctx);                                                                    \
        assert_int_equal((call), (code));                                                                     \
        assert_int_equal((world)->count, count_before);                                                       \
        expect_unchanged((world), before);                                                                    \
    } while (0)

#endif
