/* How events reach the program: filtered, called back with re-entry, or queued. */
#include "support.h"

static void only_wanted_kinds_arrive(void **state)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    struct world world = { 0 };
    ptexit_event events[8];
    ptexit_task child;
    size_t got;

    (void)state;
    opts.flags = PTEXIT_CTX_DEFER;
    opts.events = PTEXIT_EVENT_EXITED | PTEXIT_EVENTS_MANDATORY;
    assert_int_equal(ptexit_ctx_new(&opts, &world.ctx), 0);
    assert_int_equal(ptexit_init_new(world.ctx, NULL, &world.init), 0);
    child = spawn(&world, world.init, 2);
    die(&world, child, PTEXIT_EXITED(0));
    expect_reap(&world, world.init, child, PTEXIT_EXITED(0));
    events[0].size = sizeof events[0];
    assert_int_equal(ptexit_next_events(world.ctx, events, 8, &got), 0);
    assert_int_equal(got, 1);
    assert_int_equal(events[0].kind, PTEXIT_EVENT_EXITED);
    ptexit_ctx_free(world.ctx);
}

static void deferred_events_come_in_order(void **state)
{
    struct world *world = world_new(PTEXIT_CTX_DEFER | PTEXIT_CTX_PID_CYCLIC);
    /* Elements of another size than ours: the program was compiled with a longer struct. */
    union {
        ptexit_event event;
        unsigned char bytes[sizeof(ptexit_event) + 24];
    } events[16];
    uint32_t order[64];
    size_t got = 1, count = 0, signal = 64, wake = 64, reaped = 64;
    ptexit_task child = spawn(world, world->init, 2);

    (void)state;
    arm(world, world->init, 77);
    die(world, child, PTEXIT_EXITED(0));
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
    assert_int_equal(world->count, 0);

    memset(events, 0xee, sizeof events);
    events[0].event.size = sizeof events[0];
    assert_int_equal(ptexit_next_events(world->ctx, NULL, 0, &got), 0);
    assert_int_equal(got, 0);
    do { /* three at a time */
        memset(&events[1], 0xee, sizeof events - sizeof events[0]);
        assert_int_equal(ptexit_next_events(world->ctx, &events[0].event, 3, &got), 0);
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(events[i].event.size, sizeof events[0]);
            for (size_t j = sizeof(ptexit_event); j < sizeof events[0]; j++)
                assert_int_equal(events[i].bytes[j], 0);
            order[count++] = events[i].event.kind;
        }
        assert_int_equal(events[3].bytes[0], 0xee);
    } while (got == 3);

    for (size_t i = 0; i < count; i++) {
        if (order[i] == PTEXIT_EVENT_SIGNAL)
            signal = i;
        if (order[i] == PTEXIT_EVENT_WAKE)
            wake = i;
        if (order[i] == PTEXIT_EVENT_REAPED)
            reaped = i;
    }
    assert_true(signal < wake && wake < reaped && reaped < count);
    assert_int_equal(ptexit_next_events(world->ctx, &events[0].event, 3, &got), 0);
    assert_int_equal(got, 0);
    world_free(world);
}

static void next_events_is_for_deferred_contexts(void **state)
{
    struct world *world = *state;
    ptexit_event event = PTEXIT_INIT(ptexit_event);
    size_t got = 5;

    REFUSED(world, PTEXIT_E_STATE, ptexit_next_events(world->ctx, &event, 1, &got));
    assert_int_equal(got, 5);
}

/* On SIGCHLD, reap; on the first reaping, fork again: all from within the callback. */
static void reap_at_once(struct world *world, const ptexit_event *event)
{
    ptexit_wait_result result;
    size_t *depth = world->also_data;

    if (event->kind == PTEXIT_EVENT_SIGNAL) {
        (*depth)++;
        assert_int_equal(info_of(world, world->init).state, PTEXIT_STATE_RUNNING);
        assert_int_equal(reap_any(world, world->init, &result), 0);
        assert_int_equal(result.pid, event->info.pid);
    } else if (event->kind == PTEXIT_EVENT_REAPED && *depth < 5) {
        die(world, spawn(world, world->init, 100 + *depth), PTEXIT_EXITED(0));
    }
}

static void callbacks_may_call_back(void **state)
{
    struct world *world = *state;
    ptexit_wait_result result;
    size_t depth = 0;

    world->also = reap_at_once;
    world->also_data = &depth;
    die(world, spawn(world, world->init, 100), PTEXIT_EXITED(0));
    assert_int_equal(depth, 5);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REAPED), 5);
    assert_int_equal(reap_any(world, world->init, &result), PTEXIT_ECHILD);
}

/* Whoever is interrupted, by a signal that kills above all, dies at once, in the middle of whatever caused it. */
static void die_of_it(struct world *world, const ptexit_event *event)
{
    if (event->kind == PTEXIT_EVENT_INTERRUPT)
        die(world, event->task, PTEXIT_EXITED(0));
}

