//! Every system does what the workloads ask of it, or the figures would compare different things.

use std::time::Duration;

use ptexit_benches::baseline::Baseline;
use ptexit_benches::floor::Floor;
use ptexit_benches::product::Product;
use ptexit_benches::system::{Found, System, Which};
use ptexit_benches::workload::{Caller, Family, time_pair};

fn one_child<S: System>() {
    let (system, init) = S::new();
    let mut worker = system.worker();
    assert_eq!(system.wait(&mut worker, init, Which::All), Found::NoChild);
    let (child, pid) = system.fork_pid(&mut worker, init);
    assert_eq!(system.wait(&mut worker, init, Which::All), Found::Nothing);
    assert_eq!(system.wait(&mut worker, init, Which::Pid(pid)), Found::Nothing);
    system.exit(&mut worker, child, 9);
    assert_eq!(system.wait(&mut worker, init, Which::Pid(pid)), Found::Child { pid, code: 9 });
    assert_eq!(system.wait(&mut worker, init, Which::All), Found::NoChild);
    assert_eq!(system.wait(&mut worker, init, Which::Pid(pid)), Found::NoChild);
}

fn many_lifecycles<S: System>() {
    let mut caller = Caller::<S>::alone();
    for _ in 0..10_000 {
        caller.lifecycle();
        caller.lifecycle_by_pid();
    }
    let mut family = Family::<S>::new(100);
    for which in [Which::All, family.middle] {
        family.caller.empty_wait(which);
    }
    family.caller.lifecycle();
}

fn two_threads<S: System>() {
    for mut pair in [Caller::<S>::disjoint_pair(), Caller::<S>::shared_pair()] {
        for operation in [Caller::lifecycle, Caller::lifecycle_by_pid] {
            time_pair(Duration::from_millis(5), &mut pair, operation);
        }
        assert_eq!(pair.map(|caller| caller.retries), [0, 0], "{}", S::NAME);
    }
}

fn groups<S: System>() {
    let mut family = Family::<S>::new(10);
    for which in [family.group, family.youngest] {
        family.caller.empty_wait(which);
    }
}

macro_rules! for_each_system {
    ($($name:ident: $system:ty),*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn one_child() {
                super::one_child::<$system>();
            }

            #[test]
            fn many_lifecycles() {
                super::many_lifecycles::<$system>();
            }

            #[test]
            fn two_threads() {
                super::two_threads::<$system>();
            }
        }
    )*};
}

for_each_system!(product: Product, baseline: Baseline, floor: Floor);

#[test]
fn product_waits_for_groups() {
    groups::<Product>();
}

#[test]
fn baseline_waits_for_groups() {
    groups::<Baseline>();
}
