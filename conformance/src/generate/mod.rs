//! Random scenarios that make sense.
//!
//! A [`Choice`] is a handful of numbers without meaning; [`statement`] reads it as something that a task
//! can do in the state that the run has reached. Any list of choices is a scenario, and so is any part of
//! it, which is what makes shrinking work.

mod full;

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use ptexit_core::uapi::{Signal, WaitOptions};

use crate::language::{ChildSpec, Halt, IdSpec, Name, Operation, Profile, Sigchld, Sight, SightState, Statement};
use crate::run::Runner;
use crate::subjects::{OnModel, Subject};

/// Above this many tasks, nobody forks any more, in scenarios of up to a hundred lines.
pub const SMALL: usize = 16;
/// The same in long scenarios, where a parent has more children than one page of an index holds.
pub const LARGE: usize = 150;

/// One step of a random scenario, still without meaning.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    verb: u8,
    actor: u16,
    first: u16,
    second: u16,
}

/// Lists of up to `longest` choices.
pub fn choices(longest: usize) -> impl Strategy<Value = Vec<Choice>> {
    vec(choice(any::<u8>()), 1..longest)
}

/// Long lists in which many are born before many die.
pub fn crowded_choices(longest: usize) -> impl Strategy<Value = Vec<Choice>> {
    // Births and waits of few processes first: a choice of verb that is mostly "fork".
    let births = vec(choice(prop_oneof![8 => 0..=39_u8, 1 => any::<u8>()]), longest / 2..longest);
    let rest = vec(choice(any::<u8>()), longest / 2..longest);
    (births, rest).prop_map(|(births, rest)| {
        let early = births.into_iter().map(|choice| Choice { actor: choice.actor % 3, ..choice });
        early.chain(rest).collect()
    })
}

fn choice(verb: impl Strategy<Value = u8>) -> impl Strategy<Value = Choice> {
    let numbers = (verb, any::<u16>(), any::<u16>(), any::<u16>());
    numbers.prop_map(|(verb, actor, first, second)| Choice { verb, actor, first, second })
}

/// The tasks of a run that can do something, and those that a call may be about.
struct Scene {
    crowd: usize,
    actors: Vec<(Name, Sight)>,
    there: usize,
    names: Vec<Name>,
    blocked: Vec<Name>,
    /// Those who are there, and the leaders of their processes.
    leaders: HashMap<Name, Name>,
    /// Tracees, their tracers, and how they are held up.
    tracees: Vec<(Name, Name, Halt)>,
}

impl Scene {
    fn of(runner: &Runner<OnModel>, crowd: usize) -> Scene {
        let seen: Vec<(Name, Sight)> =
            runner.names().iter().filter_map(|&name| Some((name, runner.subject.observe(name)?))).collect();
        let blocked = runner.blocked().to_vec();
        let there = seen.len();
        let leaders = seen.iter().map(|(name, sight)| (*name, sight.leader)).collect();
        let can_act = |(name, sight): &(Name, Sight)| {
            sight.state != SightState::Zombie && sight.job.halt == Halt::None && !blocked.contains(name)
        };
        let tracees =
            seen.iter().filter_map(|(name, sight)| Some((*name, sight.job.tracer?, sight.job.halt))).collect();
        let actors = seen.into_iter().filter(can_act).collect();
        Scene { crowd, actors, there, names: runner.names().to_vec(), blocked, leaders, tracees }
    }

    /// A name: one that the actor has to do with, or now and then any that was ever given.
    fn someone(&self, sight: &Sight, number: u16) -> Name {
        let number = usize::from(number);
        if !number.is_multiple_of(4) && !sight.children.is_empty() {
            return sight.children[number / 4 % sight.children.len()];
        }
        // The younger half rather than the older.
        let from = if number.is_multiple_of(8) { 0 } else { self.names.len() / 2 };
        self.names[from + number / 8 % (self.names.len() - from)]
    }
}

/// What the choice means in this state, of what the core can do; `None` if nobody can do anything. With
/// `crowd` tasks, nobody forks.
pub fn statement(choice: Choice, runner: &Runner<OnModel>, crowd: usize) -> Option<Statement> {
    statement_of(Profile::Core, choice, runner, crowd)
}

/// The same, of what an implementation of this profile can do.
pub fn statement_of(profile: Profile, choice: Choice, runner: &Runner<OnModel>, crowd: usize) -> Option<Statement> {
    let scene = Scene::of(runner, crowd);
    let (actor, sight) = scene.actors.get(usize::from(choice.actor) % scene.actors.len().max(1))?;
    let operation = match (sight.state, sight.status) {
        (SightState::Exiting, _) => Operation::ExitFinish,
        (_, Some(_)) => last_deed(choice, &scene),
        _ if profile == Profile::Full && choice.actor & 0x100 != 0 => full::deed(choice, &scene, *actor, sight),
        _ => deed(choice, &scene, *actor, sight),
    };
    Some(Statement { actor: *actor, operation })
}

fn new_name(scene: &Scene) -> Name {
    // Init is the first name and not one of the sequence.
    Name::nth(scene.names.len() - 1)
}

/// A task that was told to exit does so, unless it is in the middle of a clone.
fn last_deed(choice: Choice, scene: &Scene) -> Operation {
    let code = i32::from(choice.first % 8);
    match choice.verb % 8 {
        0 => Operation::Fork(new_name(scene), Some(Signal::SIGCHLD)),
        1 => Operation::Thread(new_name(scene)),
        2 => Operation::ExitGroup(code),
        3 | 4 => Operation::Exit(code),
        _ => Operation::ExitBegin(code),
    }
}

