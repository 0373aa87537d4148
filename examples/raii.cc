// From C++11: a context, and a clone that is not committed, clean up after themselves.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include "ptexit.h"

namespace {

void check(int code)
{
    if (code < 0)
        throw std::runtime_error(ptexit_strerror(code));
}

struct Free {
    void operator()(ptexit_ctx *ctx) const noexcept { ptexit_ctx_free(ctx); }
};
using Context = std::unique_ptr<ptexit_ctx, Free>;

// A reservation: aborted unless committed.
class PendingClone {
public:
    PendingClone(const Context &context, ptexit_task parent) : ctx_(context.get())
    {
        check(ptexit_clone(ctx_, parent, nullptr, &task_));
    }
    PendingClone(const PendingClone &) = delete;
    PendingClone &operator=(const PendingClone &) = delete;
    ~PendingClone()
    {
        if (task_ != 0)
            ptexit_clone_abort(ctx_, task_);
    }
    ptexit_task commit()
    {
        const ptexit_task task = task_;
        task_ = 0;
        check(ptexit_clone_commit(ctx_, task));
        return task;
    }

private:
    ptexit_ctx *ctx_;
    ptexit_task task_ = 0;
};

void on_event(void *host, const ptexit_event *event) noexcept
{
    static_cast<std::vector<ptexit_event> *>(host)->push_back(*event);
}

} // namespace

int main()
{
    std::vector<ptexit_event> events;
    events.reserve(16); // so that push_back cannot throw
    auto opts = PTEXIT_INIT(ptexit_ctx_opts);
    opts.events = PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_INTERRUPT;
    opts.on_event = on_event;
    opts.host = &events;
    ptexit_ctx *raw = nullptr;
    check(ptexit_ctx_new(&opts, &raw));
    const Context context(raw);

    ptexit_task init = 0;
    check(ptexit_init_new(context.get(), nullptr, &init));
    try {
        PendingClone pending(context, init);
        throw std::runtime_error("no memory for its stack");
    } catch (const std::runtime_error &why) {
        std::printf("clone given up: %s\n", why.what());
    }

    const ptexit_task child = PendingClone(context, init).commit();
    check(ptexit_report_exit(context.get(), child, PTEXIT_KILLED(PTEXIT_SIGKILL), nullptr));
    auto any = PTEXIT_INIT(ptexit_wait_args);
    auto dead = PTEXIT_INIT(ptexit_wait_result);
    any.options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    check(ptexit_wait(context.get(), init, &any, &dead));
    std::printf("process %u was killed by signal %d, %zu event(s)\n", dead.pid, dead.value, events.size());
    return dead.task == child && events.size() == 1 ? 0 : 1;
}
