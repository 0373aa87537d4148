//! Reparent: a process dies, and its children get the heir as parent.

use crate::host::Event;
use crate::lockfree::chain::Nodes;
use crate::protocol::adopt::{Heir, find_heir, owner_of};
use crate::protocol::notify::{self, Notification};
use crate::protocol::{BroodMembers, Call, Found, reap};
use crate::record::brood::Brood;
use crate::record::exit_word::{ExitSnapshot, ExitState};
use crate::uapi::{SI_USER, SigInfo, Signal};

/// Hands all children of a process whose last thread, `last`, is dying to its heir;
/// `forget_original_parent`. Three steps, in this order:
///
/// 1. *announce*: the broods hang in the heir's chain and name the heir, so a waiter there sees them;
/// 2. *commit*: child by child, the exit word names the heir ([`hand_over`]);
/// 3. *tell*: the heir of each zombie, with the commit; each child that asked for it, of the death.
///
/// A child is in somebody's chain throughout, and the process cannot be reaped before this returns.
pub fn bequeath(call: &Call, last: Found) {
    let Some(broods) = announce(call, last) else { return };
    for (_, brood) in broods.walk(call.pin, call.broods()) {
        // Beyond the last brood of ours, the heir's own may follow.
        if brood.inherited_from.get() != last.group_index {
            continue;
        }
        let members = BroodMembers { call, brood };
        let view = brood.children.view(call.pin.guard());
        // Looking at a child settles whose it is; all are looked at, because none is accepted.
        view.first_living(&members, |_, _| false);
        send_pdeathsigs(call, brood, last);
    }
}

/// Closes the chain of the dying process and splices it into the heir's. An heir that has closed its own
/// meanwhile is dying as well; then the next one up is tried.
fn announce<'c>(call: &Call<'c>, last: Found<'c>) -> Option<Nodes<'c>> {
    let group = last.group;
    // The heir is named before the chain is closed: who finds it closed knows where to go instead.
    let mut heir = name_heir(call, last);
    let mut detached = group.broods.close(call.pin).ok().flatten()?;
    loop {
        let Heir::Process { group: to, thread } = heir else {
            for (_, brood) in detached.nodes().walk(call.pin, call.broods()) {
                address(brood, last.group_index, 0, 0, 0);
            }
            return Some(detached.into_nodes());
        };
        let adopter = call.group(to);
        for (_, brood) in detached.nodes().walk(call.pin, call.broods()) {
            address(brood, last.group_index, to, call.id(thread).bits(), 0);
        }
        rank(call, &detached.nodes(), adopter);
        // What the adopter bears from now on is younger than what it adopts.
        call.task(thread).adoptions.count();
        match adopter.broods.splice(call.pin, call.broods(), detached) {
            Ok(nodes) => return Some(nodes),
            Err(back) => detached = back,
        }
        heir = name_heir(call, last);
    }
}

fn name_heir(call: &Call, last: Found) -> Heir {
    let heir = find_heir(call, last.group_index);
    last.group.heir.set(match heir {
        Heir::Process { group, .. } => group,
        Heir::Nobody => 0,
    });
    heir
}
