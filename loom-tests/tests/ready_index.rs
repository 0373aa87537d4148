//! The birth-ordered index under loom: moves, helpers, exits and waits beside each other.
//!
//! Each model records a history of operations, and every history must be explained by some order of them
//! in which a wait returns a ready member, or 0 when there are members and none is ready, or ECHILD when
//! there are none. In addition, no wait may pass over an older member that was ready before the wait began.
#![cfg(loom)]

mod ready_index {
    pub mod history;
    pub mod world;
}

use loom_tests::{MODES, Mode, Pinned, Shared, breaks, covered, holds, races};
use ptexit_core::fault::{Switch, switch_off};
use ptexit_core::lockfree::ready_index::{Edge, Fault, Knobs, set_knobs};
use ready_index::world::World;

/// A model: how it starts, what the main thread does (it is the appender) and what the others do.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    /// Slots of the first segment.
    first_slots: u32,
    /// Members of each index: their numbers say in which order they are born.
    homes: &'static [u32],
    setup: fn(&World, &Pinned),
    appender: fn(&World, &Pinned),
    others: &'static [fn(&World)],
}

/// `two_levels`: two bits to a node instead of 32.
fn knobs(scenario: &Scenario, two_levels: bool) {
    set_knobs(Knobs { width_bits: if two_levels { 1 } else { 5 }, first_slots: scenario.first_slots });
}

/// The same, with something missing.
fn without(missing: impl Switch, scenario: Scenario, two_levels: bool) -> impl Fn() + Send + 'static {
    move || {
        knobs(&scenario, two_levels);
        switch_off(missing);
    }
}

fn model(scenario: Scenario, clocked: bool) -> impl Fn() + Send + Sync + 'static {
    move || {
        let pinned = Pinned::new();
        let world = Shared::new(World::new(scenario.homes, clocked));
        (scenario.setup)(&world, &pinned);
        let threads: Vec<_> = (scenario.others.iter().enumerate())
            .map(|(i, body)| {
                let world = world.clone();
                loom::thread::spawn(move || {
                    world.enter(i + 1);
                    body(&world);
                    world.release();
                })
            })
            .collect();
        world.enter(0);
        (scenario.appender)(&world, &pinned);
        for thread in threads {
            thread.join().unwrap();
        }
        world.finish(pinned.guard());
        world.check();
        world.release();
        pinned.release();
    }
}

const COPY_BEGINS_WITH_TWO_READY: Scenario = Scenario {
    name: "copy_begins_with_two_ready",
    first_slots: 2,
    homes: &[0, 0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2]);
        world.exit(covered(), 1);
        world.exit(covered(), 2);
    },
    appender: |world, pinned| world.births(pinned, &[3]),
    others: &[|world| {
        world.wait(covered());
        world.wait(covered());
    }],
};

const COPY_BEGINS_ONE_WAIT: Scenario =
    Scenario { name: "copy_begins_one_wait", others: &[|world| world.wait(covered())], ..COPY_BEGINS_WITH_TWO_READY };

const EXIT_COPY_WAIT: Scenario = Scenario {
    name: "exit_copy_wait",
    first_slots: 2,
    homes: &[0, 0, 0],
    setup: |world, pinned| world.births(pinned, &[1, 2]),
    appender: |world, pinned| world.births(pinned, &[3]),
    others: &[|world| world.exit(covered(), 1), |world| world.wait(covered())],
};

const EXIT_THEN_WAIT_FOR_OTHER: Scenario = Scenario {
    name: "exit_then_wait_for_other",
    first_slots: 2,
    homes: &[0, 0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2]);
        world.exit(covered(), 1);
    },
    appender: |world, pinned| world.births(pinned, &[3]),
    others: &[
        |world| {
            world.exit(covered(), 2);
            world.wait_for(covered(), 1);
        },
        |world| world.wait(covered()),
    ],
};

const LAST_REAPED_BIRTH_IN_NEW_SEGMENT: Scenario = Scenario {
    name: "last_reaped_birth_in_new_segment",
    first_slots: 1,
    homes: &[0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1]);
        world.exit(covered(), 1);
    },
    appender: |world, pinned| {
        world.births(pinned, &[2]);
        world.wait_for(pinned.guard(), 1);
    },
    others: &[|world| world.wait(covered())],
};

