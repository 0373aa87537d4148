/* Version, error texts, options of a context, sizes of structs. */
#include "support.h"

static void version_is_the_headers(void **state)
{
    char text[32];

    (void)state;
    assert_int_equal(ptexit_version(), PTEXIT_VERSION);
    assert_int_equal(ptexit_version() >> 24, PTEXIT_VERSION_MAJOR);
    assert_int_equal(ptexit_version() >> 16 & 0xff, PTEXIT_VERSION_MINOR);
    assert_int_equal(ptexit_version() >> 8 & 0xff, PTEXIT_VERSION_PATCH);
    snprintf(text, sizeof text, "%d.%d.%d", PTEXIT_VERSION_MAJOR, PTEXIT_VERSION_MINOR, PTEXIT_VERSION_PATCH);
    assert_string_equal(ptexit_version_string(), text);
}

static void every_code_has_a_text(void **state)
{
    static const int codes[] = {
        PTEXIT_EPERM, PTEXIT_ESRCH, PTEXIT_EINTR, PTEXIT_E2BIG, PTEXIT_ECHILD, PTEXIT_EAGAIN, PTEXIT_ENOMEM, PTEXIT_EACCES,
        PTEXIT_EFAULT, PTEXIT_EEXIST, PTEXIT_EINVAL, PTEXIT_ENOSYS, PTEXIT_E_STATE, PTEXIT_E_ABI, PTEXIT_E_PANIC,
    };

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_true(codes[i] < 0);
        assert_string_not_equal(ptexit_strerror(codes[i]), "unknown error");
        assert_true(strlen(ptexit_strerror(codes[i])) > 5);
    }
    assert_true(PTEXIT_E_STATE <= -4096 && PTEXIT_E_ABI <= -4096 && PTEXIT_E_PANIC <= -4096);
    assert_string_equal(ptexit_strerror(0), "success");
    assert_string_equal(ptexit_strerror(PTEXIT_ESRCH), "no such task");
    assert_string_equal(ptexit_strerror(12345), "unknown error");
    assert_string_equal(ptexit_strerror(-77777), "unknown error");
    assert_string_equal(ptexit_strerror(INT32_MIN), "unknown error");
}

static void on_event(void *host, const ptexit_event *event)
{
    (void)host;
    (void)event;
}

static int try_opts(const ptexit_ctx_opts *opts)
{
    static int elsewhere;
    ptexit_ctx *const untouched = (ptexit_ctx *)&elsewhere;
    ptexit_ctx *ctx = untouched;
    int code = ptexit_ctx_new(opts, &ctx);

    if (code == 0)
        ptexit_ctx_free(ctx);
    else
        assert_ptr_equal(ctx, untouched);
    return code;
}

static void options_are_checked(void **state)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);

    (void)state;
    assert_int_equal(try_opts(NULL), 0);
    assert_int_equal(try_opts(&opts), 0);
    assert_int_equal(ptexit_ctx_new(&opts, NULL), PTEXIT_EFAULT);

    opts.flags = 0x80;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
    opts.flags = PTEXIT_CTX_PID_HOST | PTEXIT_CTX_PID_CYCLIC;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
    opts.flags = PTEXIT_CTX_DEFER;
    opts.on_event = on_event;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
    opts.flags = 0;
    assert_int_equal(try_opts(&opts), 0);

    opts.pid_max = 4194305;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
    opts.pid_max = 0;
    opts.max_tasks = UINT32_MAX;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
    opts.max_tasks = 0;
}

