//! Signal: kill(2), tgkill(2), and signals that the host sends in nobody's name.

use crate::host::SignalRequest;
use crate::ids::TaskId;
use crate::protocol::generate::{Scope, Sent, send_signal};
use crate::protocol::{Call, Found};
use crate::terms::{SignalArgs, SignalTarget};
use crate::uapi::{Errno, SigInfo, Signal};

/// Sends a signal from one task, or from the kernel that the host is, to a thread or to processes.
pub fn signal(call: &Call, sender: Option<TaskId>, args: SignalArgs) -> Result<(), Errno> {
    let sender = sender.map(|sender| call.find_running(sender)).transpose()?;
    let sending = Sending { call, sender, signal: args.signal, code: args.code };
    match args.target {
        SignalTarget::Thread(task) => sending.to(call.find_visible(task)?, Scope::Thread),
        SignalTarget::Process(task) => sending.to(call.find_visible(task)?, Scope::Process),
        SignalTarget::Group(0) => {
            let own = sender.ok_or(Errno::ESRCH)?;
            sending.to_group(call.pgid_of(own.group))
        }
        SignalTarget::Group(pgid) => sending.to_group(pgid),
        SignalTarget::Everybody => sending.to_everybody(),
    }
}

struct Sending<'c> {
    call: &'c Call<'c>,
    /// Who sends; nobody for the kernel.
    sender: Option<Found<'c>>,
    /// `None`: nothing is sent, it is only asked whether it could be.
    signal: Option<Signal>,
    code: i32,
}

impl<'c> Sending<'c> {
    fn to(&self, target: Found<'c>, scope: Scope) -> Result<(), Errno> {
        if !self.may_signal(target) {
            return Err(Errno::EPERM);
        }
        let Some(signal) = self.signal else { return Ok(()) };
        let (pid, uid) = self.sender.map_or((0, 0), |sender| (sender.group.pid.get(), sender.group.uid.get()));
        let sent = Sent {
            group_index: target.group_index,
            group: target.group,
            thread: target.index,
            scope,
            force: self.sender.is_none(),
            info: SigInfo { signal, code: self.code, pid, uid, status: 0, utime_ns: 0, stime_ns: 0 },
        };
        if let Some(event) = send_signal(self.call, sent) {
            self.call.outbox.put(event);
        }
        Ok(())
    }

    /// The superuser may send anything, everybody to their own, and SIGCONT within the session.
    fn may_signal(&self, target: Found<'c>) -> bool {
        let Some(sender) = self.sender else { return true };
        let uid = sender.group.uid.get();
        let in_session = || self.call.sid_of(sender.group) == self.call.sid_of(target.group);
        let is_allowed =
            uid == 0 || uid == target.group.uid.get() || self.signal == Some(Signal::SIGCONT) && in_session();
        self.call.outbox.may_signal(&SignalRequest {
            sender: sender.id,
            sender_cookie: sender.task.cookie.get(),
            target: target.id,
            target_cookie: target.task.cookie.get(),
            signal: self.signal,
            is_allowed,
        })
    }

    /// One of them having taken it is success.
    fn to_group(&self, pgid: u32) -> Result<(), Errno> {
        let mut taken = false;
        let mut refused = Errno::ESRCH;
        for member in self.call.every_process().filter(|found| self.call.pgid_of(found.group) == pgid) {
            match self.to(member, Scope::Process) {
                Ok(()) => taken = true,
                Err(why) => refused = why,
            }
        }
        if taken { Ok(()) } else { Err(refused) }
    }

    /// One refusal is no failure as long as there is anybody.
    fn to_everybody(&self) -> Result<(), Errno> {
        let own = self.sender.map_or(0, |sender| sender.group_index);
        let init = self.call.tables.init();
        let mut result = Err(Errno::ESRCH);
        for other in self.call.every_process().filter(|found| found.group_index != own && found.group_index != init) {
            result = match self.to(other, Scope::Process) {
                Err(Errno::EPERM) => result.or(Ok(())),
                sent => sent,
            };
        }
        result
    }
}
