/* What a buggy or hostile program may try: the documented error, and nothing else changed. */
#include "support.h"

/* Every function that takes a task, with arguments that are fine otherwise. */
enum { CALLS = 19 };

static int call(ptexit_ctx *ctx, ptexit_task task, int which)
{
    ptexit_clone_args clone_args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_wait_args wait_args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    ptexit_rusage usage = { 0 };
    ptexit_task tasks[4];
    uint64_t value;
    uint32_t number;
    size_t got;

    wait_args.options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    switch (which) {
    case 0: return ptexit_task_pid(ctx, task, PTEXIT_PID_TID, &number);
    case 1: return ptexit_clone(ctx, task, &clone_args, tasks);
    case 2: return ptexit_clone_commit(ctx, task);
    case 3: return ptexit_clone_abort(ctx, task);
    case 4: return ptexit_exec_commit(ctx, task);
    case 5: return ptexit_exit_begin(ctx, task, 0, &number);
    case 6: return ptexit_exit_finish(ctx, task, &usage);
    case 7: return ptexit_exit_group(ctx, task, 0, &number);
    case 8: return ptexit_report_exit(ctx, task, 0, &usage);
    case 9: return ptexit_wait(ctx, task, &wait_args, &result);
    case 10: return ptexit_wait_cancel(ctx, task, 0);
    case 11: return ptexit_wait_many(ctx, task, &wait_args, &result, 1, &got);
    case 12: return ptexit_setpgid(ctx, task, 0, 0);
    case 13: return ptexit_setsid(ctx, task, &number);
    case 14: return ptexit_set_attr(ctx, task, PTEXIT_ATTR_COOKIE, 0xbad);
    case 15: return ptexit_get_attr(ctx, task, PTEXIT_ATTR_COOKIE, &value);
    case 16: return ptexit_task_info(ctx, task, &info);
    case 17: return ptexit_children_usage(ctx, task, &usage);
    default: return ptexit_list(ctx, PTEXIT_LIST_CHILDREN, task, tasks, 4, &got);
    }
}

static void expect_stale(struct world *world, ptexit_task task)
{
    for (int i = 0; i < CALLS; i++)
        REFUSED(world, PTEXIT_ESRCH, call(world->ctx, task, i));
}

static void stale_handles(void **state)
{
    struct world *world = *state;
    ptexit_task reaped = spawn(world, world->init, 2), thread, leader, aborted;

    die(world, reaped, PTEXIT_EXITED(0));
    expect_reap(world, world->init, reaped, PTEXIT_EXITED(0));
    expect_stale(world, reaped);

    leader = spawn(world, world->init, 3);
    thread = spawn_thread(world, leader, 4);
    die(world, thread, PTEXIT_EXITED(0));
    expect_stale(world, thread);

    assert_int_equal(ptexit_clone(world->ctx, leader, NULL, &aborted), 0);
    assert_int_equal(ptexit_clone_abort(world->ctx, aborted), 0);
    expect_stale(world, aborted);

    /* Still so when their slots are used again. */
    for (int i = 0; i < 50; i++)
        spawn(world, world->init, 5);
    expect_stale(world, reaped);
    expect_stale(world, thread);
    expect_stale(world, aborted);
}

static void forged_handles(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    uint64_t random = 88172645463325252u;

    expect_stale(world, 0);
    expect_stale(world, UINT64_MAX);
    expect_stale(world, child + 1);
    expect_stale(world, child - 1);
    expect_stale(world, child & 0xffffffff);
    expect_stale(world, child & ~(uint64_t)0xffffffff);
    expect_stale(world, child | (uint64_t)1 << 63);
    expect_stale(world, child + ((uint64_t)1 << 52));
    for (int i = 0; i < 200; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if (random == child || random == world->init)
            continue;
        expect_stale(world, random);
        expect_stale(world, (random & (uint64_t)0x7f << 32) | (random & 0xf));
    }
}

static void foreign_handles(void **state)
{
    struct world *world = *state, *other = world_new(PTEXIT_CTX_PID_CYCLIC);

    for (int i = 0; i < 20; i++) {
        ptexit_task own = spawn(world, world->init, 2), foreign = spawn(other, other->init, 3);
        expect_stale(world, foreign);
        expect_stale(other, own);
    }
    expect_stale(world, other->init);
    world_free(other);
}