static void events_must_reach_the_program(void **state)
{
    ptexit_ctx_opts opts = PTEXIT_INIT(ptexit_ctx_opts);

    (void)state;
    opts.events = PTEXIT_EVENTS_MANDATORY;
    assert_int_equal(try_opts(&opts), PTEXIT_E_ABI);
    opts.on_event = on_event;
    assert_int_equal(try_opts(&opts), 0);
    opts.events = ALL_EVENTS & ~(uint32_t)PTEXIT_EVENTS_MANDATORY;
    assert_int_equal(try_opts(&opts), PTEXIT_E_ABI);

    /* A kind that the library does not know: fine to want, not fine to need. */
    opts.events = ALL_EVENTS | 0x40000000;
    assert_int_equal(try_opts(&opts), 0);
    opts.events_mandatory = 0x40000000;
    assert_int_equal(try_opts(&opts), PTEXIT_E_ABI);
    opts.events = ALL_EVENTS;
    assert_int_equal(try_opts(&opts), PTEXIT_EINVAL);
}

/* An input of any size, as a program compiled with another header would pass it. */
static void inputs_may_grow(void **state)
{
    union {
        ptexit_ctx_opts opts;
        unsigned char bytes[8192];
    } in;

    (void)state;
    memset(&in, 0, sizeof in);
    for (uint32_t size = 0; size < sizeof(ptexit_ctx_opts); size++) {
        in.opts.size = size;
        assert_int_equal(try_opts(&in.opts), PTEXIT_EINVAL);
    }
    for (uint32_t size = sizeof(ptexit_ctx_opts); size <= 4096; size += 7) {
        in.opts.size = size;
        assert_int_equal(try_opts(&in.opts), 0);
    }
    in.opts.size = 4097;
    assert_int_equal(try_opts(&in.opts), PTEXIT_E2BIG);
    in.opts.size = UINT32_MAX;
    assert_int_equal(try_opts(&in.opts), PTEXIT_E2BIG);

    in.opts.size = sizeof(ptexit_ctx_opts) + 8;
    in.bytes[sizeof(ptexit_ctx_opts) + 7] = 1;
    assert_int_equal(try_opts(&in.opts), PTEXIT_E2BIG);
    in.opts.size = sizeof(ptexit_ctx_opts) + 7;
    assert_int_equal(try_opts(&in.opts), 0);
}

static void outputs_may_grow(void **state)
{
    struct world *world = *state;
    union {
        ptexit_info info;
        unsigned char bytes[8192];
    } out;

    memset(&out, 0xee, sizeof out);
    out.info.size = sizeof(ptexit_info) + 16;
    assert_int_equal(ptexit_task_info(world->ctx, world->init, &out.info), 0);
    assert_int_equal(out.info.size, sizeof(ptexit_info) + 16);
    assert_int_equal(out.info.tid, 1);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(out.bytes[sizeof(ptexit_info) + i], 0);
    assert_int_equal(out.bytes[sizeof(ptexit_info) + 16], 0xee);

    memset(&out, 0xee, sizeof out);
    out.info.size = sizeof(ptexit_info) - 1;
    assert_int_equal(ptexit_task_info(world->ctx, world->init, &out.info), PTEXIT_EINVAL);
    out.info.size = 4097;
    assert_int_equal(ptexit_task_info(world->ctx, world->init, &out.info), PTEXIT_E2BIG);
    for (size_t i = 4; i < sizeof out; i++)
        assert_int_equal(out.bytes[i], 0xee);
}

static void contexts_are_separate(void **state)
{
    struct world *one = *state, *other = world_new(PTEXIT_CTX_PID_CYCLIC);
    ptexit_task child = spawn(one, one->init, 7), found = 0;

    assert_int_equal(ptexit_pid_lookup(one->ctx, pid_of(one, child, PTEXIT_PID_TGID), &found), 0);
    assert_int_equal(found, child);
    assert_int_equal(ptexit_pid_lookup(other->ctx, pid_of(one, child, PTEXIT_PID_TGID), &found), PTEXIT_ESRCH);
    assert_int_equal(found, child);
    world_free(other);
    assert_int_equal(info_of(one, child).cookie, 7);
    ptexit_ctx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_is_the_headers),
        cmocka_unit_test(every_code_has_a_text),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(events_must_reach_the_program),
        cmocka_unit_test(inputs_may_grow),
        cmocka_unit_test_setup_teardown(outputs_may_grow, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(contexts_are_separate, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
