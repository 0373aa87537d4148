//! Orphaned process groups, seen through the public interface.

mod workshop;

use ptexit_core::host::Event;
use ptexit_core::ids::TaskId;
use ptexit_core::tree::*;
use ptexit_core::uapi::{SI_KERNEL, Signal};
use workshop::*;

/// A shell in a session of its own.
fn shell(world: &World) -> TaskId {
    let shell = world.fork(world.init);
    world.tree.setsid(shell).unwrap();
    shell
}

/// Who was sent SIGHUP and SIGCONT by nobody, in this order.
fn hung_up(world: &World) -> Vec<(TaskId, Signal)> {
    let sent = |event: &Event| match *event {
        Event::Signal { target, info, .. } if info.code == SI_KERNEL => Some((target, info.signal)),
        _ => None,
    };
    world.events().iter().filter_map(sent).collect()
}

#[test]
fn a_stopped_job_hears_of_the_end_of_its_shell() {
    let world = World::new();
    let shell = shell(&world);
    let [job, other] = [0; 2].map(|_| world.job(shell));
    world.stop(&[job], TSTP);
    world.exit(shell, 0);
    assert_eq!(hung_up(&world), [(job, Signal::SIGHUP), (job, CONT)], "the other one runs");
    assert_eq!(world.poll(job), Verdict::Run);
    assert_eq!(world.poll(other), Verdict::Run);
}

#[test]
fn a_stopped_process_hears_of_the_end_of_its_group_s_last_link() {
    let world = World::new();
    let shell = shell(&world);
    let leader = world.job(shell);
    let [one, two] = [0; 2].map(|_| world.fork(leader));
    world.stop(&[two], STOP);
    world.events();
    world.exit(leader, 0);
    let told = hung_up(&world);
    assert_eq!(told, [(one, Signal::SIGHUP), (two, Signal::SIGHUP), (one, CONT), (two, CONT)]);
    assert_eq!(world.poll(two), Verdict::Run);
}

#[test]
fn a_group_with_another_link_is_not_orphaned() {
    let world = World::new();
    let shell = shell(&world);
    let leader = world.job(shell);
    let pgid = world.tree.task_info(leader).unwrap().pgid;
    let link = world.fork(shell);
    world.tree.setpgid(link, 0, pgid).unwrap();
    let stopped = world.fork(leader);
    world.stop(&[stopped], STOP);
    world.events();
    world.exit(leader, 0);
    assert_eq!(hung_up(&world), []);
    world.exit(link, 0);
    assert_eq!(hung_up(&world), [(stopped, Signal::SIGHUP), (stopped, CONT)]);
}

#[test]
fn a_group_without_stopped_jobs_is_left_alone() {
    let world = World::new();
    let shell = shell(&world);
    let job = world.job(shell);
    world.stop(&[job], STOP);
    world.kill(job, CONT);
    world.poll(job);
    world.stop(&[world.fork(world.init)], STOP);
    world.events();
    world.exit(shell, 0);
    assert_eq!(hung_up(&world), [], "the one that has stopped is in another group");
}

#[test]
fn only_sigstop_stops_an_orphaned_group() {
    let world = World::new();
    let task = shell(&world);
    for signal in [TSTP, Signal::SIGTTIN, Signal::SIGTTOU] {
        let ticket = ticket(&world.kill(task, signal));
        assert_eq!(world.tree.begin_stop(task, signal, ticket), Ok(Verdict::Run));
    }
    world.stop(&[task], STOP);
    assert_eq!(world.state(task), TaskState::Stopped);
}
