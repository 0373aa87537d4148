//! Everything that may come of one statement where Linux promises no order: which thread of a dying process
//! goes first, which of several waits goes on first.

use ptexit_core::uapi::WaitStatus;

use super::runner::Runner;
use super::step::{Outcome, Step};
use crate::language::{Happening, Name, Operation, Reply, SightState, Statement};
use crate::subjects::{OnModel, Subject};

/// One outcome: what came of it, and the model afterwards.
pub(super) type Possible = (Step, Runner<OnModel>);

/// With more threads than this, each ends before the next one begins to.
const INTERLEAVED: usize = 3;
/// No more ways than this of one kind are tried.
const MOST: usize = 720;

/// Every outcome of the statement. The waits of `also` look again in any case: a handler ran in them.
pub(super) fn all_orders(start: &Runner<OnModel>, statement: &Statement, also: &[Name]) -> Vec<Possible> {
    let mut begun: Vec<Possible> = Vec::new();
    let mut plain = start.clone();
    let step = plain.act(statement);
    for victim in killed_with_several(start, &step) {
        let threads = living_threads(start, victim);
        begun.extend(schedules(&threads).iter().map(|schedule| die_by_signal(start, statement, victim, schedule)));
    }
    begun.push((step, plain));
    if let Some((victim, status)) = death(start, statement) {
        let threads = living_threads(start, victim);
        if threads.len() > 1 {
            begun.extend(schedules(&threads).iter().map(|schedule| die(start, statement, status, schedule)));
        }
    }
    begun.into_iter().flat_map(|(step, runner)| in_every_order(step, runner, also)).collect()
}

/// Whose process dies by this, and with which status.
fn death(start: &Runner<OnModel>, statement: &Statement) -> Option<(Name, WaitStatus)> {
    if start.refuse(statement).is_some() {
        return None;
    }
    match statement.operation {
        Operation::ExitGroup(code) => Some((statement.actor, WaitStatus::exited(code))),
        Operation::Kill(victim, signal, core) => Some((victim, WaitStatus::signaled(signal, core))),
        _ => None,
    }
}

fn living_threads(runner: &Runner<OnModel>, of: Name) -> Vec<Name> {
    let leader = |name| runner.subject.observe(name).map(|sight| sight.leader);
    let lives = |name: &Name| {
        runner.subject.observe(*name).is_some_and(|sight| sight.state == SightState::Running)
            && leader(*name) == leader(of)
    };
    runner.names().iter().copied().filter(lives).collect()
}

/// In which order the threads begin to exit and end: each stands there twice.
fn schedules(threads: &[Name]) -> Vec<Vec<Name>> {
    if threads.len() > INTERLEAVED {
        let twice = |order: Vec<Name>| order.into_iter().flat_map(|thread| [thread, thread]).collect();
        return permutations(threads).into_iter().map(twice).collect();
    }
    let mut schedules = vec![Vec::new()];
    for _ in 0..2 * threads.len() {
        schedules = schedules
            .into_iter()
            .flat_map(|schedule: Vec<Name>| {
                let open = |thread: &&Name| schedule.iter().filter(|other| other == thread).count() < 2;
                let longer = |thread: &Name| schedule.iter().copied().chain([*thread]).collect();
                threads.iter().filter(open).map(longer).collect::<Vec<Vec<Name>>>()
            })
            .collect();
    }
    schedules
}

fn permutations(names: &[Name]) -> Vec<Vec<Name>> {
    let mut all = vec![Vec::new()];
    for _ in names {
        let longer = |order: Vec<Name>| {
            let rest = names.iter().filter(|name| !order.contains(name));
            rest.map(|&name| order.iter().copied().chain([name]).collect()).collect::<Vec<Vec<Name>>>()
        };
        all = all.into_iter().flat_map(longer).take(MOST).collect();
    }
    all
}

/// Processes of several threads that this has killed by the way.
fn killed_with_several(start: &Runner<OnModel>, step: &Step) -> Vec<Name> {
    if step.outcomes.iter().any(|(statement, _)| death(start, statement).is_some()) {
        return Vec::new();
    }
    let dead = step.happenings.iter().filter_map(|happening| match happening {
        Happening::Exited(leader, _) => Some(*leader),
        _ => None,
    });
    dead.filter(|&leader| living_threads(start, leader).len() > 1).collect()
}

fn die_by_signal(start: &Runner<OnModel>, statement: &Statement, victim: Name, schedule: &[Name]) -> Possible {
    let mut runner = start.clone();
    runner.subject.leave_exits_to_lines(victim);
    let mut step = runner.act(statement);
    exit_in_turn(&mut runner, schedule);
    step.happenings.extend(runner.subject.happenings());
    (step, runner)
}

fn die(start: &Runner<OnModel>, statement: &Statement, status: WaitStatus, schedule: &[Name]) -> Possible {
    let mut runner = start.clone();
    let mut step = Step::default();
    step.outcomes.push((*statement, Outcome::Reply(Reply::Done)));
    runner.subject.condemn(schedule[0], status);
    exit_in_turn(&mut runner, schedule);
    step.happenings.extend(runner.subject.happenings());
    (step, runner)
}

fn exit_in_turn(runner: &mut Runner<OnModel>, schedule: &[Name]) {
    for (index, &actor) in schedule.iter().enumerate() {
        let is_end = schedule[..index].contains(&actor);
        if !is_end && runner.can_look_again(actor) {
            // SIGKILL wakes a waiting thread like any other signal: its wait looks once more, and may reap a
            // child that a sibling, already on its way out, has left to it.
            runner.go_on(actor, &mut Step::default());
        }
        let operation = if is_end { Operation::ExitFinish } else { Operation::ExitBegin(0) };
        runner.subject.perform(&Statement { actor, operation });
    }
}

/// The woken waits go on in every order; those that they wake in turn, in the order they began.
fn in_every_order(step: Step, mut runner: Runner<OnModel>, also: &[Name]) -> Vec<Possible> {
    let mut woken = runner.woken();
    for &waiter in also {
        if runner.can_look_again(waiter) && !woken.contains(&waiter) {
            woken.push(waiter);
        }
    }
    let go_on = |order: Vec<Name>| {
        let (mut step, mut runner) = (step.clone(), runner.clone());
        for waiter in order {
            if runner.blocked().contains(&waiter) {
                runner.go_on(waiter, &mut step);
            }
        }
        runner.settle(&mut step);
        (step, runner)
    };
    permutations(&woken).into_iter().map(go_on).collect()
}