const EXIT_AND_PEEK: Scenario = Scenario {
    name: "exit_and_peek",
    first_slots: 2,
    homes: &[0, 0, 0],
    setup: |world, pinned| world.births(pinned, &[1, 2]),
    appender: |world, pinned| world.births(pinned, &[3]),
    others: &[
        |world| world.exit(covered(), 1),
        |world| {
            world.peek_for(covered(), 1);
            world.wait(covered());
        },
    ],
};

const COPIED_TWICE: Scenario = Scenario {
    name: "copied_twice",
    first_slots: 1,
    homes: &[0, 0, 0, 0],
    setup: |world, pinned| world.births(pinned, &[1]),
    appender: |world, pinned| world.births(pinned, &[2, 3, 4]),
    others: &[|world| world.exit(covered(), 1), |world| world.wait(covered())],
};

const ORDER_IN_MID_COPY: Scenario = Scenario {
    name: "order_in_mid_copy",
    first_slots: 3,
    homes: &[0, 0, 0, 0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2, 3, 4]);
        world.exit(covered(), 3);
        world.exit(covered(), 4);
    },
    appender: |world, pinned| world.births(pinned, &[5]),
    others: &[|world| world.wait(covered()), |world| world.exit(covered(), 1)],
};

const EXIT_OF_NEWBORN: Scenario = Scenario {
    name: "exit_of_newborn",
    first_slots: 2,
    homes: &[0, 0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2]);
        world.exit(covered(), 2);
    },
    appender: |world, pinned| {
        world.births(pinned, &[3]);
        world.exit(pinned.guard(), 3);
        world.wait_for(pinned.guard(), 2);
    },
    others: &[|world| world.wait(covered())],
};

const NEWBORN_EXITS_TWO_WAITERS: Scenario = Scenario {
    name: "newborn_exits_two_waiters",
    first_slots: 1,
    homes: &[0, 0],
    setup: |world, pinned| world.births(pinned, &[1]),
    appender: |world, pinned| {
        world.births(pinned, &[2]);
        world.exit(pinned.guard(), 2);
    },
    others: &[|world| world.wait(covered()), |world| world.wait(covered())],
};

const HELPER_MOVER_EXIT: Scenario = Scenario {
    name: "helper_mover_exit",
    first_slots: 1,
    homes: &[0, 0],
    setup: |world, pinned| world.births(pinned, &[1]),
    appender: |world, pinned| world.births(pinned, &[2]),
    others: &[
        |world| world.exit(covered(), 1),
        |world| {
            world.list(covered());
            world.wait(covered());
        },
    ],
};

const TWO_HELPERS: Scenario = Scenario {
    name: "two_helpers",
    first_slots: 1,
    homes: &[0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1]);
        world.exit(covered(), 1);
    },
    appender: |world, pinned| world.births(pinned, &[2]),
    others: &[|world| world.wait(covered()), |world| world.list(covered())],
};

const TWO_INDEXES: Scenario = Scenario {
    name: "two_indexes",
    first_slots: 1,
    homes: &[0, 1],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2]);
        world.exit(covered(), 2);
    },
    appender: |world, pinned| {
        world.exit(pinned.guard(), 1);
        world.wait_for(pinned.guard(), 2);
    },
    others: &[|world| world.wait(covered())],
};

const TWO_INDEXES_LAST_REAPED: Scenario = Scenario {
    name: "two_indexes_last_reaped",
    first_slots: 1,
    homes: &[0, 1, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2]);
        world.exit(covered(), 1);
        world.exit(covered(), 2);
        world.wait_for(covered(), 1);
    },
    appender: |world, pinned| {
        world.births(pinned, &[3]);
        world.wait_for(pinned.guard(), 2);
    },
    others: &[|world| world.wait(covered())],
};

