//! Ready: a process that has many broods finds those with dead children without walking past the others.

use crate::protocol::Call;

/// Ancestors that make room for a new brood. One that is farther away, but for init, walks its chain once it has
/// inherited such a brood.
const ANCESTORS: usize = 64;

/// A process that will inherit: room is made for the broods that may come to it.
pub fn expect_broods(call: &Call, group: u32) {
    let record = call.group(group);
    if record.ready_broods.start_covering() && record.broods.has_nodes() {
        for brood in 1..=call.broods().carved() {
            record.ready_broods.cover(call.pin.guard(), brood);
        }
    }
}

/// A new brood, which hangs in the chain of `group`: it may come to each process above, and all of them make
/// room for it, so that none has to when it comes.
pub fn make_room(call: &Call, group: u32, brood: u32) {
    let make = |group: u32| {
        let broods = &call.group(group).ready_broods;
        if broods.is_wanted() {
            expect_broods(call, group);
        }
        broods.cover(call.pin.guard(), brood);
    };
    let init = call.tables.init();
    let mut above = group;
    for _ in 0..ANCESTORS {
        if above == 0 {
            return;
        }
        make(above);
        above = call.group(above).exit.look().parent();
    }
    if init != 0 {
        make(init);
    }
}

/// Something has changed about a brood of the process `group`, which keeps its tree.
pub fn update(call: &Call, group: u32, index: u32) {
    let (brood, guard) = (call.brood(index), call.pin.guard());
    call.group(group).ready_broods.update(guard, index, || {
        (brood.is_in_chain_of(group) && brood.children.has_ready(guard)).then(|| brood.seniority.get())
    });
}

/// The same, if the process keeps its tree. Not for the death of a child, which is told behind a fence anyway.
pub fn update_if_kept(call: &Call, group: u32, index: u32) {
    if call.group(group).ready_broods.is_kept_by_now() {
        update(call, group, index);
    }
}

/// The process of a waiter that has walked far gets its tree, if there is room for it.
pub fn keep_tree(call: &Call, group: u32) {
    let record = call.group(group);
    record.ready_broods.want();
    if record.ready_broods.keep() {
        record.broods.walk(call.pin, call.broods()).for_each(|(index, brood)| {
            brood.arrive(group);
            update(call, group, index);
        });
        record.ready_broods.complete();
    }
}
