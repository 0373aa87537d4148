/* A process from fork to reaping, and what becomes of its children. */
#include "support.h"

static void fork_exit_wait(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 42);
    ptexit_wait_result result;
    uint32_t pid = pid_of(world, child, PTEXIT_PID_TGID), decided = 0;
    ptexit_rusage usage = { .utime_ns = 3, .stime_ns = 4, .maxrss_kib = 5, .nivcsw = 6 }, children;

    assert_int_equal(info_of(world, child).state, PTEXIT_STATE_RUNNING);
    assert_int_equal(pid_of(world, child, PTEXIT_PID_PPID), 1);
    assert_int_equal(ptexit_set_attr(world->ctx, child, PTEXIT_ATTR_UID, 1000), 0);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.pid, 0);

    forget(world);
    assert_int_equal(ptexit_exit_begin(world->ctx, child, PTEXIT_EXITED(3), &decided), 0);
    assert_int_equal(decided, PTEXIT_EXITED(3));
    assert_int_equal(info_of(world, child).state, PTEXIT_STATE_INITIATED);
    assert_int_equal(world->count, 0);
    assert_int_equal(ptexit_exit_finish(world->ctx, child, &usage), 0);
    assert_int_equal(info_of(world, child).state, PTEXIT_STATE_ZOMBIE);
    assert_int_equal(info_of(world, child).has_status, 1);
    assert_int_equal(info_of(world, child).status, PTEXIT_EXITED(3));

    const ptexit_event *signal = find(world, PTEXIT_EVENT_SIGNAL, 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 1);
    assert_int_equal(signal->task, world->init);
    assert_int_equal(signal->cookie, 1);
    assert_int_equal(signal->info.signo, PTEXIT_SIGCHLD);
    assert_int_equal(signal->info.code, PTEXIT_CLD_EXITED);
    assert_int_equal(signal->info.pid, pid);
    assert_int_equal(signal->info.uid, 1000);
    assert_int_equal(signal->info.value, 3);
    assert_int_equal(signal->info.group, 1);
    assert_int_equal(signal->info.utime_ns, 3);
    assert_int_equal(signal->info.stime_ns, 4);
    const ptexit_event *exited = find(world, PTEXIT_EVENT_EXITED, 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_EXITED), 1);
    assert_int_equal(exited->task, child);
    assert_int_equal(exited->cookie, 42);
    assert_int_equal(exited->status, PTEXIT_EXITED(3));

    forget(world);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.size, sizeof result);
    assert_int_equal(result.pid, pid);
    assert_int_equal(result.task, child);
    assert_int_equal(result.cookie, 42);
    assert_int_equal(result.uid, 1000);
    assert_int_equal(result.status, PTEXIT_EXITED(3));
    assert_int_equal(result.code, PTEXIT_CLD_EXITED);
    assert_int_equal(result.value, 3);
    assert_memory_equal(&result.usage, &usage, sizeof usage);

    const ptexit_event *reaped = find(world, PTEXIT_EVENT_REAPED, 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REAPED), 1);
    assert_int_equal(reaped->task, child);
    assert_int_equal(reaped->pid, pid);
    assert_int_equal(reaped->cookie, 42);
    assert_int_equal(reaped->other, world->init);
    assert_int_equal(reaped->status, PTEXIT_EXITED(3));
    assert_memory_equal(&reaped->usage, &usage, sizeof usage);
    assert_int_equal(find(world, PTEXIT_EVENT_PID_FREE, 0)->pid, pid);

    assert_int_equal(reap_any(world, world->init, &result), PTEXIT_ECHILD);
    assert_int_equal(ptexit_children_usage(world->ctx, world->init, &children), 0);
    assert_memory_equal(&children, &usage, sizeof usage);
}

static void killed_and_dumped(void **state)
{
    struct world *world = *state;
    ptexit_wait_result result;
    ptexit_task child = spawn(world, world->init, 2);

    forget(world);
    die(world, child, PTEXIT_KILLED(PTEXIT_SIGKILL));
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.code, PTEXIT_CLD_KILLED);
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.value, 9);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.code, PTEXIT_CLD_KILLED);
    assert_int_equal(result.value, 9);

    child = spawn(world, world->init, 3);
    die(world, child, PTEXIT_DUMPED(11));
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.code, PTEXIT_CLD_DUMPED);
    assert_int_equal(result.value, 11);
    assert_int_equal(result.status, 0x8b);
}

