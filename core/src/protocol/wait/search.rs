//! One wait's search through the children: by name, or through the broods.

use core::cell::Cell;

use crate::ids::TaskId;
use crate::lockfree::ready_index::{Members, Version, View};
use crate::protocol::notify::{self, status_of};
use crate::protocol::{BroodMembers, Call, Found, ready, reap, reaper, report};
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState, Telling};
use crate::record::fault::{Fault, left_out, many};
use crate::record::task::Stage;
use crate::record::thread_group::ThreadGroup;
use crate::record::usage::combined;
use crate::record::waiter::{ChildFacts, ChildKind, Criteria, Disarmed, Which};
use crate::terms::{WaitFor, WaitRequest, WaitResult};
use crate::uapi::{Change, Errno, Signal, WaitOptions};

/// The largest number that waitid(2) takes: its `id` is a signed 32-bit number.
const MAX_ID: u32 = i32::MAX as u32;

/// One wait's search through the children of the waiter's process.
pub(super) struct Search<'c> {
    pub(super) call: &'c Call<'c>,
    pub(super) me: Found<'c>,
    pub(super) criteria: Criteria,
    options: WaitOptions,
    /// Broods and children looked at so far.
    pub(super) visited: Cell<usize>,
}

/// A child that can be waited for.
pub(super) struct Candidate<'c> {
    pub(super) brood: &'c Brood,
    pub(super) child: u32,
    pub(super) seen: ExitSnapshot,
}

/// What had happened in the broods of a search at one time.
#[derive(Clone, Copy, Default)]
struct Happened {
    children: Version,
    reports: u32,
}

impl Happened {
    #[inline]
    fn add(&mut self, children: Version, reports: u32) {
        self.children += children;
        self.reports = self.reports.wrapping_add(reports);
    }
}

/// Something changed while the search was looking: look again.
pub(super) struct Again;

