//! The life of a process, seen through the public interface.

use std::sync::Mutex;

use ptexit_core::host::{Event, Host};
use ptexit_core::ids::TaskId;
use ptexit_core::tree::*;
use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

#[derive(Default)]
struct Log(Mutex<Vec<Event>>);

impl Host for Log {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(*event);
    }
}

fn args(kind: CloneKind) -> CloneArgs {
    CloneArgs { kind, exit_signal: Some(Signal::SIGCHLD), pid: 0, cookie: 0 }
}

struct World {
    tree: Tree<Log>,
    init: TaskId,
}

impl World {
    fn new() -> World {
        let options = Options { pid_policy: PidPolicy::Cyclic, ..Options::default() };
        let tree = Tree::new(Log::default(), options).unwrap();
        let init = tree.init(&args(CloneKind::Process)).unwrap();
        World { tree, init }
    }

    fn clone(&self, parent: TaskId, kind: CloneKind) -> TaskId {
        let child = self.tree.clone_begin(parent, &args(kind)).unwrap();
        self.tree.clone_commit(child).unwrap();
        child
    }

    fn fork(&self, parent: TaskId) -> TaskId {
        self.clone(parent, CloneKind::Process)
    }

    fn exit(&self, task: TaskId, code: i32) {
        self.tree.exit_begin(task, WaitStatus::exited(code)).unwrap();
        self.tree.exit_finish(task, &Rusage::default()).unwrap();
    }

    fn wait(&self, waiter: TaskId, options: WaitOptions) -> Result<Waited, Errno> {
        self.tree.wait(waiter, &WaitRequest { which: WaitFor::All, options: options | WaitOptions::WEXITED, cookie: 9 })
    }

    fn reap(&self, waiter: TaskId) -> (u32, Option<i32>) {
        match self.wait(waiter, WaitOptions::WNOHANG) {
            Ok(Waited::Child(result)) => (result.pid, result.change.status().and_then(WaitStatus::exit_code)),
            other => panic!("{other:?}"),
        }
    }

    fn pid(&self, task: TaskId) -> u32 {
        self.tree.task_info(task).unwrap().tid
    }

    fn events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.tree.host().0.lock().unwrap())
    }
}

#[test]
fn a_child_is_born_dies_and_is_reaped_once() {
    let world = World::new();
    assert_eq!(world.wait(world.init, WaitOptions::WNOHANG), Err(Errno::ECHILD));
    let child = world.fork(world.init);
    let pid = world.pid(child);
    assert_eq!(world.wait(world.init, WaitOptions::WNOHANG), Ok(Waited::Nothing));
    assert_eq!(world.wait(world.init, WaitOptions::empty()), Ok(Waited::Armed));
    world.exit(child, 7);
    let events = world.events();
    assert!(matches!(events[0], Event::Exited { .. }), "{events:?}");
    assert!(matches!(events[1], Event::Signal { info, .. } if info.pid == pid && info.status == 7), "{events:?}");
    assert_eq!(events[2], Event::Wake { task: world.init, wait: 9 });
    assert_eq!(world.reap(world.init), (pid, Some(7)));
    assert_eq!(world.wait(world.init, WaitOptions::WNOHANG), Err(Errno::ECHILD));
    assert_eq!(world.tree.task_info(child), Err(Errno::ESRCH));
}

#[test]
fn children_are_reported_in_birth_order_across_reparentings() {
    let world = World::new();
    let first = world.fork(world.init);
    let middle = world.fork(world.init);
    let orphans: Vec<TaskId> = (0..40).map(|_| world.fork(middle)).collect();
    let mut expected = vec![world.pid(first)];
    expected.extend(orphans.iter().map(|&orphan| world.pid(orphan)));
    let middle_pid = world.pid(middle);
    world.exit(middle, 0);
    assert_eq!(world.reap(world.init).0, middle_pid);
    let last = world.fork(world.init);
    expected.push(world.pid(last));
    for &task in [last].iter().chain(orphans.iter().rev()).chain([&first]) {
        assert_eq!(world.tree.task_info(task).unwrap().ppid, 1);
        world.exit(task, 1);
    }
    let reaped: Vec<u32> = expected.iter().map(|_| world.reap(world.init).0).collect();
    assert_eq!(reaped, expected);
    assert_eq!(world.wait(world.init, WaitOptions::WNOHANG), Err(Errno::ECHILD));
}

