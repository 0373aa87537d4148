//! The parent-death signal; `PR_SET_PDEATHSIG` in prctl(2).

use crate::protocol::generate::{Scope, Sent, send_signal};
use crate::protocol::{Call, Census, Found};
use crate::record::brood::Brood;
use crate::record::exit_word::ExitState;
use crate::record::pdeathsig::has_asked;
use crate::uapi::{SI_USER, SigInfo};

/// Tells the threads of the brood's children, as far as they have asked for it, that their parent
/// thread `dead` has died. By then getppid(2) gives the new parent.
///
/// A child is told at each death: of the thread that bore it, and of every one that was its parent after.
pub fn send(call: &Call, brood: &Brood, dead: Found) {
    if !has_asked(&brood.has_pdeathsig) {
        return;
    }
    let view = brood.children.view(call.pin.guard());
    view.first_living(&Census { call }, |child, seen| {
        if seen.state() == ExitState::Alive {
            call.group(child).threads.for_each(|thread| {
                send_to(call, thread, dead);
                true
            });
        }
        false
    });
}

fn send_to(call: &Call, thread: u32, dead: Found) {
    let task = call.task(thread);
    let Some(signal) = task.pdeathsig() else { return };
    let (pid, uid) = (dead.group.pid.get(), dead.group.uid.get());
    let info = SigInfo { signal, code: SI_USER, pid, uid, status: 0, utime_ns: 0, stime_ns: 0 };
    let (group_index, scope) = (task.group.get(), Scope::Process);
    let group = call.group(group_index);
    if let Some(event) = send_signal(call, Sent { group_index, group, thread, scope, force: false, info }) {
        call.outbox.put(event);
    }
}
