//! What a wait looks at, counted: no clock is asked, so that a busy machine changes nothing.

use super::*;
use crate::host::Event;
use crate::protocol::outbox::Outbox;
use crate::protocol::{exit, fork, inspect, membership};
use crate::record::pid_table::PidChoice;
use crate::record::tables::Tables;
use crate::terms::{Attr, CloneArgs, CloneKind, WaitFor};
use crate::uapi::{Rusage, Signal, WaitStatus};

struct World {
    tables: Tables,
    init: TaskId,
}

fn args(kind: CloneKind) -> CloneArgs {
    CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 }
}

fn call<R>(tables: &Tables, f: impl FnOnce(&Call) -> R) -> R {
    let host = |_: &Event| ();
    let outbox = Outbox::new(&host, tables);
    let seat = tables.seats.take();
    let result = f(&Call { tables, pin: &seat.pin(), outbox: &outbox });
    outbox.deliver();
    result
}

impl World {
    fn new() -> World {
        let tables = Tables::new(PidChoice::Cyclic, 1 << 20, 1 << 20, 0);
        let init = call(&tables, |call| fork::init(call, &args(CloneKind::Process))).unwrap();
        World { tables, init }
    }

    fn call<R>(&self, f: impl FnOnce(&Call) -> R) -> R {
        call(&self.tables, f)
    }

    fn make(&self, parent: TaskId, kind: CloneKind) -> TaskId {
        let task = self.call(|call| fork::begin(call, parent, &args(kind))).unwrap();
        self.call(|call| fork::commit(call, task)).unwrap();
        task
    }

    fn exit(&self, task: TaskId) {
        self.call(|call| exit::begin(call, task, WaitStatus::exited(0))).unwrap();
        self.call(|call| exit::finish(call, task, &Rusage::default())).unwrap();
    }

    /// Families of two that lose their parent: the children come to the reaper, in broods of their own.
    fn daemons(&self, reaper: TaskId, count: usize) -> Vec<TaskId> {
        let mut daemons = Vec::with_capacity(count);
        for _ in 0..count {
            let parent = self.make(reaper, CloneKind::Process);
            daemons.push(self.make(parent, CloneKind::Process));
            self.exit(parent);
            let (found, _) = self.wait(reaper, WaitFor::All, WaitOptions::empty());
            assert_eq!(found.unwrap().map(|result| result.task), Some(parent));
        }
        daemons
    }

    /// What a wait that does not block finds, and how many broods and children it looks at.
    fn wait(&self, waiter: TaskId, which: WaitFor, options: WaitOptions) -> (Result<Option<WaitResult>, Errno>, usize) {
        let request = WaitRequest { which, options: options | WaitOptions::WEXITED, cookie: 0 };
        self.call(|call| {
            let search = Search::new(call, waiter, &request).unwrap();
            (search.look(), search.visited.get())
        })
    }

    fn subreaper(&self) -> TaskId {
        let reaper = self.make(self.init, CloneKind::Process);
        self.call(|call| inspect::set_attr(call, reaper, Attr::Subreaper(true))).unwrap();
        reaper
    }

    /// The task that a wait must find, and the cost.
    fn reap(&self, waiter: TaskId) -> (TaskId, usize) {
        let (found, cost) = self.wait(waiter, WaitFor::All, WaitOptions::empty());
        (found.unwrap().expect("somebody is ready").task, cost)
    }

    /// The cost of a wait that finds nothing ready, when it is repeated.
    fn poll(&self, waiter: TaskId, which: WaitFor, options: WaitOptions) -> usize {
        (0..3).map(|_| self.wait(waiter, which, options)).fold(0, |_, (found, cost)| {
            assert_eq!(found, Ok(None));
            cost
        })
    }
}

