//! What one record hands over: whoever sees a word change sees what was written before it.
#![cfg(loom)]

use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges, needs_in};
use loom_tests::{Mode, Shared};
use ptexit_core::record::exit_word::{ExitSnapshot, ExitState};
use ptexit_core::record::fault::{Edge, Fault};
use ptexit_core::record::process_group::ProcessGroup;
use ptexit_core::record::task::{NewTask, Stage, Task};
use ptexit_core::record::thread_group::ThreadGroup;
use ptexit_core::record::value::Value32;
use ptexit_core::record::waiter::{ChildKind, Criteria, Disarmed, Waiter, Which};
use ptexit_core::uapi::{Rusage, Signal, SignalSet};

/// One thread does `write`, another one `read`; then both are over.
fn pair<T: Send + Sync + 'static>(value: T, write: fn(&T), read: fn(&T)) -> T {
    let shared = Shared::new(value);
    let other = shared.clone();
    let thread = thread::spawn(move || {
        read(&other);
        other.release();
    });
    write(&shared);
    thread.join().unwrap();
    shared.into_inner()
}

const P: u32 = 2;
const S: u32 = 3;

fn alive() -> ThreadGroup {
    let group = ThreadGroup::default();
    group.exit.begin(ExitSnapshot::alive(P, 1, Some(Signal::SIGCHLD)));
    group
}

fn who_sees_the_zombie_sees_its_usage() {
    pair(
        alive(),
        |group| {
            group.usage.add(&Rusage { utime_ns: 5, ..Rusage::default() });
            group.exit.apply(|word| word.die(false, false)).unwrap();
        },
        |group| {
            if group.exit.look().state() == ExitState::Zombie {
                assert_eq!(group.usage.get().utime_ns, 5);
            }
        },
    );
}

fn who_reaps_sees_the_usage() {
    pair(
        alive(),
        |group| {
            group.usage.add(&Rusage { utime_ns: 5, ..Rusage::default() });
            group.exit.apply(|word| word.die(false, false)).unwrap();
        },
        |group| {
            if group.exit.apply(|word| word.reap(P)).is_ok() {
                assert_eq!(group.usage.get().utime_ns, 5);
            }
        },
    );
}

fn who_sees_the_new_parent_sees_what_it_prepared() {
    pair(
        alive(),
        |group| {
            group.process_group.set(7);
            group.exit.apply(|word| word.reparent(S, false, false)).unwrap();
        },
        |group| {
            if group.exit.look().parent() == S {
                assert_eq!(group.process_group.get(), 7);
            }
        },
    );
}

const ANY: Criteria = Criteria { which: Which::Any, kind: ChildKind::Every, own_only: false, changes: false };

fn a_fired_wait_is_told_by_its_own_cookie() {
    let waiter = Waiter::default();
    waiter.arm(ANY, 1);
    let fired = Value32::new();
    let (waiter, fired) = pair(
        (waiter, fired),
        |(waiter, _)| {
            waiter.disarm();
            waiter.arm(ANY, 2);
        },
        |(waiter, fired)| {
            if let Some(cookie) = waiter.fire(|_| true) {
                fired.set(cookie as u32);
            }
        },
    );
    match waiter.disarm() {
        Disarmed::Fired => assert_eq!(fired.get(), 2, "the second wait fired, the first one was told"),
        _ => assert_ne!(fired.get(), 2, "told, and not fired"),
    }
}

fn new_task() -> Task {
    let task = Task::new();
    task.begin(NewTask { group: 1, tid: 4, ordinal: 0, place: 0, creator: 0, cookie: 0, mask: SignalSet::EMPTY });
    task
}

fn who_sees_the_stage_sees_the_task() {
    pair(
        Task::new(),
        |task| {
            task.begin(NewTask {
                group: 1,
                tid: 4,
                ordinal: 0,
                place: 0,
                creator: 0,
                cookie: 0,
                mask: SignalSet::EMPTY,
            });
            task.advance(Stage::Embryo, Stage::Running);
        },
        |task| match task.stage() {
            Stage::Embryo | Stage::Running => assert_eq!(task.tid.get(), 4),
            _ => {}
        },
    );
}

fn who_sees_a_later_stage_sees_what_led_to_it() {
    pair(
        new_task(),
        |task| {
            task.status.set(9);
            task.advance(Stage::Embryo, Stage::Running);
        },
        |task| {
            if task.stage() == Stage::Running {
                assert_eq!(task.status.get(), 9);
            }
        },
    );
}