fn deed(choice: Choice, scene: &Scene, actor: Name, sight: &Sight) -> Operation {
    let Choice { first, second, .. } = choice;
    let crowded = scene.there >= scene.crowd;
    let code = i32::from(first % 8);
    // The core does not know how to end a namespace as Linux does.
    let may_die = actor != Name::INIT;
    let process_may_die = sight.leader != Name::INIT;
    match choice.verb {
        0..=39 if !crowded => Operation::Fork(new_name(scene), exit_signal(first)),
        40..=47 if !crowded => Operation::Sibling(new_name(scene)),
        48..=79 if !crowded => Operation::Thread(new_name(scene)),
        80..=105 if may_die => Operation::Exit(code),
        106..=117 if may_die => Operation::ExitBegin(code),
        118..=125 if process_may_die => Operation::ExitGroup(code),
        126..=129 if process_may_die => Operation::ExitGroupBegin(code),
        130..=137 => kill(scene, sight, first, second),
        138..=145 if sight.threads == 1 => Operation::Exec,
        146..=151 => Operation::Sigchld(Sigchld {
            ignore: first.is_multiple_of(3),
            no_cld_wait: first % 4 == 1,
            no_cld_stop: first % 16 == 5,
        }),
        152..=161 => Operation::Subreaper(!first.is_multiple_of(4)),
        162..=169 => Operation::Pdeathsig((!first.is_multiple_of(4)).then_some(Signal::SIGWINCH)),
        170..=179 => setpgid(scene, sight, first, second),
        180..=183 => Operation::Setsid,
        184..=186 => Operation::Uid(u32::from(first % 3)),
        187..=191 => Operation::Burn(u32::from(first % 50), u32::from(second % 500)),
        192..=197 if !scene.blocked.is_empty() => {
            Operation::Interrupt(scene.blocked[usize::from(first) % scene.blocked.len()])
        }
        // To wait without children is soon said.
        198.. if sight.children.is_empty() && !second.is_multiple_of(8) && !crowded => {
            Operation::Fork(new_name(scene), exit_signal(first))
        }
        198..=218 => Operation::Waitid(id_spec(scene, sight, first), options(second, true)),
        _ => Operation::Wait4(child_spec(scene, sight, first), options(second, false)),
    }
}

fn exit_signal(number: u16) -> Option<Signal> {
    match number % 8 {
        0 => None,
        1 => Some(Signal::SIGURG),
        _ => Some(Signal::SIGCHLD),
    }
}

fn kill(scene: &Scene, sight: &Sight, first: u16, second: u16) -> Operation {
    let victim = scene.someone(sight, first);
    let is_inits = scene.leaders.get(&victim).is_none_or(|&leader| leader == Name::INIT);
    if is_inits {
        return Operation::Setsid;
    }
    let signal = if second.is_multiple_of(2) { Signal::SIGKILL } else { Signal::SIGSEGV };
    Operation::Kill(victim, signal, second % 4 == 1)
}

fn setpgid(scene: &Scene, sight: &Sight, first: u16, second: u16) -> Operation {
    let process = (!first.is_multiple_of(3)).then(|| scene.someone(sight, first / 3));
    let group = (!second.is_multiple_of(3)).then(|| scene.someone(sight, second / 3));
    Operation::Setpgid(process, group)
}

fn child_spec(scene: &Scene, sight: &Sight, number: u16) -> ChildSpec {
    let someone = scene.someone(sight, number / 16);
    match number % 16 {
        0..=7 => ChildSpec::Any,
        8..=11 => ChildSpec::Child(someone),
        12 | 13 => ChildSpec::Group(someone),
        14 => ChildSpec::Raw(0),
        // Numbers other than init's differ from one implementation to the other: these are nobody's.
        _ => ChildSpec::Raw([i32::MIN, 1, -3_999_999, 4_000_000][usize::from(number / 16 % 4)]),
    }
}

fn id_spec(scene: &Scene, sight: &Sight, number: u16) -> IdSpec {
    let someone = scene.someone(sight, number / 16);
    match number % 16 {
        0..=5 => IdSpec::All,
        6..=8 => IdSpec::Pid(someone),
        9 | 10 => IdSpec::Pgid(someone),
        11 => IdSpec::RawPgid(i32::from(number / 16 % 3) - 1),
        12 => IdSpec::RawPid(i32::from(number / 16 % 3) - 1),
        _ => IdSpec::Pidfd(someone),
    }
}

fn options(number: u16, waitid: bool) -> u32 {
    use WaitOptions as O;
    let mut options = O::empty();
    options.set(O::WNOHANG, number & 1 != 0);
    options.set(O::WALL, number & 6 == 2);
    options.set(O::WCLONE, number & 0x18 == 0x18);
    options.set(O::WNOTHREAD, number & 0x60 == 0x60);
    options.set(O::WEXITED, waitid && number & 0x380 != 0);
    options.set(O::WSTOPPED, number & 0x1c00 == 0x1c00);
    options.set(O::WNOWAIT, waitid && number & 0x6000 == 0x6000);
    let wrong = if number & 0x9fe0 == 0x80 { 0x10 } else { 0 };
    options.bits() | wrong
}
