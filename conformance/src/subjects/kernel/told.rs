//! What has happened, told from two looks at `/proc` and the log of signals.

use std::collections::HashSet;

use ptexit_core::uapi::{ChildCode, Signal, WaitStatus};

use super::cast::Player;
use super::orders::{self, noticeable};
use super::settle::{Picture, Seen, settle};
use super::{OnKernel, TICK_NS};
use crate::language::{Happening, Info, Name, Reply};

impl OnKernel<'_> {
    /// Waits until nothing moves, and takes note of everything that has changed.
    pub(super) fn look(&mut self) -> Result<(), String> {
        let picture = settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?;
        let picture = if self.number_changed_hands() {
            settle(&self.stage.memory, &self.namespace, &self.cast, &self.picture, &mut self.looks)?
        } else {
            picture
        };
        let last = core::mem::replace(&mut self.picture, picture);
        let (memory, cast) = (&self.stage.memory, &self.cast);
        let has_returned = |name: &Name| cast.get(*name).is_some_and(|player| memory.is_idle(player.slot));
        for name in self.waiting.extract_if(.., |name| has_returned(name)) {
            let slot = cast.get(name).map_or(0, |player| player.slot);
            let reply = match memory.number(slot) {
                orders::SYS_WAIT4 | orders::SYS_WAITID => orders::waited(memory, slot, cast, &last)?,
                _ => orders::reply(memory.result(slot))?,
            };
            self.returned.push((name, reply));
        }
        let reaped = self.tell_changes(&last)?;
        self.tell_signals();
        self.tell_reaped(reaped);
        let gone: HashSet<Name> = self.gone().collect();
        self.waiting.retain(|name| !gone.contains(name));
        Ok(())
    }

    /// Somebody who had to wait for other threads has executed its program, and has the leader's number now.
    fn number_changed_hands(&mut self) -> bool {
        let memory = &self.stage.memory;
        let has_executed = |name: &&Name| {
            self.cast.get(**name).is_some_and(|player| {
                let is_exec = memory.number(player.slot) == orders::SYS_EXECVE;
                is_exec && memory.is_idle(player.slot) && memory.result(player.slot) == 0
            })
        };
        let Some(&name) = self.waiting.iter().find(has_executed) else { return false };
        self.cast.take_over(name);
        true
    }

    fn gone(&self) -> impl Iterator<Item = Name> {
        let gone = |(player, seen): (&Player, &Option<Seen>)| seen.is_none().then_some(player.name);
        self.cast.all().iter().zip(&self.picture).filter_map(gone)
    }

    fn tell_signals(&mut self) {
        for received in self.stage.memory.take_log() {
            let (Some(to), Some(signal)) = (self.cast.by_slot(received.slot), Signal::new(received.signal)) else {
                continue;
            };
            let is_child_code = received.code > 0 && received.code <= ChildCode::Continued as i32;
            let times = |ticks| if is_child_code { noticeable(ticks * TICK_NS).utime_ns } else { 0 };
            let info = Info {
                signal,
                code: received.code,
                from: self.cast.by_number(received.pid),
                uid: received.uid,
                status: if is_child_code { received.status } else { 0 },
                utime_ns: times(received.utime_ticks),
                stime_ns: times(received.stime_ticks),
            };
            self.happenings.push(match received.is_handled {
                true => Happening::Handles(to, info),
                false => Happening::Signal(to, info),
            });
        }
    }

    /// What has become of everybody, as far as it can be told from two pictures. Returns who is gone, with
    /// the status that was seen last if it was final.
    fn tell_changes(&mut self, last: &Picture) -> Result<Vec<(Name, Option<WaitStatus>)>, String> {
        let mut reaped = Vec::new();
        for (at, player) in self.cast.all().iter().enumerate() {
            let (before, now) = (last.get(at).and_then(Option::as_ref), self.picture[at].as_ref());
            let was_there = before.is_some() || at >= last.len();
            let Some(now) = now else {
                if was_there {
                    let stat = before.filter(|seen| seen.is_dead()).and_then(|seen| seen.stat);
                    reaped.push((player.name, stat.and_then(|stat| WaitStatus::from_raw(stat.exit_code))));
                }
                continue;
            };
            let moved = before.is_some_and(|before| before.status.ppid != now.status.ppid);
            if moved
                && player.tid == now.status.tgid
                && let Some(parent) = self.cast.by_number(now.status.ppid)
            {
                self.happenings.push(Happening::Reparented(player.name, parent));
            }
            if now.is_dead() && !before.is_some_and(Seen::is_dead) {
                let status = now.stat.and_then(|stat| WaitStatus::from_raw(stat.exit_code));
                let status = status.ok_or_else(|| format!("{} died in a way that means nothing", player.name))?;
                self.happenings.push(Happening::Exited(player.name, status));
            }
        }
        if self.seen(Name::INIT).is_none_or(Seen::is_dead) {
            self.is_over = true;
        }
        Ok(reaped)
    }

    fn tell_reaped(&mut self, reaped: Vec<(Name, Option<WaitStatus>)>) {
        for (name, status) in reaped {
            let report = self.returned.iter().find_map(|(waiter, reply)| match reply {
                Reply::Child(report) if report.child == name => Some((*waiter, *report)),
                _ => None,
            });
            let status = report.and_then(|(_, report)| report.change.status()).or(status);
            self.happenings.push(match (report, status) {
                (Some((by, report)), Some(status)) => {
                    Happening::Reaped { task: name, by: Some(by), status, usage: report.usage }
                }
                (None, Some(status)) => Happening::Reaped { task: name, by: None, status, usage: noticeable(0) },
                (_, None) => Happening::Gone(name),
            });
        }
    }
}
