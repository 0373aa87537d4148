/* Process IDs that run out or that the program chooses, and limits on tasks. */
#include "support.h"

static ptexit_ctx *limited(uint32_t flags, uint32_t pid_max, uint32_t max_tasks, ptexit_task *init)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_ctx *ctx = NULL;

    opts.flags = flags;
    opts.pid_max = pid_max;
    opts.max_tasks = max_tasks;
    args.pid = flags & PTEXIT_CTX_PID_HOST ? 1 : 0;
    assert_int_equal(ptexit_ctx_new(&opts, &ctx), 0);
    assert_int_equal(ptexit_init_new(ctx, &args, init), 0);
    return ctx;
}

/* Forks until there is no more, returns how many there were. */
static size_t fill(ptexit_ctx *ctx, ptexit_task init, ptexit_task *tasks, size_t room)
{
    ptexit_task task = 0;
    size_t count = 0;
    int code;

    while ((code = ptexit_clone(ctx, init, NULL, &task)) == 0) {
        assert_true(count < room);
        assert_int_equal(ptexit_clone_commit(ctx, task), 0);
        tasks[count++] = task;
    }
    assert_int_equal(code, PTEXIT_EAGAIN);
    return count;
}

static void until_it_is_full(uint32_t flags, uint32_t pid_max, uint32_t max_tasks, size_t expected)
{
    ptexit_task init, tasks[64];
    ptexit_ctx *ctx = limited(flags, pid_max, max_tasks, &init);
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    char *before, *after;

    args.options = PTEXIT_WEXITED;
    for (int round = 0; round < 5; round++) {
        size_t count = fill(ctx, init, tasks, 64);
        assert_int_equal(count, expected);

        /* A refusal leaves nothing behind, a zombie still counts, a reaped one does not. */
        before = dump(ctx);
        assert_int_equal(fill(ctx, init, tasks + count, 0), 0);
        after = dump(ctx);
        assert_string_equal(before, after);
        free(before);
        free(after);
        assert_int_equal(ptexit_report_exit(ctx, tasks[0], PTEXIT_EXITED(0), NULL), 0);
        assert_int_equal(fill(ctx, init, tasks + count, 0), 0);
        assert_int_equal(ptexit_wait(ctx, init, &args, &result), 0);
        assert_int_equal(fill(ctx, init, tasks, 1), 1);

        for (size_t i = 0; i < count; i++) {
            assert_int_equal(ptexit_report_exit(ctx, tasks[i], PTEXIT_EXITED(0), NULL), 0);
            assert_int_equal(ptexit_wait(ctx, init, &args, &result), 0);
        }
    }
    ptexit_ctx_free(ctx);
}

static void process_ids_run_out(void **state)
{
    (void)state;
    until_it_is_full(PTEXIT_CTX_PID_CYCLIC, 20, 0, 19);
    until_it_is_full(0, 20, 0, 19);
}

static void tasks_run_out(void **state)
{
    (void)state;
    until_it_is_full(PTEXIT_CTX_PID_CYCLIC, 0, 20, 19);
    until_it_is_full(0, 0, 20, 19);
}

static void cyclic_ids_are_linuxs(void **state)
{
    ptexit_task init, one, two;
    ptexit_ctx *ctx = limited(PTEXIT_CTX_PID_CYCLIC, 0, 0, &init);
    struct world world = { .ctx = ctx, .init = init };

    (void)state;
    one = spawn(&world, init, 0);
    assert_int_equal(pid_of(&world, one, PTEXIT_PID_TID), 2);
    die(&world, one, PTEXIT_EXITED(0));
    expect_reap(&world, init, one, PTEXIT_EXITED(0));
    /* Not the free 2, the next one. */
    two = spawn(&world, init, 0);
    assert_int_equal(pid_of(&world, two, PTEXIT_PID_TID), 3);
    ptexit_ctx_free(ctx);
}

static int spawn_as(struct world *world, uint32_t pid, ptexit_task *task)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    int code;

    args.exit_signal = PTEXIT_SIGCHLD;
    args.pid = pid;
    code = ptexit_clone(world->ctx, world->init, &args, task);
    return code ? code : ptexit_clone_commit(world->ctx, *task);
}

static void the_program_chooses(void **state)
{
    struct world *world = world_new(PTEXIT_CTX_PID_HOST);
    ptexit_task task = 0, member = 0, found = 0;

    (void)state;
    assert_int_equal(spawn_as(world, 500, &task), 0);
    assert_int_equal(pid_of(world, task, PTEXIT_PID_TGID), 500);
    assert_int_equal(ptexit_pid_lookup(world->ctx, 500, &found), 0);
    assert_int_equal(found, task);
    REFUSED(world, PTEXIT_EEXIST, spawn_as(world, 500, &found));
    REFUSED(world, PTEXIT_EEXIST, spawn_as(world, 1, &found));
    REFUSED(world, PTEXIT_EINVAL, spawn_as(world, 0, &found));
    REFUSED(world, PTEXIT_EINVAL, spawn_as(world, 4194305, &found));
    REFUSED(world, PTEXIT_EINVAL, spawn_as(world, UINT32_MAX, &found));

    /* Taken as long as a process group goes by it; then PID_FREE says so. */
    assert_int_equal(spawn_as(world, 501, &member), 0);
    assert_int_equal(ptexit_setpgid(world->ctx, world->init, 500, 0), 0);
    assert_int_equal(ptexit_setpgid(world->ctx, world->init, 501, 500), 0);
    die(world, task, PTEXIT_EXITED(0));
    expect_reap(world, world->init, task, PTEXIT_EXITED(0));
    REFUSED(world, PTEXIT_EEXIST, spawn_as(world, 500, &found));
    forget(world);
    assert_int_equal(ptexit_setpgid(world->ctx, world->init, 501, 501), 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_PID_FREE), 1);
    assert_int_equal(find(world, PTEXIT_EVENT_PID_FREE, 0)->pid, 500);
    assert_int_equal(spawn_as(world, 500, &task), 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_ids_run_out),
        cmocka_unit_test(tasks_run_out),
        cmocka_unit_test(cyclic_ids_are_linuxs),
        cmocka_unit_test(the_program_chooses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
