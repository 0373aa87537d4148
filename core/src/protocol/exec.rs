//! Exec: a process gets a new program.

use crate::ids::TaskId;
use crate::protocol::Call;
use crate::record::exit_word::ExitSnapshot;
use crate::uapi::Errno;

/// execve(2) by a process of one thread; `begin_new_exec`. Its exit signal becomes SIGCHLD, its parent
/// may not move it to another process group any more, and children it had before count as ordinary
/// ones when they die.
///
/// With several threads the others would have to die first and the caller take the leader's place: not
/// in this version (ENOSYS).
pub fn exec(call: &Call, task: TaskId) -> Result<(), Errno> {
    let found = call.find_running(task)?;
    let _turn = found.task.take_turn().ok_or(Errno::E_STATE)?;
    if found.group.job.look().is_exiting() {
        return Err(Errno::EAGAIN);
    }
    if found.group.word.look().undead() != 1 {
        return Err(Errno::ENOSYS);
    }
    // Refused only when the process has died meanwhile, which its own thread cannot see.
    let _ = found.group.exit.apply(ExitSnapshot::exec);
    found.group.exec_id.add(1);
    found.group.actions.forget_handlers();
    found.group.policy.update(|policy| policy.with_no_cld_wait(false).with_no_cld_stop(false).with_execed(true));
    Ok(())
}