static void bad_contexts(void **state)
{
    struct world *world = *state;
    uint64_t other_memory[512] = { 0 };
    ptexit_event event = PTEXIT_INIT(ptexit_event);
    ptexit_task task = 7;
    ptexit_ctx *bad[] = { NULL, (ptexit_ctx *)((char *)world->ctx + 1), (ptexit_ctx *)other_memory };
    size_t got;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (int j = 0; j < CALLS; j++)
            REFUSED(world, PTEXIT_EFAULT, call(bad[i], world->init, j));
        assert_int_equal(ptexit_init_new(bad[i], NULL, &task), PTEXIT_EFAULT);
        assert_int_equal(ptexit_pid_lookup(bad[i], 1, &task), PTEXIT_EFAULT);
        assert_int_equal(ptexit_next_events(bad[i], &event, 1, &got), PTEXIT_EFAULT);
        assert_int_equal(task, 7);
    }
    ptexit_ctx_free((ptexit_ctx *)other_memory);
    assert_int_equal(other_memory[0], 0);
}

static void bad_pointers(void **state)
{
    struct world *world = *state;
    ptexit_ctx *ctx = world->ctx;
    ptexit_task init = world->init, child = spawn(world, init, 2);
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    ptexit_task tasks[2] = { 7, 7 };
    uint64_t space[64] = { 0 };
    char *odd = (char *)space + 2;
    size_t got = 7;

    die(world, child, PTEXIT_EXITED(1));
    args.options = PTEXIT_WEXITED;
    ((uint32_t *)space)[0] = 128;
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait(ctx, init, NULL, &result));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait(ctx, init, &args, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait(ctx, init, &args, (ptexit_wait_result *)odd));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait(ctx, init, (ptexit_wait_args *)odd, &result));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait_many(ctx, init, &args, NULL, 1, &got));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait_many(ctx, init, &args, &result, 1, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_wait_many(ctx, init, NULL, &result, 1, &got));
    REFUSED(world, PTEXIT_EFAULT, ptexit_clone(ctx, init, NULL, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_clone(ctx, init, (ptexit_clone_args *)odd, tasks));
    REFUSED(world, PTEXIT_EFAULT, ptexit_clone(ctx, init, NULL, (ptexit_task *)odd));
    REFUSED(world, PTEXIT_EFAULT, ptexit_exit_begin(ctx, init, 0, (uint32_t *)(odd + 1)));
    REFUSED(world, PTEXIT_EFAULT, ptexit_exit_group(ctx, init, 0, (uint32_t *)(odd + 1)));
    REFUSED(world, PTEXIT_EFAULT, ptexit_exit_finish(ctx, init, (ptexit_rusage *)odd));
    REFUSED(world, PTEXIT_EFAULT, ptexit_report_exit(ctx, init, 0, (ptexit_rusage *)odd));
    REFUSED(world, PTEXIT_EFAULT, ptexit_setsid(ctx, init, (uint32_t *)(odd + 1)));
    REFUSED(world, PTEXIT_EFAULT, ptexit_pid_lookup(ctx, 1, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_task_pid(ctx, init, PTEXIT_PID_TID, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_task_info(ctx, init, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_get_attr(ctx, init, PTEXIT_ATTR_UID, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_children_usage(ctx, init, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 0, NULL, 2, &got));
    REFUSED(world, PTEXIT_EFAULT, ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 2, NULL));
    assert_int_equal(got, 7);
    assert_int_equal(tasks[0], 7);
    expect_reap(world, init, child, PTEXIT_EXITED(1));
}

static int clone_with(struct world *world, uint32_t flags, uint32_t exit_signal, uint32_t pid)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_task task = 7;
    int code;

    args.flags = flags;
    args.exit_signal = exit_signal;
    args.pid = pid;
    code = ptexit_clone(world->ctx, world->init, &args, &task);
    assert_int_equal(task, 7);
    return code;
}

static int wait_with(struct world *world, uint32_t idtype, uint64_t id, uint32_t options, uint32_t reserved)
{
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    int code;

    args.idtype = idtype;
    args.id = id;
    args.options = options;
    args.reserved = reserved;
    code = ptexit_wait(world->ctx, world->init, &args, &result);
    assert_int_equal(result.pid, 0);
    return code;
}

static void undefined_values(void **state)
{
    struct world *world = *state;
    ptexit_ctx *ctx = world->ctx;
    ptexit_task init = world->init, tasks[2];
    uint64_t value;
    uint32_t pid;
    size_t got;

    die(world, spawn(world, init, 2), PTEXIT_EXITED(1));
    for (uint32_t bit = 1; bit; bit <<= 1) {
        if (bit != PTEXIT_CLONE_THREAD && bit != PTEXIT_CLONE_PARENT)
            REFUSED(world, PTEXIT_EINVAL, clone_with(world, bit, 0, 0));
        if (bit & ~0xe100000fu)
            REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | bit, 0));
        if (bit > 4)
            REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, PTEXIT_ATTR_SIGCHLD, bit));
    }
    REFUSED(world, PTEXIT_EINVAL, clone_with(world, 0, 65, 0));
    REFUSED(world, PTEXIT_EINVAL, clone_with(world, 0, UINT32_MAX, 0));
    REFUSED(world, PTEXIT_EINVAL, clone_with(world, 0, 17, 1234));
    REFUSED(world, PTEXIT_EINVAL, clone_with(world, PTEXIT_CLONE_PARENT, 0, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_ALL, 0, 0, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_ALL, 0, PTEXIT_WNOHANG, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_ALL, 0, PTEXIT_WEXITED, 1));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, 4, 0, PTEXIT_WEXITED, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_PID, (uint64_t)1 << 32, PTEXIT_WEXITED, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_PID, 0, PTEXIT_WEXITED, 0));
    REFUSED(world, PTEXIT_EINVAL, wait_with(world, PTEXIT_P_PGID, (uint64_t)1 << 32, PTEXIT_WEXITED, 0));
    REFUSED(world, PTEXIT_EINVAL, ptexit_exit_begin(ctx, init, 0x7f, NULL));
    REFUSED(world, PTEXIT_EINVAL, ptexit_exit_begin(ctx, init, 0x137f, NULL));
    REFUSED(world, PTEXIT_EINVAL, ptexit_exit_group(ctx, init, 0x109, NULL));
    REFUSED(world, PTEXIT_EINVAL, ptexit_report_exit(ctx, init, 0x10000, NULL));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, PTEXIT_ATTR_SUBREAPER, 2));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, PTEXIT_ATTR_PDEATHSIG, 65));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, PTEXIT_ATTR_PDEATHSIG, (uint64_t)1 << 32));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, PTEXIT_ATTR_UID, (uint64_t)1 << 32));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, init, 7, 0));
    REFUSED(world, PTEXIT_EINVAL, ptexit_get_attr(ctx, init, 7, &value));
    REFUSED(world, PTEXIT_EINVAL, ptexit_task_pid(ctx, init, 5, &pid));
    REFUSED(world, PTEXIT_EINVAL, ptexit_list(ctx, 4, 0, tasks, 2, &got));
    REFUSED(world, PTEXIT_EINVAL, ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 1, tasks, 2, &got));
    REFUSED(world, PTEXIT_EINVAL, ptexit_list(ctx, PTEXIT_LIST_GROUP, (uint64_t)1 << 32, tasks, 2, &got));
    REFUSED(world, PTEXIT_EEXIST, ptexit_init_new(ctx, NULL, tasks));
}

