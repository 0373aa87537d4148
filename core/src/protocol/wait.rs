//! Wait: the oldest child that can be waited for, or why there is none; `do_wait`.

use crate::ids::TaskId;
use crate::lockfree::ready_index::{Members, Version};
use crate::protocol::notify::{self, status_of};
use crate::protocol::{BroodMembers, Call, Found, reap, reaper, report};
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState, Telling};
use crate::record::fault::{Fault, left_out};
use crate::record::task::Stage;
use crate::record::thread_group::ThreadGroup;
use crate::record::usage::combined;
use crate::record::waiter::{ChildFacts, ChildKind, Criteria, Disarmed, Which};
use crate::terms::{WaitFor, WaitRequest, WaitResult, Waited};
use crate::uapi::{Change, Errno, Signal, WaitOptions};

/// The largest number that waitid(2) takes: its `id` is a signed 32-bit number.
const MAX_ID: u32 = i32::MAX as u32;

/// Waits, without ever blocking: if nothing is waitable yet the wait is armed, and the host is told when
/// to call again.
pub fn wait(call: &Call, waiter: TaskId, request: &WaitRequest) -> Result<Waited, Errno> {
    let search = Search::new(call, waiter, request)?;
    let me = search.me;
    match search.look()? {
        Some(result) => return Ok(Waited::Child(result)),
        None if request.options.contains(WaitOptions::WNOHANG) => return Ok(Waited::Nothing),
        None => {}
    }
    // Arm, then look once more: what became ready in between has not seen the wait armed.
    me.task.waiter.arm(search.criteria, request.cookie);
    me.group.waiters.add(me.task.place.get());
    let answer = if left_out(Fault::LookAfterArming) {
        Ok(None)
    } else if me.task.stage() != Stage::Running && !left_out(Fault::StageAfterArming) {
        // The task was made to exit by another thread, whose `exit_begin` may have come too early to disarm.
        Err(Errno::ESRCH)
    } else {
        search.look()
    };
    if !matches!(answer, Ok(None)) {
        // A wake-up that has been sent by now is one too many, which the host must bear.
        me.task.waiter.disarm();
        me.group.waiters.remove(me.task.place.get());
    }
    Ok(answer?.map_or(Waited::Armed, Waited::Child))
}

/// Takes as many dead children as fit, oldest first. Never arms, and ends a wait that is armed.
pub fn wait_many(
    call: &Call,
    waiter: TaskId,
    request: &WaitRequest,
    results: &mut [WaitResult],
) -> Result<usize, Errno> {
    if request.options.contains(WaitOptions::WNOWAIT) {
        return Err(Errno::EINVAL);
    }
    let search = Search::new(call, waiter, request)?;
    for (got, result) in results.iter_mut().enumerate() {
        match search.look() {
            Ok(Some(child)) => *result = child,
            Ok(None) => return Ok(got),
            Err(_) if got > 0 => return Ok(got),
            Err(why) => return Err(why),
        }
    }
    Ok(results.len())
}

/// Ends an armed wait. `true`: it had fired, so there may be a child to take before EINTR is reported.
pub fn cancel(call: &Call, waiter: TaskId, cookie: u64) -> Result<bool, Errno> {
    let me = call.find_visible(waiter)?;
    // The task's bit in the map of armed waits stays: only the task itself may take it away, for by now the
    // wait may be another, or the place somebody else's.
    match me.task.waiter.cancel(cookie) {
        Disarmed::Idle => Err(Errno::EINVAL),
        was => Ok(was == Disarmed::Fired),
    }
}

/// One wait's search through the children of the waiter's process.
struct Search<'c> {
    call: &'c Call<'c>,
    me: Found<'c>,
    criteria: Criteria,
    options: WaitOptions,
}

/// A child that can be waited for.
struct Candidate<'c> {
    brood: &'c Brood,
    child: u32,
    seen: ExitSnapshot,
}

/// What had happened in the broods of a search at one time.
#[derive(Clone, Copy, Default)]
struct Happened {
    children: Version,
    reports: u32,
}

