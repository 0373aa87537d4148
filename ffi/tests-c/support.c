#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "support.h"

static void record(void *host, const ptexit_event *event)
{
    struct world *world = host;

    assert_int_equal(event->size, sizeof *event);
    assert_true(world->count < sizeof world->events / sizeof world->events[0]);
    world->events[world->count++] = *event;
    if (world->also)
        world->also(world, event);
}

struct world *world_new(uint32_t flags)
{
    struct world *world = calloc(1, sizeof *world);
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);

    assert_non_null(world);
    opts.flags = flags;
    opts.events = ALL_EVENTS;
    opts.events_mandatory = ALL_EVENTS;
    opts.host = world;
    if (!(flags & PTEXIT_CTX_DEFER))
        opts.on_event = record;
    if (flags & PTEXIT_CTX_PID_HOST)
        args.pid = 1;
    args.cookie = 1;
    assert_int_equal(ptexit_ctx_new(&opts, &world->ctx), 0);
    assert_int_equal(ptexit_init_new(world->ctx, &args, &world->init), 0);
    return world;
}

void world_free(struct world *world)
{
    ptexit_ctx_free(world->ctx);
    free(world);
}

int world_setup(void **state)
{
    *state = world_new(PTEXIT_CTX_PID_CYCLIC);
    return 0;
}

int world_teardown(void **state)
{
    world_free(*state);
    return 0;
}

ptexit_task spawn_with(struct world *world, ptexit_task parent, uint32_t flags, uint32_t exit_signal, uint64_t cookie)
{
    ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);
    ptexit_task task = 0;

    args.flags = flags;
    args.exit_signal = exit_signal;
    args.cookie = cookie;
    assert_int_equal(ptexit_clone(world->ctx, parent, &args, &task), 0);
    assert_int_equal(ptexit_clone_commit(world->ctx, task), 0);
    return task;
}

ptexit_task spawn(struct world *world, ptexit_task parent, uint64_t cookie)
{
    return spawn_with(world, parent, 0, PTEXIT_SIGCHLD, cookie);
}

ptexit_task spawn_thread(struct world *world, ptexit_task parent, uint64_t cookie)
{
    return spawn_with(world, parent, PTEXIT_CLONE_THREAD, 0, cookie);
}

void die(struct world *world, ptexit_task task, uint32_t status)
{
    assert_int_equal(ptexit_exit_begin(world->ctx, task, status, NULL), 0);
    assert_int_equal(ptexit_exit_finish(world->ctx, task, NULL), 0);
}

int wait_for(struct world *world, ptexit_task waiter, uint32_t idtype, uint64_t id, uint32_t options, ptexit_wait_result *result)
{
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);

    args.idtype = idtype;
    args.id = id;
    args.options = options;
    memset(result, 0xee, sizeof *result);
    result->size = sizeof *result;
    return ptexit_wait(world->ctx, waiter, &args, result);
}

int reap_any(struct world *world, ptexit_task waiter, ptexit_wait_result *result)
{
    return wait_for(world, waiter, PTEXIT_P_ALL, 0, PTEXIT_WEXITED | PTEXIT_WNOHANG, result);
}

void expect_reap(struct world *world, ptexit_task waiter, ptexit_task child, uint32_t status)
{
    ptexit_wait_result result;

    assert_int_equal(reap_any(world, waiter, &result), 0);
    assert_int_equal(result.task, child);
    assert_int_equal(result.status, status);
}

void arm(struct world *world, ptexit_task waiter, uint64_t cookie)
{
    ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);

    args.idtype = PTEXIT_P_ALL;
    args.options = PTEXIT_WEXITED;
    args.cookie = cookie;
    assert_int_equal(ptexit_wait(world->ctx, waiter, &args, &result), PTEXIT_EAGAIN);
}

