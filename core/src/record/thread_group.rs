//! A thread group: a POSIX process, from fork to the moment its zombie is reaped.

use crate::lockfree::chain::Chain;
use crate::lockfree::roster::Roster;
use crate::record::actions::Actions;
use crate::record::exit_word::ExitWord;
use crate::record::group_word::GroupWord;
use crate::record::job_word::JobWord;
use crate::record::policy::{Policy, PolicyWord};
use crate::record::ready_broods::ReadyBroods;
use crate::record::usage::UsageSum;
use crate::record::value::{Value32, Value64};
use crate::record::waiters::Waiters;

/// A process. `signal_struct`, and the part of its leader's `task_struct` that its parent deals with.
#[derive(Debug, Default)]
pub struct ThreadGroup {
    /// What it is to its parent.
    pub exit: ExitWord,
    /// The host thread that is telling its parent of its death; 0 for none. Good while `telling` in `exit` is under
    /// way, and then for comparing with oneself.
    pub teller: Value64,
    /// Which threads it has.
    pub word: GroupWord,
    /// How many of them run, whether it is exiting, and with which wait status.
    pub job: JobWord,
    /// The brood it was born into, for life.
    pub brood: Value32,
    /// The leader's task.
    pub leader: Value32,
    /// The process ID.
    pub pid: Value32,
    /// Its process group's record.
    pub process_group: Value32,
    /// Its real user ID.
    pub uid: Value32,
    /// Counts its execve(2)s; `self_exec_id`.
    pub exec_id: Value32,
    /// Its parent's count when it was born; `parent_exec_id`.
    pub parent_exec_id: Value32,
    /// What it has set for itself.
    pub policy: PolicyWord,
    /// What it does about signals.
    pub actions: Actions,
    /// The thread that was asked last to take a signal of the process's; the next one is offered from there on.
    pub last_taker: Value32,
    /// Its threads.
    pub threads: Roster,
    next_ordinal: Value32,
    /// Which of its threads have a wait armed.
    pub waiters: Waiters,
    /// What its dead threads used.
    pub usage: UsageSum,
    /// What its waited-for children used, their own included.
    pub children_usage: UsageSum,
    /// The broods whose children are its children.
    pub broods: Chain,
    /// Which of them have ready children, once there are many.
    pub ready_broods: ReadyBroods,
    next_seniority: Value64,
}

/// The new life of a thread-group record.
#[derive(Clone, Copy, Debug)]
pub struct NewGroup {
    /// Its leader.
    pub leader: u32,
    /// Its process ID.
    pub pid: u32,
    /// Its process group's record.
    pub process_group: u32,
    /// Its real user ID.
    pub uid: u32,
    /// Its parent's execve(2) count.
    pub parent_exec_id: u32,
    /// What it inherits.
    pub policy: Policy,
}

impl ThreadGroup {
    /// Begins a new life. Nobody knows it yet: all Relaxed, the leader's stage releases it.
    pub fn begin(&self, new: NewGroup) {
        self.word.begin();
        self.job.begin();
        self.brood.set(0);
        self.leader.set(new.leader);
        self.pid.set(new.pid);
        self.process_group.set(new.process_group);
        self.uid.set(new.uid);
        self.exec_id.set(0);
        self.parent_exec_id.set(new.parent_exec_id);
        self.policy.begin(new.policy);
        self.actions.begin();
        self.last_taker.set(new.leader);
        self.next_ordinal.set(0);
        self.waiters.reset();
        self.usage.reset();
        self.children_usage.reset();
        self.next_seniority.set(0);
        self.threads.reset();
    }

    /// Roster place and number for the leader, while nobody else knows the group.
    pub fn admit_leader(&self) -> (u32, u32) {
        self.next_ordinal.set(1);
        (self.threads.claim_first(), 0)
    }

    /// Roster place and number for a further thread.
    pub fn admit(&self) -> (u32, u32) {
        let place = self.threads.claim();
        (place, self.next_ordinal())
    }

    /// The next thread's number.
    fn next_ordinal(&self) -> u32 {
        self.next_ordinal.add(1)
    }

    /// The first of `count` ranks behind those of all broods that came to this process before.
    pub fn next_seniority(&self, count: u64) -> u64 {
        self.next_seniority.add(count)
    }

    /// How many ranks have been given out.
    pub fn seniority_span(&self) -> u64 {
        self.next_seniority.get()
    }
}
