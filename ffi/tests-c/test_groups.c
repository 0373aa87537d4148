/* Process groups, sessions, and threads of one process. */
#include "support.h"

static void groups_are_inherited_and_changed(void **state)
{
    struct world *world = *state;
    ptexit_task shell = spawn(world, world->init, 2), job, member, listed[4];
    uint32_t shell_pid = pid_of(world, shell, PTEXIT_PID_TGID), job_pid, sid = 0;
    size_t got;

    assert_int_equal(ptexit_setsid(world->ctx, shell, &sid), 0);
    assert_int_equal(sid, shell_pid);
    job = spawn(world, shell, 3);
    member = spawn(world, shell, 4);
    job_pid = pid_of(world, job, PTEXIT_PID_TGID);
    assert_int_equal(pid_of(world, job, PTEXIT_PID_PGID), shell_pid);
    assert_int_equal(pid_of(world, job, PTEXIT_PID_SID), shell_pid);

    assert_int_equal(ptexit_setpgid(world->ctx, shell, job_pid, 0), 0);
    assert_int_equal(ptexit_setpgid(world->ctx, member, 0, job_pid), 0);
    assert_int_equal(pid_of(world, member, PTEXIT_PID_PGID), job_pid);
    assert_int_equal(ptexit_list(world->ctx, PTEXIT_LIST_GROUP, job_pid, listed, 4, &got), 0);
    assert_int_equal(got, 2);
    assert_true((listed[0] == job && listed[1] == member) || (listed[0] == member && listed[1] == job));

    /* The number outlives the process while the group has members. */
    die(world, job, PTEXIT_EXITED(0));
    forget(world);
    expect_reap(world, shell, job, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_PID_FREE), 0);
    die(world, member, PTEXIT_EXITED(0));
    forget(world);
    expect_reap(world, shell, member, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_PID_FREE), 2);
}

static void setpgid_refusals(void **state)
{
    struct world *world = *state;
    ptexit_task shell = spawn(world, world->init, 2), child = spawn(world, shell, 3), grandchild = spawn(world, child, 4);
    uint32_t shell_pid = pid_of(world, shell, PTEXIT_PID_TGID), child_pid = pid_of(world, child, PTEXIT_PID_TGID);
    uint32_t grandchild_pid = pid_of(world, grandchild, PTEXIT_PID_TGID);

    REFUSED(world, PTEXIT_ESRCH, ptexit_setpgid(world->ctx, shell, 999, 999));
    REFUSED(world, PTEXIT_ESRCH, ptexit_setpgid(world->ctx, shell, grandchild_pid, 0));
    REFUSED(world, PTEXIT_EPERM, ptexit_setpgid(world->ctx, shell, child_pid, 999));
    REFUSED(world, PTEXIT_EPERM, ptexit_setpgid(world->ctx, shell, 0, grandchild_pid));
    assert_int_equal(ptexit_exec_commit(world->ctx, child), 0);
    REFUSED(world, PTEXIT_EACCES, ptexit_setpgid(world->ctx, shell, child_pid, 0));
    assert_int_equal(ptexit_setpgid(world->ctx, child, 0, 0), 0);

    assert_int_equal(ptexit_setsid(world->ctx, shell, NULL), 0);
    REFUSED(world, PTEXIT_EPERM, ptexit_setsid(world->ctx, shell, NULL));
    REFUSED(world, PTEXIT_EPERM, ptexit_setpgid(world->ctx, shell, 0, shell_pid));
    REFUSED(world, PTEXIT_EPERM, ptexit_setsid(world->ctx, child, NULL));
}

static void wait_follows_the_child_to_its_group(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    uint32_t pid = pid_of(world, child, PTEXIT_PID_TGID), own = pid_of(world, world->init, PTEXIT_PID_PGID);
    uint32_t options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    ptexit_wait_result result;

    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, pid, options, &result), PTEXIT_ECHILD);
    assert_int_equal(ptexit_setpgid(world->ctx, child, 0, 0), 0);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, own, options, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, pid, options, &result), 0);
    assert_int_equal(result.pid, 0);
    die(world, child, PTEXIT_EXITED(9));
    assert_int_equal(wait_for(world, world->init, PTEXIT_P_PGID, pid, options, &result), 0);
    assert_int_equal(result.task, child);
}

