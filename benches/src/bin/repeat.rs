//! One operation, again and again, for tools that count instructions (`benches/instructions.sh`).

use std::process::ExitCode;

use ptexit_benches::baseline::Baseline;
use ptexit_benches::floor::Floor;
use ptexit_benches::product::Product;
use ptexit_benches::system::{System, Which};
use ptexit_benches::workload::{Caller, Family, Operation};

const USAGE: &str = "\
Usage: bench-repeat SYSTEM OPERATION COUNT [CHILDREN]

  SYSTEM     product, baseline or floor
  OPERATION  lifecycle, lifecycle-by-pid, thread (product only), wait-all, wait-pid, wait-pgid
  COUNT      how often
  CHILDREN   living children beside it; 10 unless said
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-repeat: {problem}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<(), String> {
    let (system, operation, count, children) = match args {
        [system, operation, count] => (system, operation, count, "10"),
        [system, operation, count, children] => (system, operation, count, children.as_str()),
        _ => return Err("three or four arguments are needed".into()),
    };
    let count = count.parse().map_err(|_| format!("COUNT is a number, not '{count}'"))?;
    let children = children.parse().ok().filter(|&children| children > 0);
    let children = children.ok_or("CHILDREN is a number above 0")?;
    match (system.as_str(), operation.as_str()) {
        ("product", _) => repeat::<Product>(operation, count, children),
        ("baseline" | "floor", "thread") => Err(format!("{system} has no threads")),
        ("baseline", _) => repeat::<Baseline>(operation, count, children),
        ("floor", _) => repeat::<Floor>(operation, count, children),
        (other, _) => Err(format!("no system is called '{other}'")),
    }
}

fn repeat<S: System>(operation: &str, count: u32, children: u32) -> Result<(), String> {
    let mut family = Family::<S>::new(children);
    let (middle, group) = (family.middle, family.group);
    let caller = &mut family.caller;
    let mut step: Operation<S> = match operation {
        "lifecycle" => Box::new(Caller::lifecycle),
        "lifecycle-by-pid" => Box::new(Caller::lifecycle_by_pid),
        "thread" => Box::new(Caller::thread_lifecycle),
        "wait-all" => Box::new(|caller| caller.empty_wait(Which::All)),
        "wait-pid" => Box::new(move |caller| caller.empty_wait(middle)),
        "wait-pgid" => Box::new(move |caller| caller.empty_wait(group)),
        other => return Err(format!("no operation is called '{other}'")),
    };
    for _ in 0..count {
        step(caller);
    }
    Ok(())
}
