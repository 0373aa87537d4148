//! Who plays whom: names of the scenario, slots of the puppets, numbers of the kernel.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use crate::language::Name;

/// One task of the scenario, there or gone.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) name: Name,
    pub(super) slot: usize,
    /// In the namespace's numbers. What the scenario's name stands for is the number it was born with.
    pub(super) number: u32,
    pub(super) tid: u32,
    pub(super) tgid: u32,
    /// Of the controller's: it speaks for the task for ever.
    pub(super) pidfd: Rc<OwnedFd>,
    /// The same with `PIDFD_THREAD`.
    pub(super) thread_pidfd: Rc<OwnedFd>,
    /// Another thread has executed a program and has this one's number now.
    pub(super) is_replaced: bool,
}

/// All of them, in the order in which they were born.
#[derive(Debug, Default)]
pub(super) struct Cast {
    players: Vec<Player>,
    by_name: HashMap<Name, usize>,
    by_tid: HashMap<u32, usize>,
    by_slot: HashMap<usize, usize>,
}

impl Cast {
    pub(super) fn add(&mut self, player: Player) {
        let index = self.players.len();
        self.by_name.insert(player.name, index);
        self.by_tid.insert(player.number, index);
        self.by_slot.insert(player.slot, index);
        self.players.push(player);
    }

    pub(super) fn all(&self) -> &[Player] {
        &self.players
    }

    pub(super) fn get(&self, name: Name) -> Option<&Player> {
        self.by_name.get(&name).map(|&index| &self.players[index])
    }

    /// Whose number this is, whether the task is there or gone.
    pub(super) fn by_number(&self, number: u32) -> Option<Name> {
        self.by_tid.get(&number).map(|&index| self.players[index].name)
    }

    /// The process of this task is left with this one thread, which takes over the leader's number. The name
    /// keeps the task; the number keeps its name.
    pub(super) fn take_over(&mut self, name: Name) {
        let Some(&index) = self.by_name.get(&name) else { return };
        let tgid = self.players[index].tgid;
        let Some(leader) = self.players.iter().position(|other| other.tid == tgid && !other.is_replaced) else {
            return;
        };
        if leader == index {
            return;
        }
        self.players[leader].is_replaced = true;
        // The handle of the thread as such stays: what it was opened for is gone.
        let pidfd = Rc::clone(&self.players[leader].pidfd);
        let player = &mut self.players[index];
        player.tid = tgid;
        player.pidfd = pidfd;
    }

    /// The task that has this number now.
    pub(super) fn holder(&self, number: u32) -> Option<Name> {
        self.players.iter().find(|player| player.tid == number && !player.is_replaced).map(|player| player.name)
    }

    pub(super) fn by_slot(&self, slot: usize) -> Option<Name> {
        self.by_slot.get(&slot).map(|&index| self.players[index].name)
    }
}