/// Costs beside so many living families that were inherited.
fn costs(reaper: impl Fn(&World) -> TaskId, families: usize) -> [usize; 5] {
    let world = World::new();
    let reaper = reaper(&world);
    let daemons = world.daemons(reaper, families);
    let oldest = daemons[families / 2];
    world.call(|call| membership::setsid(call, oldest)).unwrap();
    let pgid = world.call(|call| inspect::task_info(call, oldest)).unwrap().pgid;
    let empty = world.poll(reaper, WaitFor::All, WaitOptions::empty());
    let of_group = world.poll(reaper, WaitFor::Pgid(pgid), WaitOptions::empty());
    assert!(world.wait(reaper, WaitFor::All, WaitOptions::empty()).1 <= 4);
    let again = world.wait(reaper, WaitFor::Pgid(pgid), WaitOptions::empty()).1;
    assert!(again <= 4, "{again}: waits for others are no reason to forget");
    let own = world.poll(reaper, WaitFor::All, WaitOptions::WNOTHREAD);
    let (stranger, by_name) = world.wait(reaper, WaitFor::Task(reaper), WaitOptions::empty());
    assert_eq!(stranger, Err(Errno::ECHILD));
    let dead = [daemons[families - 2], daemons[1], daemons[families - 1]];
    dead.iter().for_each(|&daemon| world.exit(daemon));
    let mut reap = 0;
    for expected in [dead[1], dead[0], dead[2]] {
        let (found, cost) = world.reap(reaper);
        assert_eq!(found, expected, "in the order in which they came");
        reap += cost;
    }
    [empty, of_group, own, by_name, reap]
}

#[test]
fn costs_do_not_grow_with_inherited_families() {
    for reaper in [|world: &World| world.init, World::subreaper] {
        let few = costs(reaper, 10);
        for families in [1_000, 100_000] {
            let many = costs(reaper, families);
            let flat = few.iter().zip(&many).all(|(few, many)| many <= &(few * 2));
            assert!(flat, "{few:?} with 10 families, {many:?} with {families}");
        }
    }
}

#[test]
fn reaping_is_not_quadratic() {
    const FAMILIES: usize = 20_000;
    let world = World::new();
    let daemons = world.daemons(world.init, FAMILIES);
    daemons.iter().rev().for_each(|&daemon| world.exit(daemon));
    let mut cost = 0;
    for &daemon in &daemons {
        let (found, looked_at) = world.reap(world.init);
        assert_eq!(found, daemon);
        cost += looked_at;
    }
    assert!(cost <= 4 * FAMILIES, "{cost} broods and children for {FAMILIES} zombies");
    assert_eq!(world.wait(world.init, WaitFor::All, WaitOptions::empty()).0, Err(Errno::ECHILD));
}

/// A whole family of zombies comes at once, and the reaper has not waited before.
#[test]
fn zombies_that_come_together_cost_no_more() {
    const FAMILIES: usize = 2_000;
    let world = World::new();
    let reaper = world.subreaper();
    let parent = world.make(reaper, CloneKind::Process);
    let mut expected = Vec::new();
    for _ in 0..FAMILIES {
        let middle = world.make(parent, CloneKind::Process);
        let child = world.make(middle, CloneKind::Process);
        expected.extend([child, middle]);
        world.exit(child);
    }
    let middles: Vec<TaskId> = expected.iter().skip(1).step_by(2).copied().collect();
    middles.iter().for_each(|&middle| world.exit(middle));
    world.exit(parent);
    let mut cost = 0;
    for _ in 0..expected.len() + 1 {
        cost += world.reap(reaper).1;
    }
    // The first wait walks the chain, and finds it long.
    assert!(cost <= 8 * expected.len(), "{cost} for {} zombies", expected.len());
    assert_eq!(world.wait(reaper, WaitFor::All, WaitOptions::empty()).0, Err(Errno::ECHILD));
}

/// The threads of a process that is no reaper fork once each and end: their children come to a sibling.
#[test]
fn children_of_dead_threads_are_not_walked() {
    const THREADS: usize = 500;
    let world = World::new();
    let process = world.make(world.init, CloneKind::Process);
    let children: Vec<TaskId> = (0..THREADS)
        .map(|_| {
            let thread = world.make(process, CloneKind::Thread);
            let child = world.make(thread, CloneKind::Process);
            world.exit(thread);
            assert_eq!(world.wait(process, WaitFor::All, WaitOptions::empty()).0, Ok(None));
            child
        })
        .collect();
    assert!(world.poll(process, WaitFor::All, WaitOptions::empty()) <= 4);
    children.iter().rev().for_each(|&child| world.exit(child));
    for &child in &children {
        let (found, cost) = world.reap(process);
        assert_eq!(found, child);
        assert!(cost <= 4, "{cost}");
    }
}