static void a_family_dies_from_within_callbacks(void **state)
{
    enum { CHILDREN = 40 };
    struct world *world = *state;
    ptexit_task parent = spawn(world, world->init, 2), child[CHILDREN];

    for (size_t i = 0; i < CHILDREN; i++) {
        child[i] = spawn(world, parent, 100 + i);
        spawn(world, child[i], 200 + i);
        assert_int_equal(ptexit_set_attr(world->ctx, child[i], PTEXIT_ATTR_PDEATHSIG, PTEXIT_SIGKILL), 0);
    }
    world->also = die_of_it;
    forget(world);
    die(world, parent, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_EXITED), CHILDREN + 1);
    for (size_t i = 0; i < CHILDREN; i++)
        assert_int_equal(info_of(world, child[i]).state, PTEXIT_STATE_ZOMBIE);

    /* All of them are init's now, the grandchildren alive. */
    ptexit_wait_result result;
    size_t reaped = 0;
    while (reap_any(world, world->init, &result) == 0 && result.pid != 0)
        reaped++;
    assert_int_equal(reaped, CHILDREN + 1);
    size_t left = 0;
    assert_int_equal(ptexit_list(world->ctx, PTEXIT_LIST_CHILDREN, world->init, NULL, 0, &left), 0);
    assert_int_equal(left, CHILDREN);
}

static void threads_die_of_the_interrupt(void **state)
{
    enum { OTHERS = 40 };
    struct world *world = *state;
    ptexit_task leader = spawn(world, world->init, 2);

    for (size_t i = 0; i < OTHERS; i++)
        spawn_thread(world, leader, 100 + i);
    world->also = die_of_it;
    forget(world);
    assert_int_equal(ptexit_exit_group(world->ctx, leader, PTEXIT_EXITED(3), NULL), 0);
    assert_int_equal(count_of(world, PTEXIT_EVENT_INTERRUPT), OTHERS);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REAPED), OTHERS);
    assert_int_equal(info_of(world, leader).threads, 1);
    die(world, leader, PTEXIT_EXITED(0));
    expect_reap(world, world->init, leader, PTEXIT_EXITED(3));
}

/* On SIGCHLD, a sibling of the dead child dies: a call within the call that told of the signal. */
static void sibling_follows(struct world *world, const ptexit_event *event)
{
    ptexit_task *sibling = world->also_data, last = *sibling;

    if (event->kind == PTEXIT_EVENT_SIGNAL && last != 0) {
        *sibling = 0;
        die(world, last, PTEXIT_EXITED(0));
    }
}

static void events_of_an_inner_call_come_before_the_rest_of_the_outer_ones(void **state)
{
    struct world *world = *state;
    ptexit_task first = spawn(world, world->init, 2), second = spawn(world, world->init, 3);
    ptexit_task waiter = spawn_thread(world, world->init, 4);
    const struct {
        uint32_t kind;
        uint64_t about;
    } expected[] = {
        { PTEXIT_EVENT_EXITED, 2 }, { PTEXIT_EVENT_SIGNAL, 1 }, /* the outer call, up to where it calls back */
        { PTEXIT_EVENT_EXITED, 3 }, { PTEXIT_EVENT_SIGNAL, 1 }, /* all of the inner call */
        { PTEXIT_EVENT_WAKE, 0xc00c1e },                        /* the rest of the outer one */
    };

    /* One wait, which the first death has fired before anything was told: it is the outer call's to tell. */
    arm(world, waiter, 0xc00c1e);
    world->also = sibling_follows;
    world->also_data = &second;
    forget(world);
    die(world, first, PTEXIT_EXITED(0));
    assert_int_equal(world->count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < world->count; i++) {
        assert_int_equal(world->events[i].kind, expected[i].kind);
        assert_int_equal(world->events[i].cookie, expected[i].about);
    }
}

static void state_is_committed_before_it_is_told(struct world *world, const ptexit_event *event)
{
    ptexit_task found;

    switch (event->kind) {
    case PTEXIT_EVENT_SIGNAL:
        assert_int_equal(ptexit_pid_lookup(world->ctx, event->info.pid, &found), 0);
        assert_int_equal(info_of(world, found).state, PTEXIT_STATE_ZOMBIE);
        break;
    case PTEXIT_EVENT_REPARENTED:
        assert_int_equal(pid_of(world, event->task, PTEXIT_PID_PPID), pid_of(world, event->other, PTEXIT_PID_TGID));
        break;
    case PTEXIT_EVENT_PID_FREE:
        assert_int_equal(ptexit_pid_lookup(world->ctx, event->pid, &found), PTEXIT_ESRCH);
        break;
    case PTEXIT_EVENT_REAPED:
        assert_int_equal(ptexit_task_pid(world->ctx, event->task, PTEXIT_PID_TID, (uint32_t[1]){ 0 }), PTEXIT_ESRCH);
        break;
    }
}

static void events_tell_what_is_so(void **state)
{
    struct world *world = *state;
    ptexit_task parent, child;

    world->also = state_is_committed_before_it_is_told;
    parent = spawn(world, world->init, 2);
    child = spawn(world, parent, 3);
    die(world, parent, PTEXIT_EXITED(0));
    die(world, child, PTEXIT_EXITED(0));
    expect_reap(world, world->init, parent, PTEXIT_EXITED(0));
    expect_reap(world, world->init, child, PTEXIT_EXITED(0));
    assert_int_equal(count_of(world, PTEXIT_EVENT_SIGNAL), 2);
    assert_int_equal(count_of(world, PTEXIT_EVENT_REPARENTED), 1);
    assert_int_equal(count_of(world, PTEXIT_EVENT_PID_FREE), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_wanted_kinds_arrive),
        cmocka_unit_test(deferred_events_come_in_order),
        cmocka_unit_test_setup_teardown(next_events_is_for_deferred_contexts, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(callbacks_may_call_back, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(events_of_an_inner_call_come_before_the_rest_of_the_outer_ones, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_family_dies_from_within_callbacks, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(threads_die_of_the_interrupt, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(events_tell_what_is_so, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