fn who_sees_a_stage_that_nobody_contends_for_sees_what_led_to_it() {
    pair(
        new_task(),
        |task| {
            task.status.set(9);
            task.go_on(Stage::Running);
        },
        |task| {
            if task.stage() == Stage::Running {
                assert_eq!(task.status.get(), 9);
            }
        },
    );
}

fn count_in_turn(task: &Task) {
    if let Some(_turn) = task.take_turn() {
        task.brood.set(task.brood.get() + 1);
        task.inheritances.add(1);
    }
}

fn turns_follow_each_other() {
    let task = pair(new_task(), count_in_turn, count_in_turn);
    assert_eq!(task.brood.get(), task.inheritances.get(), "two turns at once");
}

fn nobody_joins_a_group_that_ended() {
    let group = ProcessGroup::new();
    group.begin(5, 5, 0);
    let (_, ended, joined) = pair(
        (group, Value32::new(), Value32::new()),
        |(group, ended, _)| {
            group.leave(0);
            ended.set(group.close_if_empty() as u32);
        },
        |(group, _, joined)| joined.set(group.join(1) as u32),
    );
    assert!(ended.get() == 0 || joined.get() == 0, "a member of a group that has ended");
}

const MODELS: &[(&str, usize, fn())] = &[
    ("who_sees_the_zombie_sees_its_usage", 3, who_sees_the_zombie_sees_its_usage),
    ("who_reaps_sees_the_usage", 3, who_reaps_sees_the_usage),
    ("who_sees_the_new_parent_sees_what_it_prepared", 3, who_sees_the_new_parent_sees_what_it_prepared),
    ("a_fired_wait_is_told_by_its_own_cookie", 3, a_fired_wait_is_told_by_its_own_cookie),
    ("who_sees_the_stage_sees_the_task", 3, who_sees_the_stage_sees_the_task),
    ("who_sees_a_later_stage_sees_what_led_to_it", 3, who_sees_a_later_stage_sees_what_led_to_it),
    ("turns_follow_each_other", 3, turns_follow_each_other),
    ("nobody_joins_a_group_that_ended", 3, nobody_joins_a_group_that_ended),
    (
        "who_sees_a_stage_that_nobody_contends_for_sees_what_led_to_it",
        3,
        who_sees_a_stage_that_nobody_contends_for_sees_what_led_to_it,
    ),
];

/// Edges `zombie-publish`, `reparent-commit`, `waiter-armed`, `waiter-fired`, `task-stage`, `own-call` and
/// `group-empty`.
#[test]
fn hand_over() {
    for &(name, bound, model) in MODELS {
        holds_always(name, [bound; 3], model);
    }
}

/// Each end of an edge, relaxed, makes the model named with it fail.
#[test]
fn weak_edges_fail() {
    for (edge, model) in [
        (Edge::ExitRead, 0),
        (Edge::ExitChanged, 0),
        (Edge::ExitChanged, 1),
        (Edge::ExitRead, 2),
        (Edge::ExitChanged, 2),
        (Edge::WaitArmed, 3),
        (Edge::WaitRead, 3),
        (Edge::StageBegun, 4),
        (Edge::StageRead, 4),
        (Edge::StageAdvanced, 5),
        (Edge::StageGoneOn, 8),
        (Edge::StageRead, 8),
        (Edge::TurnTaken, 6),
        (Edge::TurnReturned, 6),
    ] {
        let (name, bound, model) = MODELS[model];
        needs_edges(&[edge], name, bound, model);
    }
}

/// Each end of `group-empty` needs its fence, which is not missed where every load reads the last value.
#[test]
fn canaries() {
    let (name, bound, model) = MODELS[6];
    needs(Fault::OneTurn, name, [bound; 3], model);
    let (name, bound, model) = MODELS[7];
    for fence in [Fault::FenceAfterJoining, Fault::FenceBeforeCounting] {
        needs_in(&[Mode::Plain, Mode::CasRmw], fence, name, [bound; 3], model);
    }
}

#[test]
#[ignore = "prints what fails when an edge is relaxed"]
fn survey() {
    let edges = [
        Edge::ExitRead,
        Edge::ExitChanged,
        Edge::WaitArmed,
        Edge::WaitRead,
        Edge::WaitFired,
        Edge::WaitDisarmed,
        Edge::StageBegun,
        Edge::StageAdvanced,
        Edge::StageRead,
        Edge::TurnTaken,
        Edge::TurnReturned,
        Edge::LifeChanged,
        Edge::LifeRead,
    ];
    loom_tests::fault::survey(&edges, MODELS);
}
