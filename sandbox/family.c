#define _GNU_SOURCE
#include "family.h"

#include <ptexit.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static ptexit_ctx *tree;

int family_open(family_id *init)
{
	ptexit_ctx_opts options = PTEXIT_INIT(ptexit_ctx_opts);
	ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);

	/* INTERRUPT is taken because it must be; the kernel itself ends the other threads of a guest. */
	options.flags = PTEXIT_CTX_PID_HOST | PTEXIT_CTX_DEFER;
	options.events = PTEXIT_EVENT_SIGNAL | PTEXIT_EVENT_WAKE | PTEXIT_EVENT_INTERRUPT | PTEXIT_EVENT_EXITED |
			 PTEXIT_EVENT_REAPED | PTEXIT_EVENT_REPARENTED;
	options.events_mandatory = options.events;
	args.pid = FAMILY_INIT_PID;
	args.cookie = FAMILY_INIT_PID;

	int error = ptexit_ctx_new(&options, &tree);

	return error ? error : ptexit_init_new(tree, &args, init);
}

void family_close(void)
{
	ptexit_ctx_free(tree);
	tree = NULL;
}

int family_clone(family_id parent, enum family_kind kind, int exit_signal, pid_t tid, family_id *child)
{
	ptexit_clone_args args = PTEXIT_INIT(ptexit_clone_args);

	args.flags = kind == FAMILY_THREAD    ? PTEXIT_CLONE_THREAD
		     : kind == FAMILY_SIBLING ? PTEXIT_CLONE_PARENT
					      : 0;
	args.exit_signal = kind == FAMILY_PROCESS ? (uint32_t)exit_signal : 0;
	args.pid = (uint32_t)tid;
	args.cookie = (uint64_t)tid;

	int error = ptexit_clone(tree, parent, &args, child);

	return error ? error : ptexit_clone_commit(tree, *child);
}

int family_exec(family_id leader)
{
	return ptexit_exec_commit(tree, leader);
}

int family_thread_died(family_id thread, int status)
{
	int error = ptexit_exit_begin(tree, thread, (uint32_t)status, NULL);

	return error ? error : ptexit_exit_finish(tree, thread, NULL);
}

static uint64_t nanoseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

static struct timeval time_of(uint64_t ns)
{
	return (struct timeval){.tv_sec = (time_t)(ns / 1000000000), .tv_usec = (suseconds_t)(ns % 1000000000 / 1000)};
}

static void usage_from(struct rusage *to, const ptexit_rusage *from)
{
	memset(to, 0, sizeof *to);
	to->ru_utime = time_of(from->utime_ns);
	to->ru_stime = time_of(from->stime_ns);
	to->ru_maxrss = (long)from->maxrss_kib;
	to->ru_minflt = (long)from->minflt;
	to->ru_majflt = (long)from->majflt;
	to->ru_inblock = (long)from->inblock;
	to->ru_oublock = (long)from->oublock;
	to->ru_nvcsw = (long)from->nvcsw;
	to->ru_nivcsw = (long)from->nivcsw;
}

int family_process_died(family_id leader, int status, const struct rusage *usage)
{
	ptexit_rusage used = {
		.utime_ns = nanoseconds(&usage->ru_utime),
		.stime_ns = nanoseconds(&usage->ru_stime),
		.maxrss_kib = (uint64_t)usage->ru_maxrss,
		.minflt = (uint64_t)usage->ru_minflt,
		.majflt = (uint64_t)usage->ru_majflt,
		.inblock = (uint64_t)usage->ru_inblock,
		.oublock = (uint64_t)usage->ru_oublock,
		.nvcsw = (uint64_t)usage->ru_nvcsw,
		.nivcsw = (uint64_t)usage->ru_nivcsw,
	};

	return ptexit_report_exit(tree, leader, (uint32_t)status, &used);
}

/* The library's option bits are Linux's. */
int family_wait(family_id waiter, pid_t tid, const struct family_wait *request, struct family_waited *found)
{
	ptexit_wait_args args = PTEXIT_INIT(ptexit_wait_args);
	ptexit_wait_result result = PTEXIT_INIT(ptexit_wait_result);

	args.idtype = request->idtype == P_ALL ? PTEXIT_P_ALL : request->idtype == P_PID ? PTEXIT_P_PID : PTEXIT_P_PGID;
	args.id = (uint64_t)request->id;
	args.options = (uint32_t)request->options;
	args.cookie = (uint64_t)tid;

	int error = ptexit_wait(tree, waiter, &args, &result);

	if (error)
		return error;
	found->pid = (pid_t)result.pid;
	found->uid = result.uid;
	found->status = (int)result.status;
	usage_from(&found->usage, &result.usage);
	return 0;
}

