//! Who plays whom: names of the scenario, slots of the puppets, numbers of the kernel.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use crate::language::Name;

/// One task of the scenario, there or gone.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) name: Name,
    pub(super) slot: usize,
    /// In the namespace's numbers.
    pub(super) tid: u32,
    pub(super) tgid: u32,
    /// Of the controller's: it speaks for the task for ever.
    pub(super) pidfd: OwnedFd,
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
        self.by_tid.insert(player.tid, index);
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

    pub(super) fn by_slot(&self, slot: usize) -> Option<Name> {
        self.by_slot.get(&slot).map(|&index| self.players[index].name)
    }
}
