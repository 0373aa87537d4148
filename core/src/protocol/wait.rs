//! Wait: the oldest child that can be waited for, or why there is none; `do_wait`.

mod known;
mod oldest;
mod search;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::ids::TaskId;
use crate::protocol::Call;
use crate::record::fault::{Fault, left_out};
use crate::record::task::Stage;
use crate::record::waiter::Disarmed;
use crate::terms::{WaitRequest, WaitResult, Waited};
use crate::uapi::{Errno, WaitOptions};
use search::Search;

/// Waits, without ever blocking: if nothing is waitable yet the wait is armed, and the host is told when
/// to call again.
pub fn wait(call: &Call, waiter: TaskId, request: &WaitRequest) -> Result<Waited, Errno> {
    let search = Search::new(call, waiter, request)?;
    let me = search.me;
    match search.look()? {
        Some(result) => return Ok(Waited::Child(result)),
        None if request.options.contains(WaitOptions::WNOHANG) => return Ok(Waited::Nothing),
        None => {}
    }
    // Arm, then look once more: what became ready in between has not seen the wait armed.
    me.task.waiter.arm(search.criteria, request.cookie);
    me.group.waiters.add(me.task.place.get());
    let answer = if left_out(Fault::LookAfterArming) {
        Ok(None)
    } else if me.task.stage() != Stage::Running && !left_out(Fault::StageAfterArming) {
        // The task was made to exit by another thread, whose `exit_begin` may have come too early to disarm.
        Err(Errno::ESRCH)
    } else {
        search.look()
    };
    if !matches!(answer, Ok(None)) {
        // A wake-up that has been sent by now is one too many, which the host must bear.
        me.task.waiter.disarm();
        me.group.waiters.remove(me.task.place.get());
    }
    Ok(answer?.map_or(Waited::Armed, Waited::Child))
}

/// Takes as many dead children as fit, oldest first. Never arms, and ends a wait that is armed.
pub fn wait_many(
    call: &Call,
    waiter: TaskId,
    request: &WaitRequest,
    results: &mut [WaitResult],
) -> Result<usize, Errno> {
    if request.options.contains(WaitOptions::WNOWAIT) {
        return Err(Errno::EINVAL);
    }
    let search = Search::new(call, waiter, request)?;
    for (got, result) in results.iter_mut().enumerate() {
        match search.look() {
            Ok(Some(child)) => *result = child,
            Ok(None) => return Ok(got),
            Err(_) if got > 0 => return Ok(got),
            Err(why) => return Err(why),
        }
    }
    Ok(results.len())
}

/// Ends an armed wait. `true`: it had fired, so there may be a child to take before EINTR is reported.
pub fn cancel(call: &Call, waiter: TaskId, cookie: u64) -> Result<bool, Errno> {
    let me = call.find_visible(waiter)?;
    // The task's bit in the map of armed waits stays: only the task itself may take it away, for by now the
    // wait may be another, or the place somebody else's.
    match me.task.waiter.cancel(cookie) {
        Disarmed::Idle => Err(Errno::EINVAL),
        was => Ok(was == Disarmed::Fired),
    }
}
