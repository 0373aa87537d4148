//! Reparent: a process dies, and its children get the reaper as parent.

use crate::host::Event;
use crate::lockfree::chain::Nodes;
use crate::protocol::notify::{self, Notification};
use crate::protocol::orphan::{self, Occasion};
use crate::protocol::reaper::{Reaper, find_reaper, oldest_thread, parent_of};
use crate::protocol::{BroodMembers, Call, Census, Found, pdeathsig, ready, reap};
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState};
use crate::record::fault::{Fault, left_out};
use crate::uapi::Signal;

/// Hands all children of a process whose last thread, `last`, is dying to its reaper;
/// `forget_original_parent`. Three steps, in this order:
///
/// 1. *announce*: the broods hang in the reaper's chain and name the reaper, so a waiter there sees them;
/// 2. *commit*: child by child, the exit word names the reaper ([`hand_over`]);
/// 3. *tell*: the reaper of each zombie, with the commit; each child that asked for it, of the death.
///
/// A child is in somebody's chain throughout. The process cannot be reaped before this returns: it becomes
/// a zombie only after it, in [`exit::finish`](crate::protocol::exit::finish) of the same thread.
pub fn bequeath(call: &Call, last: Found) {
    if let Some((broods, reaper)) = announce(call, last) {
        hand_over_all(call, broods, reaper, last);
        if reaper != 0 {
            call.group(reaper).ready_broods.end_handover();
        }
    }
}

/// As Linux, child by child in the order in which they came: it decides which of several SIGCHLDs a reaper
/// that does not take queued signals gets to see.
fn hand_over_all(call: &Call, broods: Nodes<'_>, reaper: u32, last: Found) {
    // Beyond the last brood of ours, the reaper's own may follow.
    let ours = || {
        let chain = broods.walk(call.pin, call.broods());
        chain.filter(|(_, brood)| brood.inherited_from.get() == last.group_index)
    };
    if ours().nth(ORDERED).is_some() {
        ours().for_each(|(index, brood)| hand_over_brood(call, index, brood, reaper, last));
        return;
    }
    let mut done = None;
    let rank = |brood: &Brood| brood.seniority.get();
    while let Some((index, brood)) =
        ours().filter(|(_, brood)| done.is_none_or(|done| rank(brood) > done)).min_by_key(|(_, brood)| rank(brood))
    {
        done = Some(rank(brood));
        hand_over_brood(call, index, brood, reaper, last);
    }
}

fn hand_over_brood(call: &Call, index: u32, brood: &Brood, reaper: u32, last: Found) {
    if reaper != 0 {
        brood.arrive(reaper);
    }
    let members = BroodMembers { call, brood, of: reaper };
    let view = brood.children.view(call.pin.guard());
    if left_out(Fault::ToldAfterHandOver) {
        pdeathsig::send(call, brood, last);
    }
    // Looking at a child settles whose it is; all are looked at, because none is accepted.
    view.first_living(&members, |_, _| false);
    if !left_out(Fault::ToldAfterHandOver) {
        pdeathsig::send(call, brood, last);
    }
    call.drop_if_spent(index);
}

/// Closes the chain of the dying process and splices it into the reaper's. A reaper that has closed its own
/// meanwhile is dying as well; then the next one up is tried. Returns the broods and the reaper, unless there
/// are no children: then nobody's memory but the dying process's own is touched.
fn announce<'c>(call: &Call<'c>, last: Found<'c>) -> Option<(Nodes<'c>, u32)> {
    let mut detached = last.group.broods.close(call.pin).ok().flatten()?;
    let census = Census { call };
    let mut broods = detached.nodes().walk(call.pin, call.broods());
    if broods.all(|(_, brood)| brood.children.is_empty(call.pin.guard(), &census)) {
        last.group.broods.keep(detached);
        return None;
    }
    // Progress: a closed chain stays closed, and the search for a reaper passes its process over.
    loop {
        let broods = detached.nodes();
        let Reaper::Process { group: to, thread } = find_reaper(call, last.group_index) else {
            broods.walk(call.pin, call.broods()).for_each(|(_, brood)| brood.address(last.group_index, 0, 0, 0));
            return Some((broods, 0));
        };
        let reaper = call.group(to);
        let before = reaper.next_seniority(last.group.seniority_span());
        let parent = call.id(thread).bits();
        broods.walk(call.pin, call.broods()).for_each(|(_, brood)| brood.address(last.group_index, to, parent, before));
        // What the reaper bears from now on is younger than what it inherits.
        call.task(thread).inheritances.add(1);
        if left_out(Fault::AnnouncedBeforeCommit) {
            hand_over_all(call, broods, to, last);
        }
        reaper.ready_broods.begin_handover();
        match reaper.broods.splice(call.pin, call.broods(), detached) {
            Ok(broods) => return Some((broods, to)),
            Err(back) => detached = back,
        }
        reaper.ready_broods.end_handover();
        // The ranks go on from those just given: their order is what matters.
    }
}