#[test]
fn the_leader_waits_for_its_threads() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.clone(leader, CloneKind::Thread);
    world.exit(leader, 3);
    assert_eq!(world.wait(world.init, WaitOptions::WNOHANG), Ok(Waited::Nothing));
    let grandchild = world.fork(thread);
    world.exit(thread, 5);
    assert_eq!(world.tree.task_info(grandchild).unwrap().ppid, 1);
    assert_eq!(world.reap(world.init).1, Some(5), "the last thread's code");
    world.exit(grandchild, 0);
    world.reap(world.init);
}

#[test]
fn a_million_lives_leave_nothing_behind() {
    let world = World::new();
    for round in 0..100_000 {
        let child = world.fork(world.init);
        world.exit(child, round & 0xff);
        assert_eq!(world.reap(world.init).1, Some(round & 0xff));
        if round % 1000 == 0 {
            world.events();
        }
    }
    assert_eq!(world.tree.list(ListFilter::Processes, &mut []), Ok(1));
}

#[test]
fn groups_and_sessions() {
    let world = World::new();
    let child = world.fork(world.init);
    let other = world.fork(world.init);
    let (pid, other_pid) = (world.pid(child), world.pid(other));
    world.tree.setpgid(world.init, pid, 0).unwrap();
    world.tree.setpgid(world.init, other_pid, pid).unwrap();
    assert_eq!(world.tree.task_info(other).unwrap().pgid, pid);
    assert_eq!(world.tree.setsid(child), Err(Errno::EPERM));
    world.exit(child, 0);
    world.reap(world.init);
    assert_eq!(world.tree.task_info(other).unwrap().pgid, pid);
    let request =
        WaitRequest { which: WaitFor::Pgid(pid), options: WaitOptions::WEXITED | WaitOptions::WNOHANG, cookie: 0 };
    assert_eq!(world.tree.wait(world.init, &request), Ok(Waited::Nothing));
    world.events();
    assert_eq!(world.tree.setsid(other), Ok(other_pid));
    assert!(world.events().contains(&Event::PidFree { pid }));
    assert_eq!(world.tree.wait(world.init, &request), Err(Errno::ECHILD));
    world.exit(other, 0);
    world.reap(world.init);
    assert!(world.events().contains(&Event::PidFree { pid: other_pid }));
}

/// Waits that find nothing, in nanoseconds each: the least of several rounds.
fn empty_wait(world: &World, waiter: TaskId) -> u128 {
    let round = || {
        let start = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(world.wait(waiter, WaitOptions::WNOHANG), Err(Errno::ECHILD));
        }
        start.elapsed().as_nanos() / 100
    };
    (0..20).map(|_| round()).min().unwrap()
}

#[test]
fn what_dead_threads_and_parents_leave_behind_costs_later_waits_nothing() {
    let world = World::new();
    let fresh = empty_wait(&world, world.init);
    for _ in 0..2000 {
        let thread = world.clone(world.init, CloneKind::Thread);
        let child = world.fork(thread);
        world.exit(child, 0);
        world.reap(thread);
        world.exit(thread, 0);
        let parent = world.fork(world.init);
        let child = world.fork(parent);
        world.exit(child, 0);
        world.reap(parent);
        world.exit(parent, 0);
        world.reap(world.init);
        world.events();
    }
    let later = empty_wait(&world, world.init);
    assert!(later < 20 * fresh + 20_000, "an empty wait took {fresh} ns at first, {later} ns later");
}

#[test]
fn a_parent_of_many_families_exits_in_time() {
    let world = World::new();
    let subreaper = world.fork(world.init);
    world.tree.set_attr(subreaper, Attr::Subreaper(true)).unwrap();
    for _ in 0..3000 {
        let parent = world.fork(subreaper);
        world.fork(parent);
        world.exit(parent, 0);
        world.reap(subreaper);
        world.events();
    }
    let start = std::time::Instant::now();
    world.exit(subreaper, 0);
    let took = start.elapsed();
    assert!(took.as_millis() < 1500, "{took:?} for 3,000 inherited families");
    assert_eq!(world.tree.list(ListFilter::Children(world.init), &mut []), Ok(3001));
}