static void struct_sizes(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2), task;
    union {
        ptexit_wait_args args;
        ptexit_clone_args clone_args;
        unsigned char bytes[4200];
    } in = { { 0 } };
    union {
        ptexit_wait_result result;
        unsigned char bytes[4200];
    } out = { { 0 } };

    die(world, child, PTEXIT_EXITED(1));
    in.args.options = PTEXIT_WEXITED;
    out.result.size = sizeof out.result;
    for (uint32_t size = 0; size < sizeof in.args; size++) {
        in.args.size = size;
        REFUSED(world, PTEXIT_EINVAL, ptexit_wait(world->ctx, world->init, &in.args, &out.result));
    }
    in.args.size = 4097;
    REFUSED(world, PTEXIT_E2BIG, ptexit_wait(world->ctx, world->init, &in.args, &out.result));
    in.args.size = sizeof in.args + 16;
    in.bytes[sizeof in.args + 3] = 1;
    REFUSED(world, PTEXIT_E2BIG, ptexit_wait(world->ctx, world->init, &in.args, &out.result));
    in.bytes[sizeof in.args + 3] = 0;
    for (uint32_t size = 0; size < sizeof out.result; size++) {
        out.result.size = size;
        REFUSED(world, PTEXIT_EINVAL, ptexit_wait(world->ctx, world->init, &in.args, &out.result));
    }
    out.result.size = 4097;
    REFUSED(world, PTEXIT_E2BIG, ptexit_wait(world->ctx, world->init, &in.args, &out.result));
    assert_int_equal(out.result.pid, 0);
    out.result.size = 4096;
    assert_int_equal(ptexit_wait(world->ctx, world->init, &in.args, &out.result), 0);
    assert_int_equal(out.result.task, child);
    assert_int_equal(out.result.size, 4096);

    memset(&in, 0, sizeof in);
    in.clone_args.size = sizeof in.clone_args - 1;
    REFUSED(world, PTEXIT_EINVAL, ptexit_clone(world->ctx, world->init, &in.clone_args, &task));
    in.clone_args.size = sizeof in.clone_args + 1;
    in.bytes[sizeof in.clone_args] = 0x80;
    REFUSED(world, PTEXIT_E2BIG, ptexit_clone(world->ctx, world->init, &in.clone_args, &task));
}

