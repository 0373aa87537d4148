/*
 * Arbitrary calls with arbitrary arguments, one thread and several: whatever happens, no call panics or
 * hangs, and afterwards the tree can be taken down to the last process. Then the books must balance: one
 * EXITED for each process, one REAPED for each task, one PID_FREE for each number taken.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "support.h"

enum { HANDLES = 64, EMBRYOS = 512, STEPS = 5000, THREADS = 3 };

/* What was done, and what was told. */
struct books {
    atomic_ulong cloned, tasks, processes;
    atomic_ulong exited, reaped, freed;
};

struct player {
    ptexit_ctx *ctx;
    struct books *books;
    ptexit_task init;
    ptexit_task home; /* a child of init that stays alive */
    uint64_t seed;
    ptexit_task handles[HANDLES];
    /* Left uncommitted; without them their creators could not exit. */
    ptexit_task embryos[EMBRYOS];
    size_t embryo_count;
    unsigned long steps, accepted;
    int worst;
};

static uint64_t next(struct player *player)
{
    player->seed ^= player->seed << 13;
    player->seed ^= player->seed >> 7;
    player->seed ^= player->seed << 17;
    return player->seed * 0x2545f4914f6cdd1du >> 20;
}

/* Mostly a task that was there once, sometimes rubbish. Neither init, which would take all others with it,
 * nor a home. */
static ptexit_task some_task(struct player *player)
{
    uint64_t dice = next(player) % 64;

    if (dice == 0)
        return next(player);
    return player->handles[next(player) % HANDLES];
}

static uint32_t some_status(struct player *player)
{
    static const uint32_t statuses[] = { 0, 0x100, 0xff00, 9, 0x8b, 0x7f, 0x10000 };

    return statuses[next(player) % (sizeof statuses / sizeof statuses[0])];
}

static int keep(struct player *player, int code, ptexit_task task)
{
    if (code == 0)
        player->handles[next(player) % HANDLES] = task;
    return code;
}

/* The tree is full: of tasks whose handles are lost, most likely. */
static int recall(struct player *player)
{
    ptexit_task tasks[300] = { 0 };
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    size_t total = 0;
    int code = ptexit_list(player->ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 300, &total);

    for (size_t i = 0; code == 0 && i < HANDLES && total > 0; i++) {
        ptexit_task task = tasks[next(player) % (total < 300 ? total : 300)];
        if (ptexit_task_info(player->ctx, task, &info) == 0 && info.tid >= 10)
            player->handles[i] = task;
    }
    return code;
}

static int clone_one(struct player *player, ptexit_task parent, const ptexit_clone_args *args, ptexit_task *task)
{
    int code = ptexit_clone(player->ctx, parent, args, task);

    player->books->cloned += code == 0;
    return code;
}

static int commit_one(struct player *player, ptexit_task task)
{
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    int known = ptexit_task_info(player->ctx, task, &info);
    int code = ptexit_clone_commit(player->ctx, task);

    if (code == 0) {
        player->books->tasks++;
        player->books->processes += known == 0 && info.leader == task;
    }
    return code;
}

static int clone_some(struct player *player)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_task task = 0;
    ptexit_task parent = next(player) % 4 == 0 ? player->home : some_task(player);

    args.exit_signal = next(player) % 8 ? PTEXIT_SIGCHLD : (uint32_t)(next(player) % 70);
    if (next(player) % 4 == 0)
        args.flags = next(player) % 2 ? PTEXIT_CLONE_THREAD : PTEXIT_CLONE_PARENT;
    if (parent == player->home)
        args.flags = 0;
    int code = clone_one(player, parent, &args, &task);
    if (code == PTEXIT_ESRCH) { /* keep the table filled */
        args.flags = 0;
        parent = player->home;
        code = clone_one(player, parent, &args, &task);
    }
    if (code == PTEXIT_EAGAIN && next(player) % 4 == 0)
        return recall(player);
    if (code == 0 && parent != player->home && next(player) % 16 == 0 && player->embryo_count < EMBRYOS)
        player->embryos[player->embryo_count++] = task;
    else if (code == 0)
        code = next(player) % 8 ? commit_one(player, task) : ptexit_clone_abort(player->ctx, task);
    return keep(player, code, task);
}

