//! Two threads with disjoint parents, one after the other, for a tool that sees every memory access
//! (`benches/shared-lines.sh`).
//!
//! Both threads are alive throughout, so that each has its own of whatever the system keeps by thread.
//! Before each part a store to [`MARK`], whose address is printed, tells the parts apart in a trace.

use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use ptexit_benches::baseline::Baseline;
use ptexit_benches::floor::Floor;
use ptexit_benches::product::Product;
use ptexit_benches::system::System;
use ptexit_benches::workload::Caller;

#[repr(align(64))]
struct Mark(AtomicU64);

static MARK: Mark = Mark(AtomicU64::new(0));

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let count = args.get(1).and_then(|count| count.parse().ok());
    let (Some(system), Some(count)) = (args.first(), count) else {
        eprintln!("Usage: bench-sides product|baseline|floor COUNT");
        return ExitCode::from(2);
    };
    println!("{:x}", &raw const MARK as usize);
    match system.as_str() {
        "product" => sides::<Product>(count),
        "baseline" => sides::<Baseline>(count),
        "floor" => sides::<Floor>(count),
        other => {
            eprintln!("bench-sides: no system is called '{other}'");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

/// Part 1 is the first thread's, part 2 the second's; before and after comes what is not looked at.
fn sides<S: System>(count: u32) {
    let [mut first, mut second] = Caller::<S>::disjoint_pair();
    let turn = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            repeat(&mut first, count);
            turn.wait();
            turn.wait();
            MARK.0.store(1, SeqCst);
            repeat(&mut first, count);
            MARK.0.store(2, SeqCst);
            turn.wait();
            turn.wait();
        });
        scope.spawn(|| {
            turn.wait();
            repeat(&mut second, count);
            turn.wait();
            turn.wait();
            MARK.0.store(3, SeqCst);
            repeat(&mut second, count);
            MARK.0.store(4, SeqCst);
            turn.wait();
        });
    });
}

fn repeat<S: System>(caller: &mut Caller<S>, count: u32) {
    for _ in 0..count {
        caller.lifecycle();
    }
}
