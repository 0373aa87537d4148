//! Signals as they are sent, and processes that stop and go on, seen through the public interface.

mod workshop;

use ptexit_core::host::Event;
use ptexit_core::tree::*;
use ptexit_core::uapi::{ChildCode, Errno, Rusage, SI_KERNEL, SI_USER, Signal, SignalSet, WaitOptions, WaitStatus};
use workshop::*;

#[test]
fn a_process_stops_with_its_last_thread_and_its_parent_is_told_once() {
    let world = World::new();
    let leader = world.job(world.init);
    let threads = [leader, world.thread(leader), world.thread(leader)];
    let events = world.kill(leader, TSTP);
    assert_eq!(signals(&events), [(TSTP, Some(leader))]);
    assert_eq!(world.tree.begin_stop(threads[1], TSTP, ticket(&events)), Ok(Verdict::Stop(TSTP)));
    let events = world.events();
    assert_eq!(interrupted(&events), [threads[0], threads[2]], "the others are asked to stop");
    assert_eq!(told(&events), []);
    assert_eq!((world.state(leader), world.state(threads[1])), (TaskState::Running, TaskState::Stopped));
    for thread in [threads[0], threads[2]] {
        assert_eq!(world.poll(thread), Verdict::Stop(TSTP));
        assert_eq!(told(&world.events()), [], "not before the last one");
        assert_eq!(world.tree.task_stopped(thread), Ok(Verdict::Stop(TSTP)));
    }
    let events = world.events();
    assert_eq!(told(&events), [stopped(TSTP)]);
    assert!(matches!(events[0], Event::Signal { target, info, .. } if target == world.init && info.pid == 2));
    assert_eq!(world.tree.task_stopped(leader), Ok(Verdict::Stop(TSTP)), "it has already");
    assert_eq!(told(&world.events()), []);
}

#[test]
fn sigcont_lets_all_go_on_and_who_runs_first_tells() {
    let world = World::new();
    let leader = world.fork(world.init);
    let threads = [leader, world.thread(leader)];
    world.stop(&threads, STOP);
    let events = world.kill(leader, CONT);
    assert_eq!(interrupted(&events), threads);
    assert_eq!(told(&events), [], "nobody has run yet");
    assert_eq!(world.poll(threads[1]), Verdict::Run);
    assert_eq!(told(&world.events()), [CONTINUED]);
    assert_eq!(world.poll(threads[0]), Verdict::Run);
    assert_eq!(told(&world.events()), []);
    assert_eq!(world.state(leader), TaskState::Running);
}

#[test]
fn sigcont_during_a_stop_tells_of_a_stop_without_a_signal() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    let ticket = ticket(&world.kill(leader, STOP));
    assert_eq!(world.tree.begin_stop(leader, STOP, ticket), Ok(Verdict::Stop(STOP)));
    world.kill(leader, CONT);
    assert_eq!(world.tree.task_stopped(thread), Ok(Verdict::Run), "it was about to stop, and needs not");
    assert_eq!(world.poll(thread), Verdict::Run);
    assert_eq!(told(&world.events()), [(ChildCode::Stopped as i32, 0)]);
    assert_eq!(world.poll(leader), Verdict::Run);
    assert_eq!(told(&world.events()), []);
}

#[test]
fn a_stop_signal_that_sigcont_overtook_stops_nobody() {
    let world = World::new();
    let task = world.fork(world.init);
    let old = ticket(&world.kill(task, STOP));
    let events = world.kill(task, CONT);
    let discarded = events.iter().find_map(|event| match *event {
        Event::Discard { task: leader, signals, ticket, .. } if leader == task => Some((signals, ticket)),
        _ => None,
    });
    let (signals, since) = discarded.expect("what is pending is void");
    assert_eq!(signals, SignalSet::STOP);
    assert!(is_older(old, since));
    assert_eq!(world.tree.begin_stop(task, STOP, old), Ok(Verdict::Run));
    let events = world.kill(task, STOP);
    let voids_cont = |event: &Event| matches!(event, Event::Discard { signals, .. } if signals.contains(CONT));
    assert!(events.iter().any(voids_cont), "{events:?}");
    assert_eq!(world.tree.begin_stop(task, STOP, ticket(&events)), Ok(Verdict::Stop(STOP)));
}