static void orphans_go_to_init(void **state)
{
    struct world *world = *state;
    ptexit_task parent = spawn(world, world->init, 2);
    ptexit_task live = spawn(world, parent, 3), dead = spawn(world, parent, 4);

    die(world, dead, PTEXIT_EXITED(7));
    forget(world);
    die(world, parent, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_REPARENTED), 2);
    assert_int_equal(find(world, PTEXIT_EVENT_REPARENTED, 0)->other, world->init);
    assert_int_equal(pid_of(world, live, PTEXIT_PID_PPID), 1);
    /* The zombie tells its new parent, then the parent tells its own. */
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 2);
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.value, 7);
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 1)->info.value, 0);

    expect_reap(world, world->init, parent, PTEXIT_EXITED(0));
    expect_reap(world, world->init, dead, PTEXIT_EXITED(7));
    die(world, live, PTEXIT_EXITED(1));
    expect_reap(world, world->init, live, PTEXIT_EXITED(1));
}

static void subreaper_adopts(void **state)
{
    struct world *world = *state;
    ptexit_task reaper = spawn(world, world->init, 2);
    ptexit_task parent = spawn(world, reaper, 3);
    ptexit_task child = spawn(world, parent, 4);
    uint64_t value = 9;

    assert_int_equal(ptexit_set_attr(world->ctx, reaper, PTEXIT_ATTR_SUBREAPER, 1), 0);
    assert_int_equal(ptexit_get_attr(world->ctx, reaper, PTEXIT_ATTR_SUBREAPER, &value), 0);
    assert_int_equal(value, 1);
    die(world, parent, PTEXIT_EXITED(0));
    assert_int_equal(pid_of(world, child, PTEXIT_PID_PPID), pid_of(world, reaper, PTEXIT_PID_TGID));
    expect_reap(world, reaper, parent, PTEXIT_EXITED(0));
    die(world, reaper, PTEXIT_EXITED(0));
    assert_int_equal(pid_of(world, child, PTEXIT_PID_PPID), 1);
}

static void parent_death_signal(void **state)
{
    struct world *world = *state;
    ptexit_task parent = spawn(world, world->init, 2);
    ptexit_task child = spawn(world, parent, 3);
    uint32_t parent_pid = pid_of(world, parent, PTEXIT_PID_TGID);
    uint64_t value = 0;

    assert_int_equal(ptexit_set_attr(world->ctx, child, PTEXIT_ATTR_PDEATHSIG, 15), 0);
    assert_int_equal(ptexit_get_attr(world->ctx, child, PTEXIT_ATTR_PDEATHSIG, &value), 0);
    assert_int_equal(value, 15);
    forget(world);
    die(world, parent, PTEXIT_EXITED(0));
    const ptexit_event *signal = find(world, PTEXIT_EVENT_SIGNAL, 0);
    assert_int_equal(signal->task, child);
    assert_int_equal(signal->cookie, 3);
    assert_int_equal(signal->info.signo, 15);
    assert_int_equal(signal->info.code, PTEXIT_SI_USER);
    assert_int_equal(signal->info.pid, parent_pid);
    assert_int_equal(pid_of(world, child, PTEXIT_PID_PPID), 1);
}

static void ignored_sigchld_leaves_no_zombie(void **state)
{
    struct world *world = *state;
    ptexit_task parent = spawn(world, world->init, 2), child = spawn(world, parent, 3);
    ptexit_wait_result result;
    ptexit_task found;
    uint32_t pid = pid_of(world, child, PTEXIT_PID_TGID);

    assert_int_equal(ptexit_set_attr(world->ctx, parent, PTEXIT_ATTR_SIGCHLD, PTEXIT_SIGCHLD_IGNORE), 0);
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 0);
    assert_int_equal(find(world, PTEXIT_EVENT_REAPED, 0)->task, child);
    assert_int_equal(find(world, PTEXIT_EVENT_REAPED, 0)->other, 0);
    assert_int_equal(ptexit_pid_lookup(world->ctx, pid, &found), PTEXIT_ESRCH);
    assert_int_equal(reap_any(world, parent, &result), PTEXIT_ECHILD);

    /* SA_NOCLDWAIT still sends the signal. */
    child = spawn(world, parent, 4);
    assert_int_equal(ptexit_set_attr(world->ctx, parent, PTEXIT_ATTR_SIGCHLD, PTEXIT_SIGCHLD_NOCLDWAIT), 0);
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 1);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REAPED), 1);
    assert_int_equal(reap_any(world, parent, &result), PTEXIT_ECHILD);

    /* Neither applies to another exit signal. */
    child = spawn_with(world, parent, 0, 10, 5);
    assert_int_equal(ptexit_set_attr(world->ctx, parent, PTEXIT_ATTR_SIGCHLD, PTEXIT_SIGCHLD_IGNORE), 0);
    forget(world);
    die(world, child, PTEXIT_EXITED(6));
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.signo, 10);
    assert_int_equal(wait_for(world, parent, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | PTEXIT_WALL, &result), 0);
    assert_int_equal(result.task, child);
}