impl<'c> Search<'c> {
    pub(super) fn new(call: &'c Call<'c>, waiter: TaskId, request: &WaitRequest) -> Result<Search<'c>, Errno> {
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
        let criteria = Criteria { which, kind, own_only, changes: report::is_asked(options) };
        Ok(Search { call, me, criteria, options, visited: Cell::new(0) })
    }

    /// A child, or `None` when there is one to wait for but nothing to report yet. ECHILD when there is
    /// none.
    pub(super) fn look(&self) -> Result<Option<WaitResult>, Errno> {
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
        if seen.parent() != self.me.group_index && brood.is_in_chain_of(self.me.group_index) {
            // On its way to this process. Before its brood is in the chain here, it still is where it was:
            // who is told of it must find it by any kind of search.
            seen = self.members(brood).look(child);
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
        // The tree knows of the dead alone.
        if !self.criteria.changes
            && let Some(answer) = self.look_in_tree()?
        {
            return Ok(Ok(answer));
        }
        let stamp = self.me.group.broods.stamp();
        let start = self.visited.get();
        let (oldest, before) = self.oldest_ready()?;
        let walked = self.visited.get() - start;
        if walked > many() {
            ready::keep_tree(self.call, self.me.group_index);
        }
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
    #[inline]
    fn oldest_ready(&self) -> Result<(Option<Candidate<'c>>, Happened), Again> {
        let mut oldest = None;
        let mut happened = Happened::default();
        for brood in self.broods() {
            let view = self.view(brood);
            let reports = brood.reports.look();
            happened.add(view.version(), reports.made);
            let found = if self.criteria.changes && reports.any {
                self.news_in(brood, view)
            } else if self.wants_deaths() {
                self.ready_in(brood, view)?
            } else {
                None
            };
            if found.is_some() {
                oldest = self.older(oldest, found);
            }
        }
        Ok((oldest, happened))
    }

    /// The oldest child of a brood of which there is something to report. Some have stopped or gone on, and only a look
    /// at each tells which.
    fn news_in(&self, brood: &'c Brood, view: View<'c>) -> Option<Candidate<'c>> {
        let has_news = |child, seen| self.is_sought(brood, child, seen) && self.has_news(brood, child, seen);
        let found = view.first_living(&self.members(brood), has_news)?;
        Some(Candidate { brood, child: found.member, seen: found.seen })
    }

    /// Is there something to report of this child, which is sought?
    fn has_news(&self, brood: &Brood, child: u32, seen: ExitSnapshot) -> bool {
        self.visited.set(self.visited.get() + 1);
        match seen.state() {
            ExitState::Alive => report::find(self.call.group(child), self.options).is_some(),
            ExitState::Zombie => {
                let is_ready = brood.children.is_ready(self.call.pin.guard(), seen.slot()) == Some(true);
                is_ready && self.wants_deaths()
            }
            ExitState::Dead => false,
        }
    }

    /// Is the wait for the dead?
    pub(super) fn wants_deaths(&self) -> bool {
        self.options.contains(WaitOptions::WEXITED)
    }

    /// A look at the children of a brood.
    #[inline]
    pub(super) fn view(&self, brood: &'c Brood) -> View<'c> {
        brood.children.view(self.call.pin.guard())
    }

    /// The children of a brood, as this process sees them.
    #[inline]
    pub(super) fn members(&self, brood: &'c Brood) -> BroodMembers<'c> {
        BroodMembers { call: self.call, brood, of: self.me.group_index }
    }

    /// The oldest ready child of a brood that the wait is for.
    #[inline]
    pub(super) fn ready_in(&self, brood: &'c Brood, view: View<'c>) -> Result<Option<Candidate<'c>>, Again> {
        let members = self.members(brood);
        let ready = view.next_ready(&members, |child, seen| self.is_sought(brood, child, seen)).map_err(|_| Again)?;
        Ok(ready.map(|found| Candidate { brood, child: found.member, seen: found.seen }))
    }

    /// Of two, the one that comes first.
    #[inline]
    pub(super) fn older(&self, one: Option<Candidate<'c>>, other: Option<Candidate<'c>>) -> Option<Candidate<'c>> {
        match (one, other) {
            (Some(one), Some(other)) if self.rank(other.brood) < self.rank(one.brood) => Some(other),
            (one, other) => one.or(other),
        }
    }

    /// What has happened so far in the broods that the search goes through.
    #[inline]
    fn version(&self) -> Happened {
        let mut sum = Happened::default();
        self.broods().for_each(|brood| sum.add(self.view(brood).version(), brood.reports.look().made));
        sum
    }

    /// The broods of the waiter's process; with `__WNOTHREAD`, those of the waiter itself.
    #[inline]
    pub(super) fn broods(&self) -> impl Iterator<Item = &'c Brood> {
        let chain = self.me.group.broods.walk(self.call.pin, self.call.broods());
        chain.map(|(_, brood)| brood).filter(|brood| {
            self.visited.set(self.visited.get() + 1);
            brood.arrive(self.me.group_index);
            brood.is_in_chain_of(self.me.group_index)
                && (!self.criteria.own_only || self.parent_of(brood) == Some(self.me.index))
                && (!left_out(Fault::BroodsOfDyingSearched)
                    || self.call.find_running(TaskId::from_bits(brood.parent.get())).is_ok())
        })
    }

    #[inline]
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
    pub(super) fn is_sought(&self, brood: &Brood, child: u32, seen: ExitSnapshot) -> bool {
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
    pub(super) fn take(&self, index: u32, seen: ExitSnapshot) -> Option<WaitResult> {
        if seen.state() == ExitState::Alive {
            return self.take_report(index);
        }
        let call = self.call;
        let child = call.group(index);
        let result = self.result(child, Change::Died(status_of(child)));
        if self.options.contains(WaitOptions::WNOWAIT) {
            // What is reported must be found by every search that starts after this one: the bit goes up
            // to the root first, and the brood into the tree.
            call.brood(child.brood.get()).children.set_ready(call.pin.guard(), seen.slot());
            if !left_out(Fault::UpdatedBeforePeek) {
                ready::update_if_kept(call, self.me.group_index, child.brood.get());
            }
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