#[test]
fn a_thread_that_exits_completes_the_stop_for_its_leader() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    let ticket = ticket(&world.kill(leader, STOP));
    world.tree.begin_stop(leader, STOP, ticket).unwrap();
    world.events();
    world.tree.exit_begin(thread, WaitStatus::exited(0)).unwrap();
    let events = world.events();
    assert_eq!(told(&events), [stopped(STOP)]);
    let pid = world.tree.task_info(leader).unwrap().tgid;
    assert!(matches!(events[0], Event::Signal { info, .. } if info.pid == pid), "{events:?}");
    world.tree.exit_finish(thread, &Rusage::default()).unwrap();
    assert_eq!(told(&world.events()), []);
}

#[test]
fn the_leader_is_dead_and_its_process_stops() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.exit(leader, 0);
    let events = world.kill(leader, STOP);
    assert_eq!(signals(&events), [(STOP, Some(thread))]);
    world.tree.begin_stop(thread, STOP, ticket(&events)).unwrap();
    let pid = world.tree.task_info(leader).unwrap().tgid;
    let events = world.events();
    assert!(matches!(events[0], Event::Signal { info, .. } if info.pid == pid && info.code == 5), "{events:?}");
}

#[test]
fn a_new_thread_joins_the_stop() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    let ticket = ticket(&world.kill(leader, STOP));
    world.tree.begin_stop(leader, STOP, ticket).unwrap();
    world.events();
    // The one that has not stopped yet clones.
    let newborn = world.thread(thread);
    assert_eq!(interrupted(&world.events()), [newborn]);
    world.tree.task_stopped(thread).unwrap();
    assert_eq!(told(&world.events()), [], "the newborn runs");
    assert_eq!(world.poll(newborn), Verdict::Stop(STOP));
    world.tree.task_stopped(newborn).unwrap();
    assert_eq!(told(&world.events()), [stopped(STOP)]);
}

#[test]
fn sigkill_ends_a_stopped_process_and_nothing_is_told_of_its_stop() {
    let world = World::new();
    let leader = world.fork(world.init);
    let threads = [leader, world.thread(leader)];
    world.stop(&threads, STOP);
    world.kill(leader, CONT);
    world.stop(&threads, STOP);
    world.kill(leader, CONT);
    let events = world.kill(leader, Signal::SIGKILL);
    assert_eq!(interrupted(&events), threads);
    for thread in threads {
        assert_eq!(world.poll(thread), Verdict::Exit(KILLED));
        world.tree.exit_begin(thread, WaitStatus::exited(0)).unwrap();
        assert_eq!(told(&world.events()), []);
    }
    assert_eq!(world.kill(leader, TERM), [], "it is dying");
    for thread in [threads[1], leader] {
        world.tree.exit_finish(thread, &Rusage::default()).unwrap();
    }
    assert_eq!(told(&world.events()), [(ChildCode::Killed as i32, 9)]);
}

#[test]
fn no_cld_stop_silences_the_signal() {
    let world = World::new();
    let task = world.fork(world.init);
    let quiet = SigchldPolicy { no_cld_stop: true, ..SigchldPolicy::default() };
    world.tree.set_attr(world.init, Attr::Sigchld(quiet)).unwrap();
    let any = WaitRequest { which: WaitFor::All, options: WaitOptions::WEXITED | WaitOptions::WSTOPPED, cookie: 1 };
    assert_eq!(world.tree.wait(world.init, &any), Ok(Waited::Armed));
    world.events();
    let ticket = ticket(&world.kill(task, STOP));
    world.tree.begin_stop(task, STOP, ticket).unwrap();
    assert_eq!(world.events(), [Event::Wake { task: world.init, wait: 1 }], "who waits is woken all the same");
}

#[test]
fn a_signal_is_offered_to_the_named_thread_and_then_round() {
    let world = World::new();
    let leader = world.fork(world.init);
    let (second, third) = (world.thread(leader), world.thread(leader));
    for signal in [Signal::SIGUSR1, TERM] {
        world.handles(leader, signal);
    }
    let taker = |signal| signals(&world.kill(leader, signal))[0].1;
    assert_eq!(taker(TERM), Some(leader));
    world.blocks(leader, TERM);
    assert_eq!(taker(TERM), Some(second));
    world.blocks(second, TERM);
    assert_eq!(taker(TERM), Some(third));
    world.blocks(third, TERM);
    assert_eq!(taker(TERM), None, "it stays pending");
    assert_eq!(taker(Signal::SIGUSR1), Some(leader));
    // Threads that have been asked and not looked since come last.
    for thread in [leader, second, third] {
        world.poll(thread);
    }
    assert_eq!(taker(Signal::SIGUSR1), Some(leader));
    assert_eq!(taker(Signal::SIGUSR1), Some(third), "it took the last one of those that went round");
    assert_eq!(taker(Signal::SIGUSR1), Some(second));
    assert!(taker(Signal::SIGUSR1).is_some(), "all have been asked: one is asked again");
    world.poll(second);
    assert_eq!(taker(Signal::SIGUSR1), Some(second));
}