static void group_exit_ends_every_thread(void **state)
{
    struct world *world = *state;
    ptexit_task leader = spawn(world, world->init, 2);
    ptexit_task one = spawn_thread(world, leader, 3), two = spawn_thread(world, one, 4);
    uint32_t decided = 0;

    assert_int_equal(info_of(world, leader).threads, 3);
    assert_int_equal(info_of(world, two).leader, leader);
    assert_int_equal(pid_of(world, two, PTEXIT_PID_TGID), pid_of(world, leader, PTEXIT_PID_TID));
    forget(world);
    assert_int_equal(ptexit_exit_group(world->ctx, one, PTEXIT_EXITED(5), &decided), 0);
    assert_int_equal(decided, PTEXIT_EXITED(5));
    assert_int_equal(count_of(world, PTEXIT_EVENT_INTERRUPT), 2);
    for (size_t i = 0; i < 2; i++) {
        const ptexit_event *interrupt = find(world, PTEXIT_EVENT_INTERRUPT, i);
        assert_true(interrupt->task == leader || interrupt->task == two);
        assert_int_equal(interrupt->cookie, interrupt->task == leader ? 2 : 4);
    }
    assert_int_equal(ptexit_exit_group(world->ctx, two, PTEXIT_KILLED(9), &decided), 0);
    assert_int_equal(decided, PTEXIT_EXITED(5));

    assert_int_equal(ptexit_exit_begin(world->ctx, leader, PTEXIT_EXITED(1), &decided), 0);
    assert_int_equal(decided, PTEXIT_EXITED(5));
    forget(world);
    assert_int_equal(ptexit_exit_finish(world->ctx, leader, NULL), 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 0);
    die(world, one, PTEXIT_EXITED(2));
    assert_int_equal(find(world, PTEXIT_EVENT_REAPED, 0)->task, one);
    assert_int_equal(find(world, PTEXIT_EVENT_REAPED, 0)->other, 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 0);
    die(world, two, PTEXIT_EXITED(3));
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 1);
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.value, 5);
    expect_reap(world, world->init, leader, PTEXIT_EXITED(5));
}

static void leader_exits_first(void **state)
{
    struct world *world = *state;
    ptexit_task leader = spawn(world, world->init, 2), thread = spawn_thread(world, leader, 3);
    ptexit_wait_result result;

    forget(world);
    die(world, leader, PTEXIT_EXITED(1));
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL) + count_of(world, PTEXIT_EVENT_EXITED), 0);
    assert_int_equal(info_of(world, leader).state, PTEXIT_STATE_ZOMBIE);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.pid, 0);
    /* The last thread's status is the process's. */
    die(world, thread, PTEXIT_EXITED(2));
    expect_reap(world, world->init, leader, PTEXIT_EXITED(2));
}

static void threads_wait_for_each_others_children(void **state)
{
    struct world *world = *state;
    ptexit_task leader = spawn(world, world->init, 2), thread = spawn_thread(world, leader, 3);
    ptexit_task child = spawn(world, thread, 4);
    ptexit_wait_result result;
    uint32_t options = PTEXIT_WEXITED | PTEXIT_WNOHANG;

    forget(world);
    die(world, child, PTEXIT_EXITED(6));
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->task, thread);
    assert_int_equal(wait_for(world, leader, PTEXIT_P_ALL, 0, options | PTEXIT_WNOTHREAD, &result), PTEXIT_ECHILD);
    assert_int_equal(wait_for(world, leader, PTEXIT_P_ALL, 0, options | PTEXIT_WNOWAIT, &result), 0);
    assert_int_equal(result.task, child);
    /* A dying thread leaves its children to another thread of the process. */
    die(world, thread, PTEXIT_EXITED(0));
    assert_int_equal(wait_for(world, leader, PTEXIT_P_ALL, 0, options | PTEXIT_WNOTHREAD, &result), 0);
    assert_int_equal(result.task, child);
}

static void exec_with_threads_is_not_there_yet(void **state)
{
    struct world *world = *state;
    ptexit_task leader = spawn(world, world->init, 2), thread = spawn_thread(world, leader, 3);

    REFUSED(world, PTEXIT_ENOSYS, ptexit_exec_commit(world->ctx, leader));
    REFUSED(world, PTEXIT_ENOSYS, ptexit_exec_commit(world->ctx, thread));
}

static void clone_parent_makes_a_sibling(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn_with(world, world->init, 0, 10, 2);
    ptexit_task sibling = spawn_with(world, child, PTEXIT_CLONE_PARENT, PTEXIT_SIGCHLD, 3);

    assert_int_equal(pid_of(world, sibling, PTEXIT_PID_PPID), 1);
    forget(world);
    die(world, sibling, PTEXIT_EXITED(0));
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.signo, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(groups_are_inherited_and_changed, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(setpgid_refusals, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(wait_follows_the_child_to_its_group, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(group_exit_ends_every_thread, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(leader_exits_first, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(threads_wait_for_each_others_children, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(exec_with_threads_is_not_there_yet, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(clone_parent_makes_a_sibling, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