/* Only commit, abort and task_info know a task that is not committed. */
static void embryos_are_nobodys_business(void **state)
{
    struct world *world = *state;
    ptexit_ctx *ctx = world->ctx;
    ptexit_task parent = spawn(world, world->init, 2), embryo, task;

    assert_int_equal(ptexit_clone(ctx, parent, NULL, &embryo), 0);
    for (int i = 0; i < CALLS; i++)
        if (i != 0 && i != 2 && i != 3 && i != 16)
            REFUSED(world, PTEXIT_ESRCH, call(ctx, embryo, i));
    assert_int_equal(info_of(world, embryo).state, PTEXIT_STATE_EMBRYO);
    REFUSED(world, PTEXIT_ESRCH, ptexit_pid_lookup(ctx, info_of(world, embryo).tid, &task));

    /* One at a time, and its creator cannot leave without it. */
    REFUSED(world, PTEXIT_E_STATE, ptexit_clone(ctx, parent, NULL, &task));
    assert_int_equal(ptexit_exit_begin(ctx, parent, PTEXIT_EXITED(1), NULL), 0);
    REFUSED(world, PTEXIT_E_STATE, ptexit_exit_finish(ctx, parent, NULL));
    assert_int_equal(ptexit_clone_commit(ctx, embryo), PTEXIT_EINTR);
    assert_int_equal(ptexit_exit_finish(ctx, parent, NULL), 0);
    expect_stale(world, embryo);
    expect_reap(world, world->init, parent, PTEXIT_EXITED(1));
}

static void calls_out_of_turn(void **state)
{
    struct world *world = *state;
    ptexit_ctx *ctx = world->ctx;
    ptexit_task child = spawn(world, world->init, 2), grandchild = spawn(world, child, 3), task;
    ptexit_wait_result result;

    REFUSED(world, PTEXIT_E_STATE, ptexit_clone_commit(ctx, child));
    REFUSED(world, PTEXIT_E_STATE, ptexit_clone_abort(ctx, child));
    REFUSED(world, PTEXIT_E_STATE, ptexit_exit_finish(ctx, child, NULL));

    assert_int_equal(ptexit_exit_begin(ctx, child, PTEXIT_EXITED(1), NULL), 0);
    REFUSED(world, PTEXIT_E_STATE, ptexit_exit_begin(ctx, child, PTEXIT_EXITED(2), NULL));
    REFUSED(world, PTEXIT_E_STATE, ptexit_clone_commit(ctx, child));
    REFUSED(world, PTEXIT_ESRCH, ptexit_clone(ctx, child, NULL, &task));
    REFUSED(world, PTEXIT_ESRCH, ptexit_exec_commit(ctx, child));
    REFUSED(world, PTEXIT_ESRCH, reap_any(world, child, &result));
    REFUSED(world, PTEXIT_ESRCH, ptexit_setpgid(ctx, child, 0, 0));
    REFUSED(world, PTEXIT_ESRCH, ptexit_setsid(ctx, child, NULL));
    assert_int_equal(ptexit_exit_finish(ctx, child, NULL), 0);

    REFUSED(world, PTEXIT_E_STATE, ptexit_exit_finish(ctx, child, NULL));
    REFUSED(world, PTEXIT_E_STATE, ptexit_exit_begin(ctx, child, PTEXIT_EXITED(3), NULL));
    REFUSED(world, PTEXIT_E_STATE, ptexit_clone_commit(ctx, child));
    REFUSED(world, PTEXIT_ESRCH, ptexit_report_exit(ctx, child, PTEXIT_KILLED(9), NULL));
    REFUSED(world, PTEXIT_ESRCH, ptexit_clone(ctx, child, NULL, &task));
    REFUSED(world, PTEXIT_ESRCH, reap_any(world, child, &result));
    /* Too late for a zombie: SIGKILL does not change its status. */
    REFUSED(world, 0, ptexit_exit_group(ctx, child, PTEXIT_KILLED(9), NULL));
    expect_reap(world, world->init, child, PTEXIT_EXITED(1));
    assert_int_equal(pid_of(world, grandchild, PTEXIT_PID_PPID), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(stale_handles, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(forged_handles, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(foreign_handles, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(bad_contexts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(bad_pointers, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(undefined_values, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(struct_sizes, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(embryos_are_nobodys_business, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(calls_out_of_turn, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