impl Happened {
    fn add(&mut self, children: Version, reports: u32) {
        self.children += children;
        self.reports = self.reports.wrapping_add(reports);
    }
}

/// Something changed while the search was looking: look again.
struct Again;

impl<'c> Search<'c> {
    fn new(call: &'c Call<'c>, waiter: TaskId, request: &WaitRequest) -> Result<Search<'c>, Errno> {
        let WaitRequest { which, options, .. } = *request;
        let reports = WaitOptions::WEXITED | WaitOptions::WSTOPPED | WaitOptions::WCONTINUED;
        if !WaitOptions::all().contains(options) || !options.intersects(reports) {
            return Err(Errno::EINVAL);
        }
        if matches!(which, WaitFor::Pid(0)) || matches!(which, WaitFor::Pid(id) | WaitFor::Pgid(id) if id > MAX_ID) {
            return Err(Errno::EINVAL);
        }
        let me = call.find_running(waiter)?;
        // A task has one wait: whatever comes of this one, the one that was armed before is over.
        if me.task.waiter.disarm() != Disarmed::Idle {
            me.group.waiters.remove(me.task.place.get());
        }
        let which = match which {
            WaitFor::All => Which::Any,
            WaitFor::Pid(pid) => Which::Group(call.leader_by_pid(pid).ok_or(Errno::ECHILD)?),
            WaitFor::Task(task) => Which::Group(call.group_led_by(task).ok_or(Errno::ECHILD)?),
            WaitFor::Pgid(0) => Which::Pgid(call.pgid_of(me.group)),
            WaitFor::Pgid(pgid) => Which::Pgid(pgid),
        };
        let kind = if options.contains(WaitOptions::WALL) {
            ChildKind::Every
        } else if options.contains(WaitOptions::WCLONE) {
            ChildKind::Clone
        } else {
            ChildKind::Ordinary
        };
        let own_only = options.contains(WaitOptions::WNOTHREAD);
        Ok(Search {
            call,
            me,
            criteria: Criteria { which, kind, own_only, changes: report::is_asked(options) },
            options,
        })
    }

    /// A child, or `None` when there is one to wait for but nothing to report yet. ECHILD when there is
    /// none.
    fn look(&self) -> Result<Option<WaitResult>, Errno> {
        // Progress: a search starts again only because another thread's transition was completed.
        loop {
            let answer = match self.criteria.which {
                Which::Group(child) => self.look_at(child),
                Which::Any | Which::Pgid(_) => self.look_through(),
            };
            if let Ok(answer) = answer {
                return answer;
            }
            // Its process may be made to exit by another thread while it looks. Then the chain of broods is
            // closed for ever, and no look at it is ever valid again.
            if self.me.task.stage() != Stage::Running {
                return Err(Errno::ESRCH);
            }
        }
    }

    /// The answer for one child known by name.
    fn look_at(&self, child: u32) -> Result<Result<Option<WaitResult>, Errno>, Again> {
        let group = self.call.group(child);
        let brood_index = group.brood.get();
        if brood_index == 0 {
            return Ok(Err(Errno::ECHILD));
        }
        let brood = self.call.brood(brood_index);
        let mut seen = group.exit.look();
        if seen.parent() != self.me.group_index && self.has_brood(brood_index) {
            // On its way to this process. Before its brood is in the chain here, it still is where it was:
            // who is told of it must find it by any kind of search.
            seen = BroodMembers { call: self.call, brood, of: self.me.group_index }.look(child);
        }
        if seen.parent() != self.me.group_index
            || seen.state() == ExitState::Dead
            || !self.is_sought(brood, child, seen)
        {
            return Ok(Err(Errno::ECHILD));
        }
        if seen.state() == ExitState::Alive {
            return Ok(Ok(self.take_report(child)));
        }
        if !self.options.contains(WaitOptions::WEXITED) {
            return Ok(Err(Errno::ECHILD));
        }
        match brood.children.is_ready(self.call.pin.guard(), seen.slot()) {
            Some(true) => self.take(child, seen).map(|result| Ok(Some(result))).ok_or(Again),
            // Dead, but not ready: it is being told just now, or was reaped just now. The word knows.
            Some(false) if group.exit.look() == seen => Ok(Ok(None)),
            Some(false) | None => Err(Again),
        }
    }

    /// The answer for any child that matches: the oldest one that is ready, else whether there is any.
    fn look_through(&self) -> Result<Result<Option<WaitResult>, Errno>, Again> {
        let stamp = self.me.group.broods.stamp();
        let (oldest, before) = self.oldest_ready()?;
        if let Some(oldest) = oldest {
            return self.take(oldest.child, oldest.seen).map(|result| Ok(Some(result))).ok_or(Again);
        }
        let any = self.has_any();
        let after = self.version();
        if !self.me.group.broods.is_current(stamp) {
            return Err(Again);
        }
        match any {
            true if before.children.ready == after.children.ready && before.reports == after.reports => Ok(Ok(None)),
            false if before.children.members == after.children.members => Ok(Err(Errno::ECHILD)),
            _ => Err(Again),
        }
    }

    /// The first in Linux's order: the waiter's own children before those of the threads behind it, and
    /// each thread's in the order in which they came to it.
    ///
    /// Also returns what had happened in the broods when they were looked at.
    fn oldest_ready(&self) -> Result<(Option<Candidate<'c>>, Happened), Again> {
        let mut oldest: Option<Candidate> = None;
        let mut happened = Happened::default();
        for brood in self.broods() {
            let members = BroodMembers { call: self.call, brood, of: self.me.group_index };
            let view = brood.children.view(self.call.pin.guard());
            let reports = brood.reports.look();
            happened.add(view.version(), reports.made);
            let sought = |child, seen| self.is_sought(brood, child, seen);
            let ready = if self.criteria.changes && reports.any {
                // Some child has stopped or gone on, and only a look at each can tell which.
                view.first_living(&members, |child, seen| sought(child, seen) && self.has_news(brood, child, seen))
            } else if self.options.contains(WaitOptions::WEXITED) {
                view.next_ready(&members, sought).map_err(|_| Again)?
            } else {
                continue;
            };
            let Some(found) = ready else { continue };
            if oldest.as_ref().is_none_or(|oldest| self.rank(brood) < self.rank(oldest.brood)) {
                oldest = Some(Candidate { brood, child: found.member, seen: found.seen });
            }
        }
        Ok((oldest, happened))
    }

    /// Is there something to report of this child, which is sought?
    fn has_news(&self, brood: &Brood, child: u32, seen: ExitSnapshot) -> bool {
        match seen.state() {
            ExitState::Alive => report::find(self.call.group(child), self.options).is_some(),
            ExitState::Zombie => {
                let is_ready = brood.children.is_ready(self.call.pin.guard(), seen.slot()) == Some(true);
                is_ready && self.options.contains(WaitOptions::WEXITED)
            }
            ExitState::Dead => false,
        }
    }

    /// Is there any child at all that the wait could ever be for? One that is dead counts only if deaths
    /// are asked for.
    fn has_any(&self) -> bool {
        let deaths = self.options.contains(WaitOptions::WEXITED);
        self.broods().any(|brood| {
            let members = BroodMembers { call: self.call, brood, of: self.me.group_index };
            let view = brood.children.view(self.call.pin.guard());
            let sought = |child, seen: ExitSnapshot| {
                (deaths || seen.state() == ExitState::Alive) && self.is_sought(brood, child, seen)
            };
            view.first_living(&members, sought).is_some()
        })
    }

    /// What has happened so far in the broods that the search goes through.
    fn version(&self) -> Happened {
        let mut sum = Happened::default();
        self.broods().for_each(|brood| {
            let version = brood.children.view(self.call.pin.guard()).version();
            sum.add(version, brood.reports.look().made);
        });
        sum
    }

    /// The broods of the waiter's process; with `__WNOTHREAD`, those of the waiter itself.
    fn broods(&self) -> impl Iterator<Item = &'c Brood> {
        let chain = self.me.group.broods.walk(self.call.pin, self.call.broods());
        chain.map(|(_, brood)| brood).filter(|brood| {
            brood.group.get() == self.me.group_index
                && (!self.criteria.own_only || self.parent_of(brood) == Some(self.me.index))
                && (!left_out(Fault::BroodsOfDyingSearched)
                    || self.call.find_running(TaskId::from_bits(brood.parent.get())).is_ok())
        })
    }

    /// Does the brood hang in the chain of the waiter's process?
    fn has_brood(&self, index: u32) -> bool {
        self.me.group.broods.walk(self.call.pin, self.call.broods()).any(|(other, _)| other == index)
    }

    fn parent_of(&self, brood: &Brood) -> Option<u32> {
        reaper::parent_of(self.call, brood, self.me.group_index)
    }

    /// How far behind the waiter the brood's thread comes in the thread list, which goes round, and the
    /// brood's rank among those of its thread.
    fn rank(&self, brood: &Brood) -> (u32, u64) {
        let distance = self
            .parent_of(brood)
            .map_or(u32::MAX, |thread| self.call.task(thread).ordinal.get().wrapping_sub(self.me.task.ordinal.get()));
        (distance, brood.seniority.get())
    }

    /// Is the wait for this child?
    fn is_sought(&self, brood: &Brood, child: u32, seen: ExitSnapshot) -> bool {
        let pgid = match self.criteria.which {
            Which::Pgid(_) => self.call.pgid_of(self.call.group(child)),
            Which::Any | Which::Group(_) => 0,
        };
        // A child that is still, or already, another process's is met only while one of the two is dying.
        seen.parent() == self.me.group_index
            && self.criteria.match_child(ChildFacts {
                group: child,
                pgid,
                is_clone: seen.exit_signal() != Some(Signal::SIGCHLD),
                of_waiter: self.criteria.own_only && self.parent_of(brood) == Some(self.me.index),
            })
    }

    fn result(&self, child: &ThreadGroup, change: Change) -> WaitResult {
        let leader = child.leader.get();
        WaitResult {
            task: self.call.id(leader),
            pid: child.pid.get(),
            uid: child.uid.get(),
            change,
            cookie: self.call.task(leader).cookie.get(),
            usage: combined(child.usage.get(), child.children_usage.get()),
        }
    }

    /// Takes the report that a living child has stopped or goes on, or with WNOWAIT only looks at it.
    fn take_report(&self, index: u32) -> Option<WaitResult> {
        let child = self.call.group(index);
        report::take(self.call, child, self.options).map(|change| self.result(child, change))
    }

    /// Reaps the zombie, or with WNOWAIT only reports it; of a living child, takes the report. `None`: somebody else
    /// was faster.
    fn take(&self, index: u32, seen: ExitSnapshot) -> Option<WaitResult> {
        if seen.state() == ExitState::Alive {
            return self.take_report(index);
        }
        let call = self.call;
        let child = call.group(index);
        let result = self.result(child, Change::Died(status_of(child)));
        if self.options.contains(WaitOptions::WNOWAIT) {
            // What is reported must be found by every search that starts after this one: the bit goes up
            // to the root first.
            call.brood(child.brood.get()).children.set_ready(call.pin.guard(), seen.slot());
            let now = match seen.telling() {
                Telling::Owed => child.exit.apply_to(seen, |word| word.report(self.me.group_index)).ok()?,
                Telling::Told | Telling::UnderWay => child.exit.look(),
            };
            notify::before_report(call, index, child, seen, now);
            return (now.with_telling_of(seen) == seen).then_some(result);
        }
        let dead = match child.exit.apply_to(seen, |word| word.reap(self.me.group_index)) {
            Err(_) if left_out(Fault::ReapedOnce) => return Some(result),
            reaped => reaped.ok()?,
        };
        notify::before_report(call, index, child, seen, dead);
        self.me.group.children_usage.add(&result.usage);
        reap::release_process(call, index, dead, Some(self.me.id));
        Some(result)
    }
}