static int wait_some(struct player *player)
{
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result results[3] = { PTEXIT_INIT(ptexit_wait_result) };
    ptexit_task waiter = next(player) % 2 ? player->home : next(player) % 2 ? player->init : some_task(player);
    size_t got;

    args.idtype = next(player) % 2 ? PTEXIT_P_ALL : (uint32_t)(next(player) % 4);
    args.id = args.idtype == PTEXIT_P_TASK ? some_task(player) : next(player) % 100;
    args.options = PTEXIT_WEXITED | (next(player) % 2 ? PTEXIT_WNOHANG : 0) | (next(player) % 4 ? PTEXIT_WALL : 0)
                 | (next(player) % 8 ? 0 : PTEXIT_WNOTHREAD) | (next(player) % 8 ? 0 : PTEXIT_WNOWAIT);
    args.cookie = next(player) % 3;
    if (next(player) % 4 == 0)
        return ptexit_wait_many(player->ctx, waiter, &args, results, next(player) % 4, &got);
    return ptexit_wait(player->ctx, waiter, &args, results);
}

static int query_some(struct player *player)
{
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    ptexit_task tasks[16] = { 0 };
    uint64_t value;
    size_t got;

    switch (next(player) % 5) {
    case 0:
        return ptexit_task_info(player->ctx, some_task(player), &info);
    case 1:
        return ptexit_list(player->ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 16, &got);
    case 2:
        return ptexit_list(player->ctx, (uint32_t)(next(player) % 4), some_task(player), tasks, 16, &got);
    case 3:
        return ptexit_get_attr(player->ctx, some_task(player), (uint32_t)(next(player) % 5), &value);
    default:
        return keep(player, ptexit_pid_lookup(player->ctx, 10 + (uint32_t)(next(player) % 200), tasks), tasks[0]);
    }
}

static int step(struct player *player)
{
    ptexit_ctx *ctx = player->ctx;
    ptexit_task task = some_task(player);

    switch (next(player) % 24) {
    default:
        return clone_some(player);
    case 4: case 5: case 16: case 17:
        return wait_some(player);
    case 6:
        return ptexit_exit_begin(ctx, task, some_status(player), NULL);
    case 7:
        return ptexit_exit_finish(ctx, task, NULL);
    case 8:
        return ptexit_report_exit(ctx, task, some_status(player), NULL);
    case 9:
        return ptexit_exit_group(ctx, task, some_status(player), NULL);
    case 10:
        return ptexit_setpgid(ctx, task, (uint32_t)(next(player) % 40), (uint32_t)(next(player) % 40));
    case 11:
        return next(player) % 4 ? ptexit_exec_commit(ctx, task) : ptexit_setsid(ctx, task, NULL);
    case 12:
        return ptexit_set_attr(ctx, task, (uint32_t)(next(player) % 4), next(player) % 8);
    case 13: case 18:
        if (player->embryo_count > 0 && next(player) % 4)
            task = player->embryos[--player->embryo_count];
        return next(player) % 2 ? commit_one(player, task) : ptexit_clone_abort(ctx, task);
    case 14:
        return ptexit_wait_cancel(ctx, task, next(player) % 3);
    case 15:
        return query_some(player);
    }
}

static void *play(void *arg)
{
    struct player *player = arg;

    for (player->steps = 0; player->steps < STEPS; player->steps++) {
        int code = step(player);
        player->accepted += code >= 0;
        if (code < player->worst)
            player->worst = code;
        if (code == PTEXIT_E_PANIC)
            break;
    }
    return NULL;
}