void family_wait_cancel(family_id waiter, pid_t tid)
{
	/* Whether it had fired does not matter: the caller asks once more in any case. */
	if (ptexit_wait_cancel(tree, waiter, (uint64_t)tid) < 0)
		return;
}

static pid_t number_of(family_id task, uint32_t which)
{
	uint32_t pid = 0;

	return ptexit_task_pid(tree, task, which, &pid) == 0 ? (pid_t)pid : 0;
}

pid_t family_ppid(family_id task)
{
	return number_of(task, PTEXIT_PID_PPID);
}

int family_setpgid(family_id caller, pid_t pid, pid_t pgid)
{
	return ptexit_setpgid(tree, caller, (uint32_t)pid, (uint32_t)pgid);
}

int family_setsid(family_id caller)
{
	return ptexit_setsid(tree, caller, NULL);
}

int family_children_usage(family_id task, struct rusage *usage)
{
	ptexit_rusage used;
	int error = ptexit_children_usage(tree, task, &used);

	if (error == 0)
		usage_from(usage, &used);
	return error;
}

int family_set_subreaper(family_id task, bool on)
{
	return ptexit_set_attr(tree, task, PTEXIT_ATTR_SUBREAPER, on);
}

int family_get_subreaper(family_id task, bool *on)
{
	uint64_t value = 0;
	int error = ptexit_get_attr(tree, task, PTEXIT_ATTR_SUBREAPER, &value);

	*on = value != 0;
	return error;
}

int family_set_pdeathsig(family_id task, int signal)
{
	return ptexit_set_attr(tree, task, PTEXIT_ATTR_PDEATHSIG, (uint64_t)signal);
}

int family_get_pdeathsig(family_id task, int *signal)
{
	uint64_t value = 0;
	int error = ptexit_get_attr(tree, task, PTEXIT_ATTR_PDEATHSIG, &value);

	*signal = (int)value;
	return error;
}

int family_set_sigchld(family_id task, struct family_sigchld policy)
{
	uint64_t value = (policy.ignore ? PTEXIT_SIGCHLD_IGNORE : 0) |
			 (policy.no_cld_wait ? PTEXIT_SIGCHLD_NOCLDWAIT : 0) |
			 (policy.no_cld_stop ? PTEXIT_SIGCHLD_NOCLDSTOP : 0);

	return ptexit_set_attr(tree, task, PTEXIT_ATTR_SIGCHLD, value);
}

int family_set_uid(family_id task, uid_t uid)
{
	return ptexit_set_attr(tree, task, PTEXIT_ATTR_UID, uid);
}

static bool translate(const ptexit_event *from, struct family_event *to)
{
	memset(to, 0, sizeof *to);
	to->tid = (pid_t)from->cookie;
	to->status = (int)from->status;
	to->other = from->other ? number_of(from->other, PTEXIT_PID_TGID) : 0;
	switch (from->kind) {
	case PTEXIT_EVENT_SIGNAL:
		to->kind = FAMILY_SIGNAL;
		to->signal = (int)from->info.signo;
		to->code = from->info.code;
		to->group = from->info.group != 0;
		to->from_pid = (pid_t)from->info.pid;
		to->from_uid = from->info.uid;
		to->status = from->info.value;
		to->utime_ns = from->info.utime_ns;
		to->stime_ns = from->info.stime_ns;
		return true;
	case PTEXIT_EVENT_WAKE:
		to->kind = FAMILY_WAKE;
		return true;
	case PTEXIT_EVENT_EXITED:
		to->kind = FAMILY_EXITED;
		return true;
	case PTEXIT_EVENT_REPARENTED:
		to->kind = FAMILY_REPARENTED;
		return true;
	case PTEXIT_EVENT_REAPED:
		to->kind = FAMILY_REAPED;
		return true;
	default:
		return false;
	}
}

bool family_next_event(struct family_event *event)
{
	ptexit_event next = PTEXIT_INIT(ptexit_event);
	size_t got;

	while (ptexit_next_events(tree, &next, 1, &got) == 0 && got == 1)
		if (translate(&next, event))
			return true;
	return false;
}
