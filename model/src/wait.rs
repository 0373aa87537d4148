//! Which child a wait finds, and what it reports; wait4(2), waitid(2).

use ptexit_core::uapi::{Errno, Rusage, Signal, WaitOptions, WaitStatus};

use crate::state::{Model, ProcessKey, TaskKey};

/// Which children waitid(2) is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    /// `P_ALL`: any child.
    All,
    /// `P_PID`: the child with this number.
    Pid(i32),
    /// `P_PGID`: any child in this process group; 0 is the caller's.
    Pgid(i32),
    /// `P_PIDFD`: the child whose leader this is.
    Handle(TaskKey),
}

/// Which children, once the arguments have been looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    All,
    Pid(u32),
    Pgid(u32),
    Handle(TaskKey),
}

/// A wait whose arguments are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    which: Which,
    options: WaitOptions,
}

impl Request {
    pub(crate) fn only_own_children(self) -> bool {
        self.options.contains(WaitOptions::WNOTHREAD)
    }
}

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A dead child.
    Child(Reported),
    /// With WNOHANG: there are children of that kind, none of them dead.
    Nothing,
    /// Without WNOHANG: the same, and the caller blocks until it is woken.
    Blocked,
}

/// What wait4(2) and waitid(2) report of a dead child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Its leader.
    pub task: TaskKey,
    /// Its number.
    pub pid: u32,
    /// Its real user ID.
    pub uid: u32,
    /// How it died.
    pub status: WaitStatus,
    /// What it used, its own waited-for children included.
    pub usage: Rusage,
}

/// What a look at the children finds.
enum Search {
    Found(ProcessKey),
    NotYet,
    None,
}

impl Model {
    /// wait4(2) with its arguments as the system call takes them.
    pub fn wait4(&mut self, caller: TaskKey, pid: i32, options: u32) -> Result<Waited, Errno> {
        use WaitOptions as O;
        self.running(caller)?;
        let known = O::WNOHANG | O::WSTOPPED | O::WCONTINUED | O::WNOTHREAD | O::WCLONE | O::WALL;
        let options = O::from_bits(options).filter(|&o| known.contains(o)).ok_or(Errno::EINVAL)?;
        if pid == i32::MIN {
            return Err(Errno::ESRCH);
        }
        let which = match pid {
            ..-1 => Which::Pgid(pid.unsigned_abs()),
            -1 => Which::All,
            0 => Which::Pgid(self.process_of(caller).pgid),
            1.. => Which::Pid(pid as u32),
        };
        self.wait(caller, Request { which, options: options | O::WEXITED })
    }

    /// waitid(2). A negative number is wrong, and so is waiting for nothing in particular to happen.
    pub fn waitid(&mut self, caller: TaskKey, which: IdType, options: u32) -> Result<Waited, Errno> {
        use WaitOptions as O;
        self.running(caller)?;
        let options = O::from_bits(options).ok_or(Errno::EINVAL)?;
        if !options.intersects(O::WEXITED | O::WSTOPPED | O::WCONTINUED) {
            return Err(Errno::EINVAL);
        }
        let which = match which {
            IdType::All => Which::All,
            IdType::Pid(..=0) | IdType::Pgid(..0) => return Err(Errno::EINVAL),
            IdType::Pid(pid) => Which::Pid(pid as u32),
            IdType::Pgid(0) => Which::Pgid(self.process_of(caller).pgid),
            IdType::Pgid(pgid) => Which::Pgid(pgid as u32),
            IdType::Handle(task) => Which::Handle(task),
        };
        self.wait(caller, Request { which, options })
    }

    /// The blocked wait of a task goes on: it was woken.
    pub fn look_again(&mut self, task: TaskKey) -> Result<Waited, Errno> {
        self.running(task)?;
        let request = self.tasks[task].blocked.take().ok_or(Errno::E_STATE)?;
        self.wait(task, request)
    }

    /// A signal handler runs: the blocked wait looks once more, and ends with EINTR if there is nothing yet.
    pub fn interrupt(&mut self, task: TaskKey) -> Result<Waited, Errno> {
        match self.look_again(task)? {
            Waited::Blocked => {
                self.tasks[task].blocked = None;
                Err(Errno::EINTR)
            }
            ended => Ok(ended),
        }
    }

