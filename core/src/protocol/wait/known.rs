//! Is there a child to wait for at all?

use super::search::Search;
use crate::ids::TaskId;
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState};
use crate::record::fault::many;

impl Search<'_> {
    /// Is there any child at all that the wait could ever be for? One that is dead counts only if deaths
    /// are asked for. One that was hard to find is asked first the next time: a wait that is repeated looks at no
    /// other.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        self.knows_one() || self.finds_one()
    }

    #[inline]
    fn is_one(&self, brood: &Brood, child: u32, seen: ExitSnapshot) -> bool {
        self.visited.set(self.visited.get() + 1);
        match seen.state() {
            ExitState::Alive => {}
            ExitState::Zombie if self.wants_deaths() => {}
            ExitState::Zombie | ExitState::Dead => return false,
        }
        self.is_sought(brood, child, seen)
    }

    #[inline]
    fn knows_one(&self) -> bool {
        let known = self.me.task.known_child.get();
        if known == 0 {
            return false;
        }
        let known = TaskId::from_bits(known);
        let (child, generation) = (known.index(), known.generation());
        // In the same life, the brood is what this task has seen it to be.
        let Some(group) = self.call.tables.groups.resolve(self.call.pin, child, generation) else { return false };
        self.is_one(self.call.brood(group.brood.get()), child, group.exit.look())
    }

    #[inline]
    fn finds_one(&self) -> bool {
        let start = self.visited.get();
        let found = self.broods().find_map(|brood| {
            let is_one = |child, seen| self.is_one(brood, child, seen);
            self.view(brood).first_living(&self.members(brood), is_one).map(|found| found.member)
        });
        if let Some(child) = found
            && self.visited.get() - start > many()
        {
            let generation = self.call.tables.groups.generation(self.call.pin, child);
            self.me.task.known_child.set(TaskId::new(child, generation).bits());
        }
        found.is_some()
    }
}