#[test]
fn a_signal_for_a_thread_is_for_no_other() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    world.handles(leader, TERM);
    world.blocks(thread, TERM);
    world.events();
    world.send(world.init, SignalTarget::Thread(thread), TERM).unwrap();
    let events = world.events();
    assert!(matches!(events[..], [Event::Signal { target, taker: None, group: false, .. }] if target == thread));
}

#[test]
fn a_signal_that_ends_the_process_does_so_at_once() {
    let world = World::new();
    let leader = world.fork(world.init);
    let thread = world.thread(leader);
    assert_eq!(signals(&world.kill(leader, TERM)).len(), 1, "nothing is known of its dispositions");
    world.tree.set_attr(leader, Attr::Action(TERM, Disposition::Default)).unwrap();
    assert_eq!(signals(&world.kill(leader, Signal::SIGQUIT)).len(), 1, "who takes it may dump core");
    world.blocks(leader, TERM);
    world.blocks(thread, TERM);
    assert_eq!(signals(&world.kill(leader, TERM)), [(TERM, None)], "blocked by all");
    world.tree.set_attr(thread, Attr::Mask(SignalSet::EMPTY)).unwrap();
    world.poll(thread);
    let events = world.kill(leader, TERM);
    assert_eq!((signals(&events), interrupted(&events)), (vec![(TERM, Some(thread))], vec![leader, thread]));
    assert_eq!(world.poll(leader), Verdict::Exit(WaitStatus::signaled(TERM, false)));
}

#[test]
fn what_is_ignored_is_dropped_unless_it_is_blocked() {
    let world = World::new();
    let task = world.fork(world.init);
    world.tree.set_attr(task, Attr::Action(TERM, Disposition::Ignore)).unwrap();
    assert_eq!(world.kill(task, TERM), []);
    world.blocks(task, TERM);
    assert_eq!(signals(&world.kill(task, TERM)), [(TERM, None)]);
    assert_eq!(world.tree.get_attr(task, AttrKind::Action(TERM)), Ok(Attr::Action(TERM, Disposition::Ignore)));
    let no = world.tree.set_attr(task, Attr::Action(STOP, Disposition::Ignore));
    assert_eq!(no, Err(Errno::EINVAL));
    // Even of what it ignores, SIGCONT works.
    world.tree.set_attr(task, Attr::Action(CONT, Disposition::Ignore)).unwrap();
    world.stop(&[task], STOP);
    world.kill(task, CONT);
    assert_eq!(world.poll(task), Verdict::Run);
}

#[test]
fn a_child_inherits_mask_and_dispositions_and_exec_forgets_handlers() {
    let world = World::new();
    let parent = world.fork(world.init);
    world.handles(parent, TERM);
    world.blocks(parent, Signal::SIGUSR1);
    let child = world.fork(parent);
    let action = |task| world.tree.get_attr(task, AttrKind::Action(TERM));
    assert_eq!(action(child), Ok(Attr::Action(TERM, Disposition::Handler)));
    assert_eq!(world.tree.get_attr(child, AttrKind::Mask), Ok(Attr::Mask(SignalSet::of(&[Signal::SIGUSR1]))));
    world.tree.exec(child).unwrap();
    assert_eq!(action(child), Ok(Attr::Action(TERM, Disposition::Default)));
    assert_eq!(action(parent), Ok(Attr::Action(TERM, Disposition::Handler)));
}

#[test]
fn init_is_spared_what_it_has_not_asked_for() {
    let world = World::new();
    world.handles(world.init, TERM);
    for signal in [Signal::SIGKILL, STOP, Signal::SIGUSR1] {
        assert_eq!(signals(&world.kill(world.init, signal)), []);
    }
    assert_eq!(world.poll(world.init), Verdict::Run);
    assert_eq!(signals(&world.kill(world.init, TERM)), [(TERM, Some(world.init))]);
    let from_above = SignalArgs { target: SignalTarget::Process(world.init), signal: Some(STOP), code: SI_KERNEL };
    world.tree.signal(None, from_above).unwrap();
    assert_eq!(signals(&world.events()), [(STOP, Some(world.init))]);
}

