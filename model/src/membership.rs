//! Process groups and sessions; setpgid(2), setsid(2), credentials(7).

use ptexit_core::uapi::Errno;

use crate::state::{Model, ProcessKey, TaskKey};

impl Model {
    /// setpgid(2): `pid` 0 is the caller's process, `pgid` 0 is that process's own number.
    pub fn setpgid(&mut self, caller: TaskKey, pid: u32, pgid: u32) -> Result<(), Errno> {
        self.running(caller)?;
        let own = self.tasks[caller].process;
        let pid = if pid == 0 { self.pid(own) } else { self.number_from(caller, pid).ok_or(Errno::ESRCH)? };
        let task = self.numbers.get(pid).and_then(|number| number.task).ok_or(Errno::ESRCH)?;
        let pgid = if pgid == 0 { pid } else { self.number_from(caller, pgid).ok_or(Errno::EPERM)? };
        let process = self.tasks[task].process;
        if self.processes[process].leader != task {
            return Err(Errno::EINVAL);
        }
        let is_child = self.processes[process].parent.is_some_and(|parent| self.tasks[parent].process == own);
        if is_child {
            if self.processes[process].sid != self.processes[own].sid {
                return Err(Errno::EPERM);
            }
            if self.processes[process].has_execed {
                return Err(Errno::EACCES);
            }
        } else if process != own {
            return Err(Errno::ESRCH);
        }
        if self.is_session_leader(process) {
            return Err(Errno::EPERM);
        }
        // Another group than the process's own has to be there already, in the caller's session.
        if pgid != pid && !self.is_group_in_session(pgid, self.processes[own].sid) {
            return Err(Errno::EPERM);
        }
        self.move_to(process, pgid, self.processes[process].sid);
        Ok(())
    }

    /// setsid(2): a new session and a new process group, both with the number of the caller's process.
    pub fn setsid(&mut self, caller: TaskKey) -> Result<u32, Errno> {
        self.running(caller)?;
        let process = self.tasks[caller].process;
        let pid = self.pid(process);
        let group_exists = self.numbers.get(pid).is_some_and(|number| number.group_members > 0);
        if self.is_session_leader(process) || group_exists {
            return Err(Errno::EPERM);
        }
        self.move_to(process, pid, pid);
        Ok(pid)
    }

    fn is_session_leader(&self, process: ProcessKey) -> bool {
        self.processes[process].sid == self.pid(process)
    }

    fn is_group_in_session(&self, pgid: u32, sid: u32) -> bool {
        self.numbers.get(pgid).is_some_and(|number| number.group_members > 0 && number.group_session == sid)
    }

    fn move_to(&mut self, process: ProcessKey, pgid: u32, sid: u32) {
        let (old_pgid, old_sid) = (self.processes[process].pgid, self.processes[process].sid);
        // In first, out second: a number that is both must not become free in between.
        self.join(process, pgid, sid);
        self.leave(old_pgid, old_sid);
    }

    pub(crate) fn join(&mut self, process: ProcessKey, pgid: u32, sid: u32) {
        self.processes[process].joined = self.next_place();
        self.processes[process].pgid = pgid;
        self.processes[process].sid = sid;
        let group = self.numbers.at(pgid);
        group.group_members += 1;
        group.group_session = sid;
        self.numbers.at(sid).session_members += 1;
    }

    /// The numbers stay taken for as long as anybody is left in the group and in the session.
    pub(crate) fn leave(&mut self, pgid: u32, sid: u32) {
        self.numbers.at(pgid).group_members -= 1;
        self.numbers.at(sid).session_members -= 1;
        self.free_number(pgid);
        self.free_number(sid);
    }
}
