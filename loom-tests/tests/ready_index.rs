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

use loom_tests::{MODES, Mode, Pinned, Shared, breaks, covered, holds};
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
fn knobs(scenario: &Scenario, two_levels: bool, fault: Option<Fault>) -> impl Fn() + Send + 'static {
    let knobs = Knobs { fault, width_bits: if two_levels { 1 } else { 5 }, first_slots: scenario.first_slots };
    move || set_knobs(knobs)
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
    others: &[
        |world| world.wait(covered()),
        |world| {
            world.exit(covered(), 1);
        },
    ],
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
    others: &[
        |world| {
            world.wait(covered());
        },
        |world| {
            world.list(covered());
            world.wait_for(covered(), 1);
        },
    ],
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

const SCENARIOS: [Scenario; 15] = [
    EXIT_IN_OLD_REAP_IN_NEW,
    TWO_INDEXES_NEW_SEGMENT,
    COPY_BEGINS_WITH_TWO_READY,
    EXIT_COPY_WAIT,
    EXIT_THEN_WAIT_FOR_OTHER,
    LAST_REAPED_BIRTH_IN_NEW_SEGMENT,
    EXIT_AND_PEEK,
    COPIED_TWICE,
    ORDER_IN_MID_COPY,
    EXIT_OF_NEWBORN,
    NEWBORN_EXITS_TWO_WAITERS,
    HELPER_MOVER_EXIT,
    TWO_HELPERS,
    TWO_INDEXES,
    TWO_INDEXES_LAST_REAPED,
];

/// Explores every scenario with every fault, as the environment says: for choosing bounds and canaries.
#[test]
#[ignore = "a survey"]
fn survey() {
    let var = |name: &str, default: &str| std::env::var(name).unwrap_or(default.into());
    let (only, bound, limit) = (var("ONLY", ""), var("BOUND", "2").parse().unwrap(), var("LIMIT", "10").parse().unwrap());
    let (fault, first, mode) = (var("FAULT", ""), var("FIRST", "") != "", var("MODE", ""));
    let clocked = var("CLOCK", "1") == "1";
    let mut faults = vec![None];
    if !fault.is_empty() {
        faults = FAULTS.iter().copied().chain(EDGES.map(Fault::Weak)).map(Some).collect();
        faults.retain(|f| format!("{f:?}").contains(&fault) || fault == "all");
    }
    for fault in faults {
        let mut first_seen = false;
        for mode in MODES.into_iter().filter(|m| format!("{m:?}").contains(&mode)) {
            for scenario in SCENARIOS.iter().filter(|scenario| scenario.name.contains(&only)) {
                for two_levels in [false, true] {
                    if first && first_seen {
                        continue;
                    }
                    let name = format!("{fault:?} {}{}", scenario.name, if two_levels { ", two levels" } else { "" });
                    let limit = std::time::Duration::from_secs(limit);
                    let setup = knobs(scenario, two_levels, fault);
                    match loom_tests::explore(mode, bound, limit, setup, model(*scenario, clocked)) {
                        Ok(done) if fault.is_none() => println!("{name} {mode:?} b{bound}: {done:?}"),
                        Ok(_) => {}
                        Err(why) => {
                            first_seen |= !why.starts_with("not fin");
                            println!("{name} {mode:?} b{bound}: {}", why.split(": [").next().unwrap());
                        }
                    }
                }
            }
        }
        if fault.is_some() && !first_seen {
            println!("{fault:?}: NOTHING FAILED");
        }
    }
}

const FAULTS: [Fault; 17] = [
    Fault::CommitBeforeEnds,
    Fault::ReadyAfterCommit,
    Fault::NoReadyOnMove,
    Fault::ClearBeforeCommit,
    Fault::NoHelp,
    Fault::HelpWithoutReady,
    Fault::NoLocateInOld,
    Fault::NoCurInOrder,
    Fault::NoRootInOrder,
    Fault::EndsBeforeRoots,
    Fault::NoNumberInReady,
    Fault::NoRootInReady,
    Fault::NoOldInReady,
    Fault::NoNumberInMembers,
    Fault::NoEndsInMembers,
    Fault::StopAtSetBit,
    Fault::CleanAnyVersion,
];

const EDGES: [Edge; 15] = [
    Edge::ReadyBitSet,
    Edge::ReadyBitCleared,
    Edge::ReadyBitCleaned,
    Edge::ReadyBitRead,
    Edge::MemberStored,
    Edge::MemberCleared,
    Edge::MemberRead,
    Edge::EndsStored,
    Edge::EndsRead,
    Edge::CurStored,
    Edge::CurRead,
    Edge::OldStored,
    Edge::OldRead,
    Edge::HintRaised,
    Edge::HintRead,
];
