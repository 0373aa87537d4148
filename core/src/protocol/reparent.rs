//! Reparent: a process dies, and its children get the heir as parent.

use crate::host::Event;
use crate::lockfree::chain::Nodes;
use crate::protocol::adopt::{Heir, ORDERED, find_heir, owner_of};
use crate::protocol::notify::{self, Notification};
use crate::protocol::{BroodMembers, Call, Census, Found, pdeathsig, reap};
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState};
use crate::record::fault::{Fault, left_out};
use crate::uapi::Signal;

/// Hands all children of a process whose last thread, `last`, is dying to its heir;
/// `forget_original_parent`. Three steps, in this order:
///
/// 1. *announce*: the broods hang in the heir's chain and name the heir, so a waiter there sees them;
/// 2. *commit*: child by child, the exit word names the heir ([`hand_over`]);
/// 3. *tell*: the heir of each zombie, with the commit; each child that asked for it, of the death.
///
/// A child is in somebody's chain throughout. The process cannot be reaped before this returns: it becomes
/// a zombie only after it, in [`exit::finish`](crate::protocol::exit::finish) of the same thread.
pub fn bequeath(call: &Call, last: Found) {
    if let Some((broods, heir)) = announce(call, last) {
        hand_over_all(call, broods, heir, last);
    }
}

/// As Linux, child by child in the order in which they came: it decides which of several SIGCHLDs an heir
/// that does not take queued signals gets to see.
fn hand_over_all(call: &Call, broods: Nodes<'_>, heir: u32, last: Found) {
    // Beyond the last brood of ours, the heir's own may follow.
    let ours = || {
        let chain = broods.walk(call.pin, call.broods());
        chain.filter(|(_, brood)| brood.inherited_from.get() == last.group_index)
    };
    if ours().nth(ORDERED).is_some() {
        ours().for_each(|(index, brood)| hand_over_brood(call, index, brood, heir, last));
        return;
    }
    let mut done = None;
    let rank = |brood: &Brood| brood.seniority.get();
    while let Some((index, brood)) =
        ours().filter(|(_, brood)| done.is_none_or(|done| rank(brood) > done)).min_by_key(|(_, brood)| rank(brood))
    {
        done = Some(rank(brood));
        hand_over_brood(call, index, brood, heir, last);
    }
}

fn hand_over_brood(call: &Call, index: u32, brood: &Brood, heir: u32, last: Found) {
    let members = BroodMembers { call, brood, of: heir };
    let view = brood.children.view(call.pin.guard());
    // Looking at a child settles whose it is; all are looked at, because none is accepted.
    view.first_living(&members, |_, _| false);
    pdeathsig::send(call, brood, last);
    call.drop_if_spent(index);
}

/// Closes the chain of the dying process and splices it into the heir's. An heir that has closed its own
/// meanwhile is dying as well; then the next one up is tried. Returns the broods and the heir, unless there
/// are no children: then nobody's memory but the dying process's own is touched.
fn announce<'c>(call: &Call<'c>, last: Found<'c>) -> Option<(Nodes<'c>, u32)> {
    let mut detached = last.group.broods.close(call.pin).ok().flatten()?;
    let census = Census { call };
    let mut broods = detached.nodes().walk(call.pin, call.broods());
    if broods.all(|(_, brood)| brood.children.is_empty(call.pin.guard(), &census)) {
        last.group.broods.keep(detached);
        return None;
    }
    // Progress: a closed chain stays closed, and the search for an heir passes its owner over.
    loop {
        let broods = detached.nodes();
        let Heir::Process { group: to, thread } = find_heir(call, last.group_index) else {
            broods.walk(call.pin, call.broods()).for_each(|(_, brood)| brood.address(last.group_index, 0, 0, 0));
            return Some((broods, 0));
        };
        let adopter = call.group(to);
        let before = adopter.next_seniority(last.group.seniority_span());
        let owner = call.id(thread).bits();
        broods.walk(call.pin, call.broods()).for_each(|(_, brood)| brood.address(last.group_index, to, owner, before));
        // What the adopter bears from now on is younger than what it adopts.
        call.task(thread).adoptions.add(1);
        if left_out(Fault::AnnouncedBeforeCommit) {
            hand_over_all(call, broods, to, last);
        }
        match adopter.broods.splice(call.pin, call.broods(), detached) {
            Ok(broods) => return Some((broods, to)),
            Err(back) => detached = back,
        }
        // The ranks go on from those just given: their order is what matters.
    }
}

/// Makes `child` the child of `heir`, if that is the process its brood belongs to and it is not yet, and
/// returns its word. Whoever's transition makes "(zombie, this parent)" true tells that parent, and nobody else does:
/// the dying parent's thread, and any searcher in the heir that comes across the child before it.
pub fn hand_over(call: &Call, child: u32, brood: &Brood, heir: u32) -> ExitSnapshot {
    let group = call.group(child);
    // Progress: an exchange fails only when the child died, was moved or handed over meanwhile; the
    // brood's parent changes only when that parent dies.
    loop {
        let seen = group.exit.look();
        if seen.parent() == heir || seen.state() == ExitState::Dead {
            return seen;
        }
        // Asked after the word was read: the brood may have gone on to the heir's own heir, and the child with
        // it, and that must not be undone.
        if brood.parent.get() != heir {
            return seen;
        }
        let notification = match heir {
            0 => Notification::ORPHAN,
            heir => Notification::decide(Some(Signal::SIGCHLD), call.group(heir).policy.get()),
        };
        let ready = seen.state() == ExitState::Zombie && !notification.autoreap;
        if ready && !left_out(Fault::ReadyBeforeAdoption) {
            // Who finds the child in its new family finds it ready.
            brood.children.set_ready(call.pin.guard(), seen.slot());
        }
        if let Ok(now) = group.exit.apply_to(seen, |word| word.reparent(heir, notification.autoreap)) {
            tell(call, child, brood, seen, now, notification);
            return now;
        }
        if left_out(Fault::AdoptionToldOnce) && group.exit.look().parent() == heir {
            tell(call, child, brood, seen, group.exit.look(), notification);
        }
    }
}

fn tell(call: &Call, child: u32, brood: &Brood, seen: ExitSnapshot, now: ExitSnapshot, notification: Notification) {
    let group = call.group(child);
    let leader = group.leader.get();
    if now.parent() != 0
        && let Some(owner) = owner_of(call, brood, now.parent())
    {
        let cookie = call.task(leader).cookie.get();
        call.outbox.put(Event::Reparented { task: call.id(leader), cookie, parent: call.id(owner) });
    }
    if seen.state() == ExitState::Zombie {
        notify::tell_parent(call, child, group, now, notification);
        if notification.autoreap {
            reap::release_process(call, child, now, None);
        }
    }
}
