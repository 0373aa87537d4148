/* Which children a wait finds, in which order, and how a wait is armed, fires and is cancelled. */
#include "support.h"

static void nowait_leaves_the_child(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    ptexit_wait_result result;

    die(world, child, PTEXIT_EXITED(4));
    forget(world);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | PTEXIT_WNOWAIT, &result), 0);
        assert_int_equal(result.task, child);
        assert_int_equal(result.status, PTEXIT_EXITED(4));
    }
    assert_int_equal(world->count, 0);
    assert_int_equal(info_of(world, child).state, PTEXIT_STATE_ZOMBIE);
    expect_reap(world, world->init, child, PTEXIT_EXITED(4));
}

static void no_child_is_echild(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    ptexit_wait_result result;

    assert_int_equal(reap_any(world, child, &result), PTEXIT_ECHILD);
    assert_int_equal(result.pid, 0xeeeeeeee);
    assert_int_equal(wait_for(world, child, PTEXIT_P_ALL, 0, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PID, 999, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_TASK, child + 1, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
}

static void nothing_yet_is_all_zero(void **state)
{
    struct world *world = *state;
    ptexit_wait_result result;

    spawn(world, world->init, 2);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.size, sizeof result);
    for (size_t i = sizeof result.size; i < sizeof result; i++)
        assert_int_equal(((unsigned char *)&result)[i], 0);
}

static void by_pid_by_group_by_task(void **state)
{
    struct world *world = *state;
    ptexit_task child[4];
    ptexit_wait_result result;
    uint32_t options = PTEXIT_WEXITED | PTEXIT_WNOHANG, pid;

    for (int i = 0; i < 4; i++)
        child[i] = spawn(world, world->init, 2);
    pid = pid_of(world, child[2], PTEXIT_PID_TGID);
    assert_int_equal(ptexit_setpgid(world->ctx, world->init, pid, pid), 0);
    for (int i = 0; i < 4; i++)
        die(world, child[i], PTEXIT_EXITED(i));

    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, pid, options, &result), 0);
    assert_int_equal(result.task, child[2]);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, pid, options, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_TASK, child[3], options, &result), 0);
    assert_int_equal(result.task, child[3]);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PID, pid_of(world, child[1], PTEXIT_PID_TGID), options, &result), 0);
    assert_int_equal(result.task, child[1]);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, 0, options, &result), 0);
    assert_int_equal(result.task, child[0]);
}

static void clone_children_need_wall_or_wclone(void **state)
{
    struct world *world = *state;
    ptexit_task silent = spawn_with(world, world->init, 0, 0, 2);
    ptexit_wait_result result;

    die(world, silent, PTEXIT_EXITED(1));
    assert_int_equal(reap_any(world, world->init, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | PTEXIT_WCLONE | PTEXIT_WNOWAIT, &result), 0);
    assert_int_equal(result.task, silent);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | PTEXIT_WALL, &result), 0);
    assert_int_equal(result.task, silent);
}

static void armed_wait_fires_after_the_signal(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);

    arm(world, world->init, 0xc00c1e);
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    const ptexit_event *wake = find(world, PTEXIT_EVENT_WAKE, 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 1);
    assert_int_equal(wake->task, world->init);
    assert_int_equal(wake->cookie, 0xc00c1e);
    assert_true(place_of(world, find(world, PTEXIT_EVENT_SIGNAL, 0)) < place_of(world, wake));
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
}

static void armed_wait_fires_once(void **state)
{
    struct world *world = *state;
    ptexit_task one = spawn(world, world->init, 2), two = spawn(world, world->init, 3);

    arm(world, world->init, 5);
    forget(world);
    die(world, one, PTEXIT_EXITED(0));
    die(world, two, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 1);
}

static void armed_wait_wakes_for_its_own_children_only(void **state)
{
    struct world *world = *state;
    ptexit_task wanted = spawn(world, world->init, 2), other = spawn(world, world->init, 3);
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);

    args.idtype = PTEXIT_P_PID;
    args.id = pid_of(world, wanted, PTEXIT_PID_TGID);
    args.options = PTEXIT_WEXITED;
    args.cookie = 8;
    assert_int_equal(ptexit_wait(world->ctx, world->init, &args, &result), PTEXIT_EAGAIN);
    die(world, other, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 0);
    die(world, wanted, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 1);
    assert_int_equal(ptexit_wait(world->ctx, world->init, &args, &result), 0);
    assert_int_equal(result.task, wanted);
}

static void armed_wait_hears_of_echild(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    ptexit_wait_result result;

    assert_int_equal(ptexit_set_attr(world->ctx, world->init, PTEXIT_ATTR_SIGCHLD, PTEXIT_SIGCHLD_IGNORE), 0);
    arm(world, world->init, 6);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 1);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
}

static void cancelled_wait(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);

    REFUSED(world, PTEXIT_EINVAL, ptexit_wait_cancel(world->ctx, world->init, 5));
    arm(world, world->init, 5);
    REFUSED(world, PTEXIT_EINVAL, ptexit_wait_cancel(world->ctx, world->init, 4));
    assert_int_equal(ptexit_wait_cancel(world->ctx, world->init, 5), 0);
    REFUSED(world, PTEXIT_EINVAL, ptexit_wait_cancel(world->ctx, world->init, 5));
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 0);
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));

    child = spawn(world, world->init, 3);
    arm(world, world->init, 6);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(ptexit_wait_cancel(world->ctx, world->init, 6), 1);
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
}