#[test]
fn who_may_signal_whom() {
    let world = World::new();
    let [one, same, other] = [0; 3].map(|_| world.fork(world.init));
    for (task, uid) in [(one, 7), (same, 7), (other, 8)] {
        world.tree.set_attr(task, Attr::Uid(uid)).unwrap();
    }
    let send = |target, signal| world.send(one, SignalTarget::Process(target), signal);
    assert_eq!(send(same, TERM), Ok(()));
    assert_eq!(send(other, TERM), Err(Errno::EPERM));
    assert_eq!(send(other, CONT), Ok(()), "in one session");
    world.tree.setsid(other).unwrap();
    assert_eq!(send(other, CONT), Err(Errno::EPERM));
    assert_eq!(world.send(world.init, SignalTarget::Process(other), TERM), Ok(()), "the superuser");
    *world.tree.host().protected.lock().unwrap() = Some(same);
    assert_eq!(send(same, TERM), Err(Errno::EPERM), "the host has the last word");
    world.events();
    let ask = SignalArgs { target: SignalTarget::Process(other), signal: None, code: SI_USER };
    assert_eq!(world.tree.signal(Some(one), ask), Err(Errno::EPERM));
    assert_eq!(world.tree.signal(Some(world.init), ask), Ok(()));
    assert_eq!(world.events(), []);
}

#[test]
fn a_group_and_everybody() {
    let world = World::new();
    let [leader, member, loner] = [0; 3].map(|_| world.fork(world.init));
    let pid = |task| world.tree.task_info(task).unwrap().tgid;
    world.tree.setpgid(world.init, pid(leader), 0).unwrap();
    world.tree.setpgid(world.init, pid(member), pid(leader)).unwrap();
    let receivers = |target, sender| {
        world.events();
        world.send(sender, target, TERM).unwrap();
        let target = |event: &Event| match *event {
            Event::Signal { target, .. } => target,
            _ => panic!("{event:?}"),
        };
        world.events().iter().map(target).collect::<Vec<_>>()
    };
    assert_eq!(receivers(SignalTarget::Group(pid(leader)), world.init), [leader, member]);
    assert_eq!(receivers(SignalTarget::Group(0), member), [leader, member]);
    assert_eq!(receivers(SignalTarget::Everybody, leader), [member, loner]);
    assert_eq!(world.send(leader, SignalTarget::Group(99), TERM), Err(Errno::ESRCH));
    world.exit(member, 0);
    world.exit(leader, 0);
    assert_eq!(world.send(loner, SignalTarget::Group(pid(leader)), TERM), Ok(()), "zombies count");
}

#[test]
fn a_parent_death_signal_acts_as_any_other() {
    let world = World::new();
    let parent = world.fork(world.init);
    let child = world.fork(parent);
    world.tree.set_attr(child, Attr::Pdeathsig(Some(Signal::SIGKILL))).unwrap();
    world.events();
    world.exit(parent, 0);
    let events = world.events();
    assert_eq!(interrupted(&events), [child]);
    assert!(
        signals(&events).contains(&(Signal::SIGKILL, Some(child))),
        "a host that only looks at signals hears of it"
    );
    assert_eq!(world.poll(child), Verdict::Exit(KILLED));
}

#[test]
fn calls_out_of_turn_are_refused() {
    let world = World::new();
    let task = world.fork(world.init);
    assert_eq!(world.tree.begin_stop(task, TERM, 0), Err(Errno::EINVAL));
    assert_eq!(world.tree.task_stopped(task), Ok(Verdict::Run), "nobody asked it to");
    world.tree.exit_begin(task, WaitStatus::exited(0)).unwrap();
    assert_eq!(world.tree.task_poll(task), Err(Errno::ESRCH));
    assert_eq!(world.tree.begin_stop(task, STOP, 0), Err(Errno::ESRCH));
    world.tree.exit_finish(task, &Rusage::default()).unwrap();
    assert_eq!(world.send(world.init, SignalTarget::Process(task), TERM), Ok(()), "a zombie takes none");
}
