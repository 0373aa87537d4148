//! Asking for the parent-death signal, beside a parent that is dying.

use crate::record::fault::{Fault, left_out};
use crate::record::task::Task;
use crate::record::value::Value32;
use crate::sync::{Ordering::SeqCst, fence};
use crate::uapi::Signal;

/// `task` asks for `signal`. `has_asked` is its brood's note that some child has; `None` for a task that has no
/// parent.
///
/// prctl(2) followed by getppid(2) is how a program makes sure that it does not miss the death: if its parent
/// still is the old one by then, it is told.
pub fn ask(task: &Task, signal: Option<Signal>, has_asked: Option<&Value32>) {
    task.set_pdeathsig(signal);
    if let Some(has_asked) = has_asked.filter(|_| signal.is_some()) {
        has_asked.set(1);
        // Ordering: SeqCst fence, edge `pdeathsig-asked`: asked before the next look at the parent. The other one
        // is in `has_asked`.
        //   Weaker: the child sees its old parent, who does not see that it has asked.
        //   Test:   loom-tests/tests/pdeathsig.rs, `who_asks_in_time_is_told_once`.
        if !left_out(Fault::FenceAfterAsking) {
            fence(SeqCst);
        }
    }
}

/// Has some child of a brood asked? For who has just made another process the parent of them all.
pub fn has_asked(has_asked: &Value32) -> bool {
    // Ordering: SeqCst fence, edge `pdeathsig-asked`: handed over before looked.
    if !left_out(Fault::FenceBeforeTelling) {
        fence(SeqCst);
    }
    has_asked.get() != 0
}
