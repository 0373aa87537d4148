/* Several host threads on one context. */
#include <pthread.h>
#include <stdatomic.h>

#include "support.h"

enum { THREADS = 4, ROUNDS = 300 };

struct shared {
    ptexit_ctx *ctx;
    ptexit_task init;
    atomic_uint signals, reaped, freed;
    /* For the sleeping waiter. */
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    unsigned wakes;
    /* For waiters side by side. */
    ptexit_task waiters[THREADS];
    atomic_uint next_waiter, collected;
};

static void note(void *host, const ptexit_event *event)
{
    struct shared *shared = host;

    if (event->kind == PTEXIT_EVENT_SIGNAL)
        atomic_fetch_add(&shared->signals, 1);
    if (event->kind == PTEXIT_EVENT_REAPED)
        atomic_fetch_add(&shared->reaped, 1);
    if (event->kind == PTEXIT_EVENT_PID_FREE)
        atomic_fetch_add(&shared->freed, 1);
    if (event->kind == PTEXIT_EVENT_WAKE) {
        pthread_mutex_lock(&shared->mutex);
        shared->wakes++;
        pthread_cond_signal(&shared->woken);
        pthread_mutex_unlock(&shared->mutex);
    }
}

/* cmocka's assertions jump, which only the main thread may: others abort. */
static void must(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}
#define MUST(condition) must(condition, #condition)

static void shared_new(struct shared *shared)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);

    memset(shared, 0, sizeof *shared);
    pthread_mutex_init(&shared->mutex, NULL);
    pthread_cond_init(&shared->woken, NULL);
    opts.events = ALL_EVENTS;
    opts.on_event = note;
    opts.host = shared;
    MUST(ptexit_ctx_new(&opts, &shared->ctx) == 0);
    MUST(ptexit_init_new(shared->ctx, NULL, &shared->init) == 0);
}

static ptexit_task fork_from(struct shared *shared, ptexit_task parent, uint32_t flags)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_task task = 0;

    args.flags = flags;
    args.exit_signal = PTEXIT_SIGCHLD;
    MUST(ptexit_clone(shared->ctx, parent, &args, &task) == 0);
    MUST(ptexit_clone_commit(shared->ctx, task) == 0);
    return task;
}

static void finish(struct shared *shared, ptexit_task task, uint32_t status)
{
    MUST(ptexit_exit_begin(shared->ctx, task, status, NULL) == 0);
    MUST(ptexit_exit_finish(shared->ctx, task, NULL) == 0);
}

static void *live_a_life(void *arg)
{
    static pthread_mutex_t one_clone_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    struct shared *shared = arg;
    ptexit_task self;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);

    /* All of them are children of init, whose own calls are made by one thread at a time. */
    pthread_mutex_lock(&one_clone_at_a_time);
    self = fork_from(shared, shared->init, 0);
    pthread_mutex_unlock(&one_clone_at_a_time);
    args.options = PTEXIT_WEXITED;
    for (int i = 0; i < ROUNDS; i++) {
        ptexit_task child = fork_from(shared, self, 0);
        finish(shared, child, PTEXIT_EXITED(i));
        MUST(ptexit_wait(shared->ctx, self, &args, &result) == 0);
        MUST(result.task == child && result.status == PTEXIT_EXITED(i));
    }
    MUST(ptexit_wait(shared->ctx, self, &args, &result) == PTEXIT_ECHILD);
    finish(shared, self, PTEXIT_EXITED(0));
    return NULL;
}

static void run(struct shared *shared, void *(*body)(void *), int threads)
{
    pthread_t thread[THREADS];

    for (int i = 0; i < threads; i++)
        MUST(pthread_create(&thread[i], NULL, body, shared) == 0);
    for (int i = 0; i < threads; i++)
        MUST(pthread_join(thread[i], NULL) == 0);
}

static void lives_side_by_side(void **state)
{
    static struct shared shared;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result results[THREADS + 1];
    size_t got = 0;

    (void)state;
    shared_new(&shared);
    run(&shared, live_a_life, THREADS);
    args.options = PTEXIT_WEXITED;
    results[0].size = sizeof results[0];
    assert_int_equal(ptexit_wait_many(shared.ctx, shared.init, &args, results, THREADS + 1, &got), 0);
    assert_int_equal(got, THREADS);
    assert_int_equal(shared.signals, THREADS * (ROUNDS + 1));
    assert_int_equal(shared.reaped, THREADS * (ROUNDS + 1));
    assert_int_equal(shared.freed, THREADS * (ROUNDS + 1));
    ptexit_ctx_free(shared.ctx);
}

static void *collect(void *arg)
{
    struct shared *shared = arg;
    ptexit_task self = shared->waiters[atomic_fetch_add(&shared->next_waiter, 1)];
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    int code;

    args.options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    while ((code = ptexit_wait(shared->ctx, self, &args, &result)) == 0)
        if (result.pid)
            atomic_fetch_add(&shared->collected, 1);
    MUST(code == PTEXIT_ECHILD);
    return NULL;
}

static void no_child_is_reaped_twice(void **state)
{
    static struct shared shared;

    (void)state;
    shared_new(&shared);
    shared.waiters[0] = fork_from(&shared, shared.init, 0);
    for (int i = 1; i < THREADS; i++)
        shared.waiters[i] = fork_from(&shared, shared.waiters[0], PTEXIT_CLONE_THREAD);
    for (int i = 0; i < THREADS * ROUNDS; i++)
        finish(&shared, fork_from(&shared, shared.waiters[i % THREADS], 0), PTEXIT_EXITED(0));
    run(&shared, collect, THREADS);
    assert_int_equal(shared.collected, THREADS * ROUNDS);
    assert_int_equal(shared.reaped, THREADS * ROUNDS);
    ptexit_ctx_free(shared.ctx);
}

static void *sleep_and_reap(void *arg)
{
    struct shared *shared = arg;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    unsigned seen = 0;

    args.options = PTEXIT_WEXITED;
    for (int reaped = 0; reaped < ROUNDS;) {
        int code = ptexit_wait(shared->ctx, shared->init, &args, &result);
        if (code == 0) {
            reaped++;
            continue;
        }
        MUST(code == PTEXIT_EAGAIN);
        pthread_mutex_lock(&shared->mutex);
        while (shared->wakes == seen)
            pthread_cond_wait(&shared->woken, &shared->mutex);
        seen = shared->wakes;
        pthread_mutex_unlock(&shared->mutex);
    }
    return NULL;
}

static void no_wake_is_lost(void **state)
{
    static struct shared shared;
    static ptexit_task children[ROUNDS];
    ptexit_task keeper;
    pthread_t sleeper;

    (void)state;
    shared_new(&shared);
    keeper = fork_from(&shared, shared.init, 0); /* never ECHILD */
    for (int i = 0; i < ROUNDS; i++)
        children[i] = fork_from(&shared, shared.init, 0);
    MUST(pthread_create(&sleeper, NULL, sleep_and_reap, &shared) == 0);
    for (int i = 0; i < ROUNDS; i++)
        finish(&shared, children[i], PTEXIT_EXITED(0));
    MUST(pthread_join(sleeper, NULL) == 0);
    assert_int_equal(shared.reaped, ROUNDS);
    finish(&shared, keeper, PTEXIT_EXITED(0));
    ptexit_ctx_free(shared.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives_side_by_side),
        cmocka_unit_test(no_child_is_reaped_twice),
        cmocka_unit_test(no_wake_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
