//! The same operations under Criterion, one by one: for its history and its statistics.
//!
//! Ratios come from `make bench`, which interleaves; here each benchmark has the machine to itself for
//! some seconds, and whatever else the machine does in those seconds is in the result.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ptexit_benches::baseline::Baseline;
use ptexit_benches::floor::Floor;
use ptexit_benches::product::Product;
use ptexit_benches::system::{System, Which};
use ptexit_benches::workload::{Caller, Family, time_pair};

fn one_thread<S: System>(c: &mut Criterion) {
    let mut group = c.benchmark_group("lifecycle");
    let mut caller = Caller::<S>::alone();
    group.bench_function(S::NAME, |bencher| bencher.iter(|| caller.lifecycle()));
    group.finish();
}

fn two_threads<S: System>(c: &mut Criterion) {
    let mut group = c.benchmark_group("two threads");
    let mut bench = |name, mut pair: [Caller<S>; 2], operation: fn(&mut Caller<S>)| {
        group.bench_function(BenchmarkId::new(name, S::NAME), |bencher| {
            bencher.iter_custom(|iterations| {
                let slice = Duration::from_nanos(iterations * 100);
                let nanoseconds = time_pair(slice, &mut pair, operation);
                Duration::from_secs_f64(nanoseconds * iterations as f64 / 1e9)
            });
        });
    };
    bench("disjoint parents", Caller::disjoint_pair(), Caller::lifecycle);
    bench("shared parent, by pid", Caller::shared_pair(), Caller::lifecycle_by_pid);
    bench("shared parent, any", Caller::shared_pair(), Caller::lifecycle);
    group.finish();
}

fn beside_children<S: System>(c: &mut Criterion) {
    let mut group = c.benchmark_group("living children");
    for children in [10, 1_000, 100_000] {
        let mut family = Family::<S>::new(children);
        let (middle, pgid) = (family.middle, family.group);
        let caller = &mut family.caller;
        for (name, which) in [("wait all", Which::All), ("wait pid", middle), ("wait pgid", pgid)] {
            let id = BenchmarkId::new(format!("{name}, {}", S::NAME), children);
            group.bench_function(id, |bencher| bencher.iter(|| caller.empty_wait(which)));
        }
        let id = BenchmarkId::new(format!("lifecycle, {}", S::NAME), children);
        group.bench_function(id, |bencher| bencher.iter(|| caller.lifecycle()));
    }
    group.finish();
}

criterion_group! {
    name = lifecycle;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets =
        one_thread::<Product>, one_thread::<Baseline>, one_thread::<Floor>,
        two_threads::<Product>, two_threads::<Baseline>, two_threads::<Floor>,
        beside_children::<Product>, beside_children::<Baseline>, beside_children::<Floor>
}
criterion_main!(lifecycle);
