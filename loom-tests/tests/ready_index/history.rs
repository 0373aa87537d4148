//! What happened, and whether there is an order that explains it.

/// What a wait answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Member(u32),
    Zero,
    NoChild,
}

/// A completed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Birth(u32),
    Exit(u32),
    Wait(Answer),
    WaitFor(u32, Answer),
    PeekFor(u32, Answer),
}

/// An operation and when it was.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub op: Op,
    /// Before, in or after the concurrent part.
    pub phase: usize,
    pub thread: usize,
    /// Start and end, if there was a clock.
    pub clock: Option<(usize, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unborn,
    Alive,
    Ready,
    Reaped,
}

/// Whether `history[a]` ended before `history[b]` began. Events of one thread are in order.
fn precedes(history: &[Event], a: usize, b: usize) -> bool {
    let (first, then) = (&history[a], &history[b]);
    match (first.clock, then.clock) {
        (Some((_, end)), Some((start, _))) => end < start,
        _ => first.phase < then.phase || (first.phase == then.phase && first.thread == then.thread && a < b),
    }
}

/// What the wait or peek took away for good.
fn reaped(op: Op) -> Option<u32> {
    match op {
        Op::Wait(Answer::Member(member)) | Op::WaitFor(_, Answer::Member(member)) => Some(member),
        _ => None,
    }
}

fn step(states: &mut [State], op: Op) -> bool {
    let of = |member: u32| member as usize - 1;
    let living = |state: &State| matches!(state, State::Alive | State::Ready);
    let mut change = |member: u32, from: State, to: State| {
        let holds = states[of(member)] == from;
        states[of(member)] = to;
        holds
    };
    match op {
        Op::Birth(member) => change(member, State::Unborn, State::Alive),
        Op::Exit(member) => change(member, State::Alive, State::Ready),
        Op::Wait(Answer::Member(member)) | Op::WaitFor(_, Answer::Member(member)) => {
            change(member, State::Ready, State::Reaped)
        }
        Op::Wait(Answer::Zero) => states.iter().any(living) && !states.contains(&State::Ready),
        Op::Wait(Answer::NoChild) => !states.iter().any(living),
        Op::PeekFor(member, Answer::Member(_)) => states[of(member)] == State::Ready,
        Op::WaitFor(member, Answer::Zero) | Op::PeekFor(member, Answer::Zero) => states[of(member)] == State::Alive,
        Op::WaitFor(member, Answer::NoChild) | Op::PeekFor(member, Answer::NoChild) => !living(&states[of(member)]),
    }
}

fn search(history: &[Event], done: u32, states: &[State]) -> bool {
    (0..history.len()).all(|i| done & 1 << i != 0)
        || (0..history.len()).any(|next| {
            let first = |i: usize| done & 1 << i == 0 && i != next && precedes(history, i, next);
            if done & 1 << next != 0 || (0..history.len()).any(first) {
                return false;
            }
            let mut states = states.to_vec();
            step(&mut states, history[next].op) && search(history, done | 1 << next, &states)
        })
}

/// Fails if no order explains the history, or if a wait passed over an older member.
pub fn explain(history: &[Event], homes: &[u32]) -> Result<(), &'static str> {
    if !search(history, 0, &vec![State::Unborn; homes.len()]) {
        return Err("no order explains this");
    }
    let age = |member: u32| (homes[member as usize - 1], member);
    for (wait, event) in history.iter().enumerate() {
        let Op::Wait(Answer::Member(taken)) = event.op else { continue };
        for (exit, before) in history.iter().enumerate() {
            let Op::Exit(older) = before.op else { continue };
            let theirs = |at: usize| reaped(history[at].op) == Some(older) && !precedes(history, wait, at);
            if age(older) < age(taken) && precedes(history, exit, wait) && !(0..history.len()).any(theirs) {
                return Err("an older one was passed over");
            }
        }
    }
    Ok(())
}
