//! Rules that can be chosen.

mod common;

use common::{World, exited};
use ptexit_core::uapi::{Rusage, Signal, TraceOptions};
use ptexit_model::{Compat, Model, Taken};

fn world(compat: Compat) -> World {
    let mut model = Model::default().with(compat);
    let init = model.init().unwrap();
    World { model, init }
}

/// D8: the leader ends with 3, the last thread with 5.
#[test]
fn siginfo_carried_the_leaders_own_status_once() {
    for (leaders_own_status_in_siginfo, status) in [(false, 5), (true, 3)] {
        let mut world = world(Compat { leaders_own_status_in_siginfo, ..Compat::default() });
        let leader = world.fork(world.init);
        let thread = world.thread(leader);
        world.exit(leader, 3);
        world.exit(thread, 5);
        let (_, info) = world.signals()[0];
        assert_eq!((info.signal, info.status), (Signal::SIGCHLD, status));
        assert_eq!(world.wait(world.init).unwrap().change, exited(5).into(), "a wait has the whole's in any case");
    }
}

/// D23.
#[test]
fn exec_may_ignore_zombies_that_others_trace() {
    for exec_ignores_traced_zombies in [false, true] {
        let mut world = world(Compat { exec_ignores_traced_zombies, ..Compat::default() });
        let tracer = world.fork(world.init);
        let leader = world.fork(world.init);
        let thread = world.thread(leader);
        world.model.seize(tracer, thread, TraceOptions::empty()).unwrap();
        assert_eq!(world.model.exec(leader), Ok(false));
        assert_eq!(world.model.take_signal(thread), Taken::Exit(exited(0)));
        world.model.exit(thread, exited(0), &Rusage::default()).unwrap();
        assert_eq!(world.view(leader).is_asleep, !exec_ignores_traced_zombies);
        world.model.check();
    }
}
