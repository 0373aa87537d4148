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
    let mut caller = None;
    group.bench_function(S::NAME, |bencher| {
        let caller = caller.get_or_insert_with(Caller::<S>::alone);
        bencher.iter(|| caller.lifecycle());
    });
    group.finish();
}

fn two_threads<S: System>(c: &mut Criterion) {
    let mut group = c.benchmark_group("two threads");
    let mut bench = |name, callers: fn() -> [Caller<S>; 2], operation: fn(&mut Caller<S>)| {
        let mut pair = None;
        group.bench_function(BenchmarkId::new(name, S::NAME), |bencher| {
            let pair = pair.get_or_insert_with(callers);
            bencher.iter_custom(|iterations| {
                let nanoseconds = time_pair(Duration::from_nanos(iterations * 100), pair, operation);
                Duration::from_secs_f64(nanoseconds * iterations as f64 / 1e9)
            });
        });
    };
    bench("disjoint parents", Caller::disjoint_pair, Caller::lifecycle);
    bench("shared parent, by pid", Caller::shared_pair, Caller::lifecycle_by_pid);
    bench("shared parent, any", Caller::shared_pair, Caller::lifecycle);
    group.finish();
}

fn beside_children<S: System>(c: &mut Criterion) {
    let mut group = c.benchmark_group("living children");
    for children in [10, 1_000, 100_000] {
        let mut family = None;
        let mut bench = |name, operation: fn(&mut Family<S>)| {
            let id = BenchmarkId::new(format!("{name}, {}", S::NAME), children);
            group.bench_function(id, |bencher| {
                let family = family.get_or_insert_with(|| Family::<S>::new(children));
                bencher.iter(|| operation(family));
            });
        };
        bench("wait all", |family| family.caller.empty_wait(Which::All));
        bench("wait pid", |family| family.caller.empty_wait(family.middle));
        bench("wait pgid", |family| family.caller.empty_wait(family.group));
        bench("lifecycle", |family| family.caller.lifecycle());
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