/* Ends every process but init, and has init reap them all. */
static void take_down(struct player *players, size_t count)
{
    ptexit_ctx *ctx = players[0].ctx;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    ptexit_task tasks[512];
    size_t total = 0;
    int code;

    args.options = PTEXIT_WEXITED | PTEXIT_WNOHANG | PTEXIT_WALL;
    for (size_t i = 0; i < count; i++) /* what was left half cloned */
        for (size_t j = 0; j < players[i].embryo_count; j++)
            assert_int_not_equal(ptexit_clone_abort(ctx, players[i].embryos[j]), PTEXIT_E_PANIC);
    for (int round = 0; round < 1000; round++) {
        assert_int_equal(ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 512, &total), 0);
        for (size_t i = 0; i < total && i < 512; i++)
            if (tasks[i] != players[0].init)
                assert_int_not_equal(ptexit_report_exit(ctx, tasks[i], PTEXIT_KILLED(9), NULL), PTEXIT_E_PANIC);
        while ((code = ptexit_wait(ctx, players[0].init, &args, &result)) == 0 && result.pid != 0) {
        }
        if (code == PTEXIT_ECHILD)
            break;
    }
    assert_int_equal(code, PTEXIT_ECHILD);
    assert_int_equal(ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 512, &total), 0);
    assert_int_equal(total, 1);
}

static void note(void *host, const ptexit_event *event)
{
    struct books *books = host;

    books->exited += event->kind == PTEXIT_EVENT_EXITED;
    books->reaped += event->kind == PTEXIT_EVENT_REAPED;
    books->freed += event->kind == PTEXIT_EVENT_PID_FREE;
}

static void game(size_t count, uint64_t seed, uint32_t max_tasks)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    struct player players[THREADS] = { { 0 } };
    struct books books;
    pthread_t threads[THREADS];
    ptexit_ctx *ctx;
    ptexit_task init;

    opts.flags = PTEXIT_CTX_PID_CYCLIC;
    opts.max_tasks = max_tasks;
    opts.events = PTEXIT_EVENT_EXITED | PTEXIT_EVENT_REAPED | PTEXIT_EVENT_PID_FREE | PTEXIT_EVENT_INTERRUPT;
    opts.on_event = note;
    opts.host = &books;
    memset(&books, 0, sizeof books);
    assert_int_equal(ptexit_ctx_new(&opts, &ctx), 0);
    assert_int_equal(ptexit_init_new(ctx, NULL, &init), 0);
    for (size_t i = 0; i < count; i++) {
        players[i].ctx = ctx;
        players[i].init = init;
        players[i].seed = seed * 1000003 + i + 1;
        players[i].books = &books;
        assert_int_equal(clone_one(&players[i], init, NULL, &players[i].home), 0);
        assert_int_equal(commit_one(&players[i], players[i].home), 0);
    }
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            assert_int_equal(pthread_create(&threads[i], NULL, play, &players[i]), 0);
        else
            play(&players[i]);
    }
    for (size_t i = 0; i < count; i++) {
        if (count > 1)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (players[i].worst == PTEXIT_E_PANIC)
            fail_msg("seed %llu, player %zu: panic in step %lu", (unsigned long long)seed, i, players[i].steps);
        if (getenv("PTEXIT_VERBOSE"))
            fprintf(stderr, "player %zu: %lu of %d calls accepted\n", i, players[i].accepted, STEPS);
        assert_true(players[i].accepted > STEPS / 20);
    }
    take_down(players, count);
    if (getenv("PTEXIT_VERBOSE"))
        fprintf(stderr, "seed %llu: %lu clones, %lu tasks, %lu processes\n", (unsigned long long)seed, books.cloned,
                books.tasks, books.processes);
    assert_int_equal(books.exited, books.processes);
    assert_int_equal(books.reaped, books.tasks);
    assert_int_equal(books.freed, books.cloned);
    ptexit_ctx_free(ctx);
}

static uint64_t first_seed(void)
{
    const char *given = getenv("PTEXIT_SEED");

    return given ? strtoull(given, NULL, 0) : 1;
}

static void one_player(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed < first_seed() + 3; seed++)
        game(1, seed, 300);
}

static void several_players(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed(); seed < first_seed() + 3; seed++)
        game(THREADS, seed, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_player),
        cmocka_unit_test(several_players),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