/* Whatever a further wait comes to, the one that was armed before is over. */
static void a_further_wait_ends_the_armed_one(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    uint32_t group = pid_of(world, child, PTEXIT_PID_PGID), options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result;
    size_t got;

    args.options = PTEXIT_WEXITED;
    for (int way = 0; way < 7; way++) {
        arm(world, world->init, 5);
        result = (ptexit_wait_result)PTEXIT_INIT(ptexit_wait_result);
        switch (way) {
        case 0: /* no such process */
            assert_int_equal(wait_for(world, world->init, PTEXIT_P_PID, 999, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
            break;
        case 1: /* somebody else's */
            assert_int_equal(wait_for(world, world->init, PTEXIT_P_TASK, world->init, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
            break;
        case 2: /* nobody in that group */
            assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, group + 999, PTEXIT_WEXITED, &result), PTEXIT_ECHILD);
            break;
        case 3: /* nothing yet */
            assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, options, &result), 0);
            break;
        case 4: /* many, nothing yet */
            assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, &result, 1, &got), 0);
            break;
        case 5: /* many, no such process */
            args.idtype = PTEXIT_P_PID;
            args.id = 999;
            assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, &result, 1, &got), PTEXIT_ECHILD);
            args.idtype = PTEXIT_P_ALL;
            break;
        case 6: /* none at all */
            assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, &got), 0);
            break;
        }
        REFUSED(world, PTEXIT_EINVAL, ptexit_wait_cancel(world->ctx, world->init, 5));
    }
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 0);
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
}

/* What is refused for its arguments changes nothing: the armed wait stays. */
static void a_refused_wait_leaves_the_armed_one(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);
    size_t got;

    arm(world, world->init, 5);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PID, 0, PTEXIT_WEXITED, &result), PTEXIT_EINVAL);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, PTEXIT_WNOHANG, &result), PTEXIT_EINVAL);
    args.options = PTEXIT_WEXITED | PTEXIT_WNOWAIT;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, &result, 1, &got), PTEXIT_EINVAL);
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_WAKE), 1);
    assert_int_equal(ptexit_wait_cancel(world->ctx, world->init, 5), 1);
}

/* Room for none is no mistake: the arguments are checked, and no child is looked at. */
static void none_at_once(void **state)
{
    struct world *world = *state;
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    size_t got = 99;

    args.options = PTEXIT_WEXITED;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, &got), 0);
    assert_int_equal(got, 0);
    ptexit_task child = spawn(world, world->init, 2);
    die(world, child, PTEXIT_EXITED(0));
    got = 99;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, &got), 0);
    assert_int_equal(got, 0);
    got = 99;
    args.options = 0;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, &got), PTEXIT_EINVAL);
    assert_int_equal(got, 99);
    args.options = PTEXIT_WEXITED;
    args.idtype = PTEXIT_P_PID;
    args.id = 999;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, &got), 0);
    assert_int_equal(got, 0);
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, NULL, 0, NULL), PTEXIT_EFAULT);
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
}

static void many_at_once_oldest_first(void **state)
{
    struct world *world = *state;
    ptexit_task child[30];
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result results[20];
    size_t got = 99, next = 0;

    args.options = PTEXIT_WEXITED;
    memset(results, 0xee, sizeof results);
    results[0].size = sizeof results[0];
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, results, 20, &got), PTEXIT_ECHILD);
    assert_int_equal(got, 99);
    for (int i = 0; i < 30; i++)
        child[i] = spawn(world, world->init, (uint64_t)i);
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, results, 20, &got), 0);
    assert_int_equal(got, 0);
    for (int i = 29; i >= 1; i--)
        die(world, child[i], PTEXIT_EXITED(i));

    static const size_t portions[] = { 0, 1, 8, 9, 20 };
    for (size_t i = 0; i < sizeof portions / sizeof portions[0]; i++) {
        size_t expected = 29 - next < portions[i] ? 29 - next : portions[i];
        memset(results, 0xee, sizeof results);
        results[0].size = sizeof results[0];
        assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, results, portions[i], &got), 0);
        assert_int_equal(got, expected);
        for (size_t j = 0; j < got; j++) {
            assert_int_equal(results[j].size, sizeof results[j]);
            assert_int_equal(results[j].task, child[1 + next + j]);
            assert_int_equal(results[j].status, PTEXIT_EXITED(1 + next + j));
        }
        next += got;
    }
    assert_int_equal(next, 29);
    args.options = PTEXIT_WEXITED | PTEXIT_WNOWAIT;
    assert_int_equal(ptexit_wait_many(world->ctx, world->init, &args, results, 20, &got), PTEXIT_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nowait_leaves_the_child, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(no_child_is_echild, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(nothing_yet_is_all_zero, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(by_pid_by_group_by_task, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(clone_children_need_wall_or_wclone, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(armed_wait_fires_after_the_signal, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(armed_wait_fires_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(armed_wait_wakes_for_its_own_children_only, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(armed_wait_hears_of_echild, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(cancelled_wait, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_further_wait_ends_the_armed_one, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_refused_wait_leaves_the_armed_one, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(none_at_once, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(many_at_once_oldest_first, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