const EXIT_IN_OLD_REAP_IN_NEW: Scenario = Scenario {
    name: "exit_in_old_reap_in_new",
    first_slots: 3,
    homes: &[0, 0, 0, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2, 3, 4]);
        world.exit(covered(), 4);
    },
    appender: |world, pinned| {
        world.exit(pinned.guard(), 3);
        world.wait_for(pinned.guard(), 4);
    },
    others: &[|world| world.wait(covered())],
};

const TWO_INDEXES_NEW_SEGMENT: Scenario = Scenario {
    name: "two_indexes_new_segment",
    first_slots: 1,
    homes: &[0, 1, 1, 0],
    setup: |world, pinned| {
        world.births(pinned, &[1, 2, 3]);
        world.exit(covered(), 1);
        world.wait_for(covered(), 1);
        world.exit(covered(), 2);
    },
    appender: |world, pinned| {
        world.births(pinned, &[4]);
        world.exit(pinned.guard(), 4);
        world.wait_for(pinned.guard(), 2);
    },
    others: &[|world| world.wait(covered())],
};

/// Runs a scenario in the three modes, up to so many preemptions in each ([`MODES`]), with trees of one level
/// and of two.
fn all_modes(scenario: Scenario, preemptions: [usize; 3]) {
    for (mode, preemptions) in MODES.into_iter().zip(preemptions) {
        for two_levels in [false, true] {
            let name = format!("{}{}", scenario.name, if two_levels { ", two levels" } else { "" });
            holds(&name, mode, preemptions, move || knobs(&scenario, two_levels), model(scenario, true));
        }
    }
}

macro_rules! hold {
    ($($name:ident: $scenario:ident, $preemptions:expr;)*) => {$(
        #[test]
        fn $name() {
            all_modes($scenario, $preemptions);
        }
    )*};
}

hold! {
    copy_begins_with_two_ready: COPY_BEGINS_WITH_TWO_READY, [1, 2, 1];
    copy_begins_one_wait: COPY_BEGINS_ONE_WAIT, [1, 2, 1];
    exit_copy_wait: EXIT_COPY_WAIT, [1, 2, 1];
    exit_then_wait_for_other: EXIT_THEN_WAIT_FOR_OTHER, [1, 2, 1];
    last_reaped_birth_in_new_segment: LAST_REAPED_BIRTH_IN_NEW_SEGMENT, [1, 2, 1];
    exit_and_peek: EXIT_AND_PEEK, [1, 2, 1];
    copied_twice: COPIED_TWICE, [1, 2, 1];
    order_in_mid_copy: ORDER_IN_MID_COPY, [1, 2, 1];
    exit_of_newborn: EXIT_OF_NEWBORN, [1, 2, 1];
    newborn_exits_two_waiters: NEWBORN_EXITS_TWO_WAITERS, [1, 2, 1];
    helper_mover_exit: HELPER_MOVER_EXIT, [1, 2, 1];
    two_helpers: TWO_HELPERS, [1, 2, 1];
    exit_in_old_reap_in_new: EXIT_IN_OLD_REAP_IN_NEW, [2, 3, 2];
    two_indexes: TWO_INDEXES, [2, 3, 2];
    two_indexes_last_reaped: TWO_INDEXES_LAST_REAPED, [2, 3, 2];
    two_indexes_new_segment: TWO_INDEXES_NEW_SEGMENT, [2, 3, 2];
}