uint32_t pid_of(struct world *world, ptexit_task task, uint32_t which)
{
    uint32_t pid = 0;

    assert_int_equal(ptexit_task_pid(world->ctx, task, which, &pid), 0);
    return pid;
}

ptexit_info info_of(struct world *world, ptexit_task task)
{
    ptexit_info info = PTEXIT_INIT(ptexit_info);

    assert_int_equal(ptexit_task_info(world->ctx, task, &info), 0);
    return info;
}

void forget(struct world *world)
{
    world->count = 0;
}

const ptexit_event *find(struct world *world, uint32_t kind, size_t nth)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->events[i].kind == kind && nth-- == 0)
            return &world->events[i];
    return NULL;
}

size_t count_of(struct world *world, uint32_t kind)
{
    size_t count = 0;

    for (size_t i = 0; i < world->count; i++)
        count += world->events[i].kind == kind;
    return count;
}

size_t place_of(struct world *world, const ptexit_event *event)
{
    assert_non_null(event);
    return (size_t)(event - world->events);
}

static void dump_list(FILE *out, ptexit_ctx *ctx, const char *title, uint32_t filter, uint64_t of)
{
    ptexit_task tasks[256];
    size_t total = 0;
    int refused = ptexit_list(ctx, filter, of, tasks, 256, &total);

    fprintf(out, " %s", title);
    if (refused) {
        fprintf(out, " %s", ptexit_strerror(refused));
        total = 0;
    }
    assert_true(total <= 256);
    for (size_t i = 0; i < total; i++)
        fprintf(out, " %llx", (unsigned long long)tasks[i]);
    fprintf(out, "\n");
}

static void dump_task(FILE *out, ptexit_ctx *ctx, ptexit_task task)
{
    ptexit_info info = PTEXIT_INIT(ptexit_info);
    ptexit_rusage usage;

    fprintf(out, "  task %llx", (unsigned long long)task);
    if (ptexit_task_info(ctx, task, &info) == 0)
        fprintf(out, " state %u tid %u tgid %u ppid %u pgid %u sid %u uid %u threads %u status %u/%x leader %llx cookie %llx",
                info.state, info.tid, info.tgid, info.ppid, info.pgid, info.sid, info.uid, info.threads,
                info.has_status, info.status, (unsigned long long)info.leader, (unsigned long long)info.cookie);
    for (uint32_t which = PTEXIT_ATTR_SUBREAPER; which <= PTEXIT_ATTR_UID; which++) {
        uint64_t value = 0;
        if (ptexit_get_attr(ctx, task, which, &value) == 0)
            fprintf(out, " attr%u %llx", which, (unsigned long long)value);
    }
    if (ptexit_children_usage(ctx, task, &usage) == 0)
        fprintf(out, " children %llu %llu", (unsigned long long)usage.utime_ns, (unsigned long long)usage.stime_ns);
    fprintf(out, "\n");
}

char *dump(ptexit_ctx *ctx)
{
    char *text = NULL;
    size_t length = 0, processes = 0, threads = 0;
    ptexit_task tasks[256], members[256];
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    assert_int_equal(ptexit_list(ctx, PTEXIT_LIST_PROCESSES, 0, tasks, 256, &processes), 0);
    assert_true(processes <= 256);
    for (size_t i = 0; i < processes; i++) {
        fprintf(out, "process %llx\n", (unsigned long long)tasks[i]);
        assert_int_equal(ptexit_list(ctx, PTEXIT_LIST_THREADS, tasks[i], members, 256, &threads), 0);
        assert_true(threads <= 256);
        for (size_t j = 0; j < threads; j++)
            dump_task(out, ctx, members[j]);
        dump_list(out, ctx, "children", PTEXIT_LIST_CHILDREN, tasks[i]);
    }
    fclose(out);
    return text;
}

void expect_unchanged(struct world *world, char *before)
{
    char *after = dump(world->ctx);

    assert_string_equal(after, before);
    free(after);
    free(before);
}
