/* Signals as they are sent, and processes that stop and go on. */
#include "support.h"

#define SIGTERM_ 15

/* A child in a process group of its own. */
static ptexit_task job(struct world *world, uint64_t cookie)
{
    ptexit_task task = spawn(world, world->init, cookie);

    assert_int_equal(ptexit_setpgid(world->ctx, task, 0, 0), 0);
    forget(world);
    return task;
}

static uint32_t poll_of(struct world *world, ptexit_task task)
{
    uint32_t verdict;

    assert_int_equal(ptexit_task_poll(world->ctx, task, &verdict), 0);
    return verdict;
}

static void kill_task(struct world *world, ptexit_task task, uint32_t signo)
{
    assert_int_equal(ptexit_signal(world->ctx, world->init, PTEXIT_TO_PROCESS, task, signo, PTEXIT_SI_USER), 0);
}

static void expect_change(struct world *world, ptexit_task task, uint32_t options, uint32_t status, int32_t code)
{
    ptexit_wait_result result;

    assert_int_equal(wait_for(world, world->init, PTEXIT_P_ALL, 0, options | PTEXIT_WNOHANG, &result), 0);
    assert_int_equal(result.task, task);
    assert_int_equal(result.status, status);
    assert_int_equal(result.code, code);
}

static void a_process_stops_and_goes_on(void **state)
{
    struct world *world = *state;
    ptexit_task leader = job(world, 2), thread = spawn_thread(world, leader, 3);
    const ptexit_event *event;
    uint32_t verdict, ticket;

    forget(world);
    kill_task(world, leader, PTEXIT_SIGSTOP);
    event = find(world, PTEXIT_EVENT_SIGNAL, 0);
    assert_non_null(event);
    assert_int_equal(event->task, leader);
    assert_int_equal(event->other, leader);
    assert_int_equal(event->info.signo, PTEXIT_SIGSTOP);
    ticket = event->ticket;
    event = find(world, PTEXIT_EVENT_DISCARD, 0);
    assert_int_equal(event->signals, 1u << (PTEXIT_SIGCONT - 1));

    forget(world);
    assert_int_equal(ptexit_begin_stop(world->ctx, leader, PTEXIT_SIGSTOP, ticket, &verdict), 0);
    assert_int_equal(verdict, PTEXIT_STOP | PTEXIT_SIGSTOP << 8);
    assert_int_equal(find(world, PTEXIT_EVENT_INTERRUPT, 0)->task, thread);
    assert_null(find(world, PTEXIT_EVENT_SIGNAL, 0));
    assert_int_equal(poll_of(world, thread), PTEXIT_STOP | PTEXIT_SIGSTOP << 8);
    assert_int_equal(ptexit_task_stopped(world->ctx, thread, &verdict), 0);
    assert_int_equal(verdict, PTEXIT_STOP | PTEXIT_SIGSTOP << 8);
    assert_int_equal(info_of(world, leader).state, PTEXIT_STATE_STOPPED);
    event = find(world, PTEXIT_EVENT_SIGNAL, 0);
    assert_int_equal(event->task, world->init);
    assert_int_equal(event->info.code, PTEXIT_CLD_STOPPED);
    assert_int_equal(event->info.value, PTEXIT_SIGSTOP);
    expect_change(world, leader, PTEXIT_WEXITED | PTEXIT_WSTOPPED, PTEXIT_SIGSTOP << 8 | 0x7f, PTEXIT_CLD_STOPPED);

    forget(world);
    kill_task(world, leader, PTEXIT_SIGCONT);
    assert_int_equal(count_of(world, PTEXIT_EVENT_INTERRUPT), 2);
    assert_int_equal(poll_of(world, thread), PTEXIT_RUN);
    event = find(world, PTEXIT_EVENT_SIGNAL, count_of(world, PTEXIT_EVENT_SIGNAL) - 1);
    assert_int_equal(event->info.code, PTEXIT_CLD_CONTINUED);
    expect_change(world, leader, PTEXIT_WCONTINUED, 0xffff, PTEXIT_CLD_CONTINUED);
    assert_int_equal(ptexit_begin_stop(world->ctx, leader, PTEXIT_SIGSTOP, ticket, &verdict), 0);
    assert_int_equal(verdict, PTEXIT_RUN);
}

static void sigkill_is_a_verdict(void **state)
{
    struct world *world = *state;
    ptexit_task task = job(world, 2);

    kill_task(world, task, PTEXIT_SIGKILL);
    assert_int_equal(find(world, PTEXIT_EVENT_INTERRUPT, 0)->task, task);
    assert_int_equal(poll_of(world, task), PTEXIT_EXIT | PTEXIT_KILLED(PTEXIT_SIGKILL) << 8);
    die(world, task, PTEXIT_EXITED(0));
    expect_reap(world, world->init, task, PTEXIT_KILLED(PTEXIT_SIGKILL));
}

