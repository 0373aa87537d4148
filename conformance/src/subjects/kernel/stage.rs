//! Where puppets play: the shared memory, the launcher that lives outside of every scenario, and for each
//! scenario a PID namespace of its own.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal, getpid, pidfd_getfd, pidfd_open, pidfd_send_signal,
    prlimit,
};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::layout::{AT_RESULT, order};
use super::shared::{Memory, Order};
use super::watch::Watch;

/// The puppet program; empty where there is none for this machine.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/puppet"));

/// How long anything may take before it counts as hanging.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const LAUNCHER: usize = 0;
pub(super) const INIT: usize = 1;

const CLONE_NEWPID: u64 = 0x2000_0000;
const SYS_CLOSE: u64 = 3;
const SYS_WAIT4: u64 = 61;
const SYS_SETSID: u64 = 112;
const SYS_FSOPEN: u64 = 430;
const SYS_FSCONFIG: u64 = 431;
const SYS_FSMOUNT: u64 = 432;
const FSCONFIG_CMD_CREATE: u64 = 6;
const SIGCHLD: u64 = 17;
const WALL: u64 = 0x4000_0000;

/// Everything that outlives one scenario.
#[derive(Debug)]
pub struct Stage {
    pub(super) memory: Memory,
    folder: PathBuf,
    launcher: Child,
    /// Kept open: the puppets have them, and execute the program again and again.
    _files: [OwnedFd; 3],
    /// Slots below this one have been used.
    pub(super) used: usize,
    watch: Arc<Watch>,
}

/// One PID namespace, in which init waits for orders.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) pid: Pid,
    pub(super) init: OwnedFd,
    /// Its procfs, in its own numbers.
    pub(super) proc: OwnedFd,
    /// What wait4(2) said of init, once it is reaped.
    status: Option<u32>,
}

impl Stage {
    /// Sets the stage; the calling thread and all puppets run on this processor from now on.
    ///
    /// # Errors
    /// Why it cannot be done on this machine.
    pub fn new(cpu: usize) -> Result<Stage, String> {
        Stage::watched(cpu, Arc::default())
    }