/// Makes `child` the child of `reaper`, if that is the process its brood belongs to and it is not yet, and
/// returns its word. Whoever's transition makes "(zombie, this parent)" true tells that parent, and nobody else does:
/// the dying parent's thread, and any searcher in the reaper that comes across the child before it.
pub fn hand_over(call: &Call, child: u32, brood: &Brood, reaper: u32) -> ExitSnapshot {
    let group = call.group(child);
    // Progress: an exchange fails only when the child died, was moved or handed over meanwhile; the
    // brood's parent changes only when that parent dies.
    loop {
        let seen = group.exit.look();
        if seen.parent() == reaper || seen.state() == ExitState::Dead {
            return seen;
        }
        // Asked after the word was read: the brood may have gone on to the reaper's own reaper, and the child with
        // it, and that must not be undone.
        if brood.group() != reaper {
            return seen;
        }
        let notification = match reaper {
            0 => Notification::ORPHAN,
            reaper => Notification::decide(Some(Signal::SIGCHLD), call.group(reaper).policy.get()),
        };
        let ready = seen.state() == ExitState::Zombie && !notification.autoreap;
        if ready && !left_out(Fault::ReadyBeforeReparent) {
            // Who finds the child in its new family finds it ready, in whichever way.
            brood.children.set_ready(call.pin.guard(), seen.slot());
            if !left_out(Fault::UpdatedBeforeReparent) {
                ready::update_if_kept(call, reaper, group.brood.get());
            }
        }
        let is_told = notification.signal.is_some();
        if seen.state() == ExitState::Zombie {
            // Whoever hands it over besides may have made it so and begun to tell: then it lets itself end that.
            group.teller.set(0);
        }
        if let Ok(now) = group.exit.apply_to(seen, |word| word.reparent(reaper, notification.autoreap, is_told)) {
            tell(call, child, brood, seen, now, notification);
            return now;
        }
        if left_out(Fault::ReparentToldOnce) && group.exit.look().parent() == reaper {
            tell(call, child, brood, seen, group.exit.look(), notification);
        }
    }
}

fn tell(call: &Call, child: u32, brood: &Brood, seen: ExitSnapshot, now: ExitSnapshot, notification: Notification) {
    let group = call.group(child);
    let leader = group.leader.get();
    if now.parent() != 0
        && let Some(parent) = parent_of(call, brood, now.parent())
    {
        let cookie = call.task(leader).cookie.get();
        call.outbox.put(Event::Reparented { task: call.id(leader), cookie, parent: call.id(parent) });
    }
    if seen.state() == ExitState::Zombie {
        notify::tell_parent(call, child, group, now, notification);
    }
    orphan::look_after_group(call, child, Occasion::Lost(seen.parent()));
    if seen.state() == ExitState::Zombie && notification.autoreap {
        reap::release_process(call, child, now, None);
    }
}

/// A thread dies: a sibling becomes the parent of its children, who notice nothing but a new `real_parent`. If
/// all of the siblings are exiting, or there is none, the children stay with the process until the last thread
/// has ended.
pub fn leave(call: &Call, dying: Found) {
    let sibling = if dying.group.word.look().live() == 1 { None } else { oldest_thread(call, dying.group_index) };
    match sibling {
        None => leave_behind(call, dying),
        Some(sibling) => {
            let take = |brood: &Brood| pdeathsig::send(call, brood, dying);
            if hand_broods(call, dying, call.id(sibling).bits(), take) {
                call.task(sibling).inheritances.add(1);
            }
        }
    }
}

/// A thread of a process that is on its way out ends. Its children rank behind those of the threads that
/// ended earlier: in Linux they would be the new parent's by now.
fn leave_behind(call: &Call, dying: Found) {
    let own = |brood: &Brood| brood.parent.get() == dying.id.bits();
    // What is all its own keeps its order anyway: the usual case, a process of one thread.
    if dying.group.broods.walk(call.pin, call.broods()).any(|(_, brood)| !own(brood)) {
        hand_broods(call, dying, 0, |brood| {
            if left_out(Fault::ToldByTheLast) {
                pdeathsig::send(call, brood, dying);
            }
        });
    }
}

/// With more broods than this, their exact order is not worth what it costs: the newest come last, and
/// that is all.
pub const ORDERED: usize = 256;

/// Hands the broods of a dying thread to the thread `to`, behind all that the process has. Says whether
/// there were any.
fn hand_broods(call: &Call, dying: Found, to: u64, told: impl Fn(&Brood)) -> bool {
    let mine = || {
        let chain = dying.group.broods.walk(call.pin, call.broods());
        chain.filter(|(_, brood)| brood.parent.get() == dying.id.bits())
    };
    let hand = |index: u32, brood: &Brood, rank: u64| {
        brood.seal();
        if brood.parent.replace(dying.id.bits(), to) {
            brood.seniority.set(rank);
            ready::update_if_kept(call, dying.group_index, index);
            told(brood);
            call.drop_if_spent(index);
        }
    };
    let count = mine().count();
    let first = dying.group.next_seniority(count as u64);
    if count > ORDERED {
        // Newest first.
        mine()
            .take(count)
            .enumerate()
            .for_each(|(i, (index, brood))| hand(index, brood, first + (count - 1 - i) as u64));
        return true;
    }
    // Oldest first, so that they keep their order. Progress: a brood that has been handed on, by whomever, is
    // not the dying thread's any more.
    for rank in first..first + count as u64 {
        let Some((index, brood)) = mine().min_by_key(|(_, brood)| brood.seniority.get()) else { break };
        hand(index, brood, rank);
    }
    count > 0
}