static void masks_and_dispositions_count(void **state)
{
    struct world *world = *state;
    ptexit_task task = job(world, 2);
    uint64_t value = SIGTERM_;

    assert_int_equal(ptexit_set_attr(world->ctx, task, PTEXIT_ATTR_ACTION, SIGTERM_ | PTEXIT_ACTION_IGNORE << 8), 0);
    assert_int_equal(ptexit_get_attr(world->ctx, task, PTEXIT_ATTR_ACTION, &value), 0);
    assert_int_equal(value, SIGTERM_ | PTEXIT_ACTION_IGNORE << 8);
    kill_task(world, task, SIGTERM_);
    assert_int_equal(world->count, 0);
    assert_int_equal(ptexit_set_attr(world->ctx, task, PTEXIT_ATTR_MASK, 1u << (SIGTERM_ - 1)), 0);
    assert_int_equal(ptexit_get_attr(world->ctx, task, PTEXIT_ATTR_MASK, &value), 0);
    assert_int_equal(value, 1u << (SIGTERM_ - 1));
    kill_task(world, task, SIGTERM_);
    assert_int_equal(world->count, 1);
    assert_int_equal(world->events[0].other, 0);
    assert_int_equal(ptexit_set_attr(world->ctx, task, PTEXIT_ATTR_ACTION, SIGTERM_ | PTEXIT_ACTION_DEFAULT << 8), 0);
    assert_int_equal(ptexit_set_attr(world->ctx, task, PTEXIT_ATTR_MASK, 0), 0);
    kill_task(world, task, SIGTERM_);
    assert_int_equal(poll_of(world, task), PTEXIT_EXIT | PTEXIT_KILLED(SIGTERM_) << 8);
}

static void refusals(void **state)
{
    struct world *world = *state;
    ptexit_ctx *ctx = world->ctx;
    ptexit_task task = job(world, 2);
    uint32_t verdict;
    uint64_t value = 65;

    REFUSED(world, PTEXIT_EINVAL, ptexit_signal(ctx, world->init, 9, task, SIGTERM_, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_EINVAL, ptexit_signal(ctx, world->init, PTEXIT_TO_PROCESS, task, 65, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_EINVAL, ptexit_signal(ctx, world->init, PTEXIT_TO_EVERYBODY, 1, SIGTERM_, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_ESRCH, ptexit_signal(ctx, world->init, PTEXIT_TO_GROUP, 99, SIGTERM_, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_ESRCH, ptexit_signal(ctx, world->init, PTEXIT_TO_GROUP, 1ull << 32, 0, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_ESRCH, ptexit_signal(ctx, task + 1, PTEXIT_TO_PROCESS, task, SIGTERM_, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_ESRCH, ptexit_signal(ctx, world->init, PTEXIT_TO_THREAD, task + 1, 0, PTEXIT_SI_TKILL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_signal(NULL, world->init, PTEXIT_TO_PROCESS, task, 0, PTEXIT_SI_USER));
    REFUSED(world, 0, ptexit_signal(ctx, world->init, PTEXIT_TO_PROCESS, task, 0, PTEXIT_SI_USER));
    REFUSED(world, PTEXIT_EFAULT, ptexit_task_poll(ctx, task, NULL));
    REFUSED(world, PTEXIT_ESRCH, ptexit_task_poll(ctx, task + 1, &verdict));
    REFUSED(world, PTEXIT_EFAULT, ptexit_task_stopped(ctx, task, NULL));
    REFUSED(world, PTEXIT_EFAULT, ptexit_begin_stop(ctx, task, PTEXIT_SIGSTOP, 0, NULL));
    REFUSED(world, PTEXIT_EINVAL, ptexit_begin_stop(ctx, task, SIGTERM_, 0, &verdict));
    REFUSED(world, PTEXIT_EINVAL, ptexit_begin_stop(ctx, task, 0, 0, &verdict));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, task, PTEXIT_ATTR_ACTION, PTEXIT_SIGSTOP | PTEXIT_ACTION_IGNORE << 8));
    REFUSED(world, PTEXIT_EINVAL, ptexit_set_attr(ctx, task, PTEXIT_ATTR_ACTION, SIGTERM_ | 3 << 8));
    REFUSED(world, PTEXIT_EINVAL, ptexit_get_attr(ctx, task, PTEXIT_ATTR_ACTION, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_process_stops_and_goes_on, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(sigkill_is_a_verdict, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(masks_and_dispositions_count, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(refusals, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
