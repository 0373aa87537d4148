//! The search of a process that has many broods: its tree names those to look at.

use super::search::{Again, Candidate, Search};
use crate::protocol::ready;
use crate::record::fault::{Fault, left_out};
use crate::record::task::Stage;
use crate::terms::WaitResult;

impl<'c> Search<'c> {
    /// The answer for any child that matches, from the tree of the process. `None`: there is no tree, or it does
    /// not know; then the chain is walked. That is also how ECHILD is found.
    #[inline]
    pub(super) fn look_in_tree(&self) -> Result<Option<Option<WaitResult>>, Again> {
        let broods = &self.me.group.ready_broods;
        if !broods.is_complete() {
            return Ok(None);
        }
        let before = broods.root();
        if self.wants_deaths()
            && let Some(oldest) = self.oldest_in_tree()?
        {
            return self.take(oldest.child, oldest.seen).map(|result| Some(Some(result))).ok_or(Again);
        }
        // What is on its way here may be hidden by a parent that is suspended half way; a walk brings it in.
        if broods.has_handovers() || !self.has_any() {
            return Ok(None);
        }
        // Between two equal roots no child became ready, when one was seen that is there.
        let same = broods.root() == before || left_out(Fault::RootCompared);
        if !same || !broods.is_complete() || self.me.task.stage() != Stage::Running {
            return Err(Again);
        }
        Ok(Some(None))
    }

    fn oldest_in_tree(&self) -> Result<Option<Candidate<'c>>, Again> {
        // The children of a process of one thread are that thread's, and go by seniority.
        if self.me.group.word.look().undead() > 1 {
            return self.oldest_of_all();
        }
        let (guard, broods) = (self.call.pin.guard(), &self.me.group.ready_broods);
        // Progress: a brood where nothing is ready goes out of the tree, and comes back only when a child dies.
        while let Some(index) = broods.oldest(guard) {
            if let Some(found) = self.look_at_brood(index)? {
                return Ok(Some(found));
            }
            if broods.oldest(guard) == Some(index) {
                // What is ready there is not what this wait is for.
                return self.oldest_of_all();
            }
        }
        Ok(None)
    }

    /// Looks at every brood that has something ready.
    fn oldest_of_all(&self) -> Result<Option<Candidate<'c>>, Again> {
        let mut oldest = Ok(None);
        self.me.group.ready_broods.for_each(self.call.pin.guard(), |index| {
            let found = self.look_at_brood(index);
            oldest = match (core::mem::replace(&mut oldest, Err(Again)), found) {
                (Ok(oldest), Ok(found)) => Ok(self.older(oldest, found)),
                (Err(again), _) | (_, Err(again)) => Err(again),
            };
        });
        oldest
    }

    /// The oldest child to wait for of a brood in the tree, which goes out of it if nothing is ready there. If
    /// something is that is not waited for, it stays as it is: this search must not change what it compares.
    fn look_at_brood(&self, index: u32) -> Result<Option<Candidate<'c>>, Again> {
        self.visited.set(self.visited.get() + 1);
        let brood = self.call.brood(index);
        if brood.is_in_chain_of(self.me.group_index) {
            let found = self.ready_in(brood, self.view(brood))?;
            if found.is_some() || brood.children.has_ready(self.call.pin.guard()) {
                return Ok(found);
            }
        }
        ready::update(self.call, self.me.group_index, index);
        Ok(None)
    }
}