/// Each step that the protocol takes is needed: left out, some history has no explanation. Preemptions by mode, 0
/// for one in which no failure was found within seconds.
#[test]
fn every_step_is_needed() {
    for (fault, scenario, two_levels, preemptions) in [
        (Fault::NoReadyOnMove, COPY_BEGINS_ONE_WAIT, false, [1, 1, 1]),
        (Fault::CommitBeforeEnds, COPY_BEGINS_WITH_TWO_READY, false, [1, 2, 1]),
        (Fault::ReadyAfterCommit, COPY_BEGINS_WITH_TWO_READY, false, [0, 2, 0]),
        (Fault::ReadyAfterCommit, EXIT_OF_NEWBORN, false, [1, 0, 1]),
        (Fault::ClearBeforeCommit, COPY_BEGINS_WITH_TWO_READY, false, [0, 2, 0]),
        (Fault::ClearBeforeCommit, EXIT_OF_NEWBORN, false, [1, 0, 1]),
        (Fault::NoHelp, COPY_BEGINS_WITH_TWO_READY, false, [1, 2, 1]),
        (Fault::NoLocateInOld, EXIT_COPY_WAIT, false, [0, 2, 0]),
        (Fault::NoLocateInOld, ORDER_IN_MID_COPY, true, [1, 0, 1]),
        (Fault::NoCurInOrder, COPY_BEGINS_WITH_TWO_READY, false, [0, 3, 0]),
        (Fault::NoCurInOrder, COPY_BEGINS_ONE_WAIT, true, [1, 0, 1]),
        (Fault::NoRootInOrder, ORDER_IN_MID_COPY, false, [1, 2, 1]),
        (Fault::EndsBeforeRoots, COPY_BEGINS_WITH_TWO_READY, false, [1, 2, 1]),
        (Fault::NoNumberInReady, TWO_INDEXES_NEW_SEGMENT, false, [2, 2, 2]),
        (Fault::NoRootInReady, TWO_INDEXES, false, [2, 2, 2]),
        (Fault::NoOldInReady, EXIT_IN_OLD_REAP_IN_NEW, false, [2, 2, 2]),
        (Fault::NoNumberInMembers, TWO_INDEXES_LAST_REAPED, false, [2, 2, 2]),
        (Fault::NoEndsInMembers, EXIT_COPY_WAIT, false, [1, 2, 1]),
        (Fault::StopAtSetBit, COPY_BEGINS_WITH_TWO_READY, true, [1, 2, 1]),
        (Fault::CleanAnyVersion, COPY_BEGINS_WITH_TWO_READY, true, [0, 2, 0]),
    ] {
        let name = format!("{fault:?}: {}", scenario.name);
        for (mode, preemptions) in MODES.into_iter().zip(preemptions).filter(|(_, preemptions)| *preemptions > 0) {
            breaks(&name, mode, preemptions, without(fault, scenario, two_levels), model(scenario, true));
        }
    }
}

/// Each of these orderings is needed: Relaxed, some history has no explanation. Without the clock, which
/// would synchronise the threads.
#[test]
fn weak_edges_fail() {
    for (edge, scenario) in [
        (Edge::ReadyBitSet, COPY_BEGINS_ONE_WAIT),
        (Edge::ReadyBitCleared, COPY_BEGINS_ONE_WAIT),
        (Edge::ReadyBitRead, COPY_BEGINS_ONE_WAIT),
        (Edge::MemberCleared, LAST_REAPED_BIRTH_IN_NEW_SEGMENT),
        (Edge::MemberRead, LAST_REAPED_BIRTH_IN_NEW_SEGMENT),
        (Edge::OldStored, LAST_REAPED_BIRTH_IN_NEW_SEGMENT),
        (Edge::OldRead, LAST_REAPED_BIRTH_IN_NEW_SEGMENT),
    ] {
        let name = format!("{edge:?}: {}", scenario.name);
        breaks(&name, Mode::Plain, 2, without(edge, scenario, false), model(scenario, false));
    }
    // A segment that is used before it is there.
    for edge in [Edge::CurStored, Edge::CurRead] {
        let scenario = COPY_BEGINS_ONE_WAIT;
        let name = format!("{edge:?}: {}", scenario.name);
        races(&name, Mode::Plain, 2, without(edge, scenario, false), model(scenario, false));
    }
}

/// The models of [`weak_edges_fail`] hold as they are.
#[test]
fn strong_edges_hold() {
    let scenario = LAST_REAPED_BIRTH_IN_NEW_SEGMENT;
    holds("last_reaped, no clock", Mode::Plain, 1, move || knobs(&scenario, false), model(scenario, false));
    let scenario = COPY_BEGINS_ONE_WAIT;
    holds("copy_begins_one_wait, no clock", Mode::Plain, 1, move || knobs(&scenario, false), model(scenario, false));
}