static void exit_reported_from_outside(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn(world, world->init, 2);
    ptexit_rusage usage = { .utime_ns = 11 };
    ptexit_wait_result result;

    spawn_thread(world, child, 3);
    spawn_thread(world, child, 4);
    forget(world);
    assert_int_equal(ptexit_report_exit(world->ctx, child, PTEXIT_KILLED(9), &usage), 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 1);
    assert_int_equal(count_of(world, PTEXIT_EVENT_EXITED), 1);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REAPED), 2);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    assert_int_equal(result.task, child);
    assert_int_equal(result.status, PTEXIT_KILLED(9));
    assert_int_equal(result.usage.utime_ns, 11);
}

static void exec_restores_the_exit_signal(void **state)
{
    struct world *world = *state;
    ptexit_task child = spawn_with(world, world->init, 0, 10, 2);
    ptexit_wait_result result;

    assert_int_equal(reap_any(world, world->init, &result), PTEXIT_ECHILD);
    assert_int_equal(ptexit_exec_commit(world->ctx, child), 0);
    assert_int_equal(reap_any(world, world->init, &result), 0);
    forget(world);
    die(world, child, PTEXIT_EXITED(0));
    assert_int_equal(find(world, PTEXIT_EVENT_SIGNAL, 0)->info.signo, PTEXIT_SIGCHLD);
}

static void aborted_clone_was_never_there(void **state)
{
    struct world *world = *state;
    char *before = dump(world->ctx);
    ptexit_task task, found;
    ptexit_wait_result result;
    uint32_t pid;

    assert_int_equal(ptexit_clone(world->ctx, world->init, NULL, &task), 0);
    assert_int_equal(info_of(world, task).state, PTEXIT_STATE_EMBRYO);
    pid = info_of(world, task).tid;
    assert_int_equal(ptexit_pid_lookup(world->ctx, pid, &found), PTEXIT_ESRCH);
    assert_int_equal(reap_any(world, world->init, &result), PTEXIT_ECHILD);
    assert_int_equal(ptexit_clone_abort(world->ctx, task), 0);
    expect_unchanged(world, before);
    assert_int_equal(ptexit_clone_abort(world->ctx, task), PTEXIT_ESRCH);
    assert_int_equal(ptexit_clone_commit(world->ctx, task), PTEXIT_ESRCH);
}

static void clone_loses_to_group_exit(void **state)
{
    struct world *world = *state;
    ptexit_task parent = spawn(world, world->init, 2), child;

    assert_int_equal(ptexit_clone(world->ctx, parent, NULL, &child), 0);
    assert_int_equal(ptexit_exit_group(world->ctx, parent, PTEXIT_KILLED(9), NULL), 0);
    assert_int_equal(ptexit_clone_commit(world->ctx, child), PTEXIT_EINTR);
    assert_int_equal(ptexit_clone_abort(world->ctx, child), PTEXIT_ESRCH);
    die(world, parent, PTEXIT_EXITED(0));
    expect_reap(world, world->init, parent, PTEXIT_KILLED(9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fork_exit_wait, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(killed_and_dumped, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(orphans_go_to_init, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(subreaper_adopts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(parent_death_signal, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(ignored_sigchld_leaves_no_zombie, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(exit_reported_from_outside, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(exec_restores_the_exit_signal, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(aborted_clone_was_never_there, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(clone_loses_to_group_exit, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