    fn wait(&mut self, caller: TaskKey, request: Request) -> Result<Waited, Errno> {
        match self.search(caller, request) {
            Search::Found(child) => Ok(Waited::Child(self.report(caller, request, child))),
            Search::None => Err(Errno::ECHILD),
            Search::NotYet if request.options.contains(WaitOptions::WNOHANG) => Ok(Waited::Nothing),
            Search::NotYet => {
                self.tasks[caller].blocked = Some(request);
                Ok(Waited::Blocked)
            }
        }
    }

    /// Looks at the children in Linux's order: those of the calling thread, then those of the threads
    /// after it, round to the one before it; each thread's in the order it forked or inherited them.
    /// A wait for one number goes straight there.
    fn search(&self, caller: TaskKey, request: Request) -> Search {
        let named = match request.which {
            Which::Pid(pid) => self.numbers.get(pid).and_then(|number| number.task),
            Which::Handle(task) => Some(task),
            Which::All | Which::Pgid(_) => {
                let threads = self.threads_asked(caller, request);
                let children = threads.iter().flat_map(|&thread| self.tasks[thread].children.values());
                return self.first_waitable(request, children.copied());
            }
        };
        let child = named.and_then(|task| self.child_led_by(task, caller, request));
        self.first_waitable(request, child.into_iter())
    }

    fn first_waitable(&self, request: Request, children: impl Iterator<Item = ProcessKey>) -> Search {
        let mut result = Search::None;
        for child in children.filter(|&child| self.is_eligible(request, child)) {
            let dead = self.is_dead(child);
            if dead && request.options.contains(WaitOptions::WEXITED) {
                return Search::Found(child);
            }
            // A dead child will neither stop nor continue: it is no reason to wait for that. A zombie
            // leader whose threads live is not dead.
            if !dead {
                result = Search::NotYet;
            }
        }
        result
    }

    /// The process whose leader this is, if it is a child that the caller may wait for. Threads that
    /// are not leaders are nobody's children.
    fn child_led_by(&self, task: TaskKey, caller: TaskKey, request: Request) -> Option<ProcessKey> {
        let process = self.tasks.get(task)?.process;
        let parent = self.processes[process].parent?;
        let mine = parent == caller || !request.only_own_children() && self.same_process(parent, caller);
        (mine && self.processes[process].leader == task).then_some(process)
    }

    fn threads_asked(&self, caller: TaskKey, request: Request) -> Vec<TaskKey> {
        if request.only_own_children() {
            return vec![caller];
        }
        let mut threads = self.process_of(caller).threads.clone();
        let first = threads.iter().position(|&thread| thread == caller).expect("the caller is one of them");
        threads.rotate_left(first);
        threads
    }

    /// The number or the group fits.
    pub(crate) fn is_asked_for(&self, request: Request, child: ProcessKey) -> bool {
        match request.which {
            Which::All => true,
            Which::Pid(pid) => self.pid(child) == pid,
            Which::Pgid(pgid) => self.processes[child].pgid == pgid,
            Which::Handle(task) => self.processes[child].leader == task,
        }
    }

    /// That, and the kind: `__WCLONE` is for children with another exit signal than SIGCHLD, `__WALL`
    /// for both kinds, neither for ordinary ones.
    fn is_eligible(&self, request: Request, child: ProcessKey) -> bool {
        let is_clone_child = self.processes[child].exit_signal != Some(Signal::SIGCHLD);
        self.is_asked_for(request, child)
            && (request.options.contains(WaitOptions::WALL)
                || is_clone_child == request.options.contains(WaitOptions::WCLONE))
    }

    fn report(&mut self, caller: TaskKey, request: Request, child: ProcessKey) -> Reported {
        let reported = Reported {
            task: self.processes[child].leader,
            pid: self.pid(child),
            uid: self.processes[child].uid,
            status: self.status(child),
            usage: self.whole_usage(child),
        };
        if !request.options.contains(WaitOptions::WNOWAIT) {
            self.reap(child, Some(caller));
        }
        reported
    }
}