    /// The same, under the eyes of a watchdog.
    ///
    /// # Errors
    /// As [`Stage::new`].
    pub fn watched(cpu: usize, watch: Arc<Watch>) -> Result<Stage, String> {
        if PROGRAM.is_empty() {
            return Err("there are puppets for x86-64 Linux only".into());
        }
        let why = |what: &'static str| move |error: io::Error| format!("{what}: {error}");
        let mut cpus = CpuSet::new();
        cpus.set(cpu);
        sched_setaffinity(None, &cpus).map_err(io::Error::from).map_err(why("sched_setaffinity"))?;

        static STAGES: AtomicU32 = AtomicU32::new(0);
        let number = STAGES.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("scenario-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(why("a folder for core dumps"))?;

        // Inherited by the launcher, and by it alone: nobody else is started.
        let memfd = |name| memfd_create(name, MemfdFlags::empty()).map_err(io::Error::from);
        let memory_file = memfd("puppets").map_err(why("memfd_create"))?;
        let mut program = File::from(memfd("puppet").map_err(why("memfd_create"))?);
        program.write_all(PROGRAM).map_err(why("the puppet program"))?;
        let own = pidfd_open(getpid(), PidfdFlags::empty()).map_err(io::Error::from).map_err(why("pidfd_open"))?;
        fcntl_setfd(&own, FdFlags::empty()).map_err(io::Error::from).map_err(why("fcntl"))?;
        let memory = Memory::map(memory_file.as_fd()).map_err(why("mmap"))?;
        let fds = [memory_file.as_raw_fd(), program.as_raw_fd(), own.as_raw_fd()];
        let launcher = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
            .arg0("1")
            .args(fds.iter().map(i32::to_string))
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(why("the launcher"))?;
        // Nobody dumps core who has not asked for it.
        let pid = Pid::from_raw(launcher.id() as i32);
        prlimit(pid, Resource::Core, Rlimit { current: Some(0), maximum: None })
            .map_err(io::Error::from)
            .map_err(why("prlimit"))?;
        let stage = Stage { memory, folder, launcher, _files: [memory_file, program.into(), own], used: 2, watch };
        // Whether a namespace can be made shows at once, not in the middle of the first scenario.
        let mut stage = stage;
        let mut namespace = stage.open()?;
        stage.close(&mut namespace)?;
        Ok(stage)
    }

    /// Gives an order and sleeps until it is carried out.
    pub(super) fn run(&self, slot: usize, order: &Order) -> Result<i64, String> {
        self.memory.give(slot, order);
        if self.memory.wait_idle(slot, PATIENCE) {
            Ok(self.memory.result(slot))
        } else {
            Err(format!("puppet {slot} does not answer"))
        }
    }

    fn ask(&self, slot: usize, what: &str, order: &Order) -> Result<u64, String> {
        let result = self.run(slot, order)?;
        u64::try_from(result).map_err(|_| {
            let error = io::Error::from_raw_os_error(-result as i32);
            format!("{what} is not permitted here: {error}")
        })
    }

    /// A new namespace; its init is the puppet of slot [`INIT`].
    pub(super) fn open(&mut self) -> Result<Namespace, String> {
        self.memory.clear(INIT, self.used);
        self.used = INIT + 1;
        let flags = CLONE_NEWPID | SIGCHLD;
        let order = Order::of(order::CLONE, 0, [flags, INIT as u64, 0]);
        let number = self.ask(LAUNCHER, "a PID namespace", &order)?;
        let pid = Pid::from_raw(number as i32).ok_or("clone returned nobody")?;
        let why = |what: &'static str| move |error: rustix::io::Errno| format!("{what}: {error}");
        let init = pidfd_open(pid, PidfdFlags::empty()).map_err(why("pidfd_open"))?;
        self.watch.begin(init.as_fd()).map_err(|error| format!("dup: {error}"))?;
        self.ask(INIT, "setsid", &Order::call(SYS_SETSID, []))?;
        // The scratch memory holds the name, and nothing else yet.
        let name = u64::from_le_bytes(*b"proc\0\0\0\0");
        self.memory.scratch(INIT)[AT_RESULT].store(name, Relaxed);
        let at = self.memory.scratch_address(INIT, AT_RESULT);
        let context = self.ask(INIT, "fsopen", &Order::call(SYS_FSOPEN, [at, 0]))?;
        self.ask(INIT, "procfs", &Order::call(SYS_FSCONFIG, [context, FSCONFIG_CMD_CREATE, 0, 0, 0]))?;
        let mount = self.ask(INIT, "fsmount", &Order::call(SYS_FSMOUNT, [context, 0, 0]))?;
        let proc = pidfd_getfd(&init, mount as i32, PidfdGetfdFlags::empty()).map_err(why("pidfd_getfd"))?;
        for descriptor in [context, mount] {
            self.ask(INIT, "close", &Order::call(SYS_CLOSE, [descriptor]))?;
        }
        Ok(Namespace { pid, init, proc, status: None })
    }

    /// Waits for the dead init of a namespace, and tells its wait status.
    pub(super) fn reap(&self, namespace: &mut Namespace) -> Result<u32, String> {
        if let Some(status) = namespace.status {
            return Ok(status);
        }
        let at = self.memory.scratch_address(LAUNCHER, AT_RESULT);
        let pid = namespace.pid.as_raw_pid() as u64;
        self.ask(LAUNCHER, "wait4", &Order::of(order::WAIT, SYS_WAIT4, [pid, at, WALL, 0]))?;
        let status = self.memory.scratch(LAUNCHER)[AT_RESULT].load(Relaxed) as u32;
        namespace.status = Some(status);
        Ok(status)
    }

    /// Ends a namespace and everybody in it.
    pub(super) fn close(&mut self, namespace: &mut Namespace) -> Result<(), String> {
        // It may be dead already.
        let _ = pidfd_send_signal(&namespace.init, Signal::KILL);
        let reaped = self.reap(namespace);
        self.watch.end();
        reaped.map(|_| ())
    }

    /// Where core dumps go.
    pub(super) fn forget_core(&self) {
        let _ = fs::remove_file(self.folder.join("core"));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Whoever is left dies with the launcher's namespaces' inits, which only the launcher knows: it has
        // none when the stage is given up in order.
        let _ = self.launcher.kill();
        let _ = self.launcher.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A copy of a descriptor that another process has.
pub(super) fn descriptor_of(process: BorrowedFd<'_>, number: i32) -> io::Result<OwnedFd> {
    pidfd_getfd(process, number, PidfdGetfdFlags::empty()).map_err(io::Error::from)
}
