//! Numbers that are part of the ABI, and the functions that explain them.

use std::ffi::{c_char, c_int};

use ptexit_core::uapi::{ChildCode, Errno, SI_KERNEL, SI_TKILL, SI_USER, Signal, WaitOptions};

/// The caller may not do this.
pub const PTEXIT_EPERM: i32 = -1;
/// No such task, or the handle is stale or forged.
pub const PTEXIT_ESRCH: i32 = -3;
/// The call was overtaken by a group exit.
pub const PTEXIT_EINTR: i32 = -4;
/// A ptrace request that this tracee, attached as it is, does not take.
pub const PTEXIT_EIO: i32 = -5;
/// A struct is longer than the library knows, and its tail is not zero.
pub const PTEXIT_E2BIG: i32 = -7;
/// No matching child is left to wait for.
pub const PTEXIT_ECHILD: i32 = -10;
/// Nothing yet: the wait is armed. Or: a limit on tasks or process IDs was reached.
pub const PTEXIT_EAGAIN: i32 = -11;
/// No memory.
pub const PTEXIT_ENOMEM: i32 = -12;
/// The child has already performed execve(2).
pub const PTEXIT_EACCES: i32 = -13;
/// A pointer is NULL or misaligned, or does not point to a context.
pub const PTEXIT_EFAULT: i32 = -14;
/// The process ID is taken, or there is an init already.
pub const PTEXIT_EEXIST: i32 = -17;
/// An argument is not one of the documented values.
pub const PTEXIT_EINVAL: i32 = -22;
/// This version cannot do that.
pub const PTEXIT_ENOSYS: i32 = -38;
/// The program called out of turn for this task. Never to be shown to a guest.
pub const PTEXIT_E_STATE: i32 = -4096;
/// Header and library do not fit together, or a mandatory hook is missing.
pub const PTEXIT_E_ABI: i32 = -4097;
/// A bug in the library was caught; the context only accepts ptexit_ctx_free().
pub const PTEXIT_E_PANIC: i32 = -4098;

/// Linux's number of SIGKILL.
pub const PTEXIT_SIGKILL: u32 = 9;
/// Linux's number of SIGCHLD.
pub const PTEXIT_SIGCHLD: u32 = 17;
/// Linux's number of SIGCONT.
pub const PTEXIT_SIGCONT: u32 = 18;
/// Linux's number of SIGSTOP.
pub const PTEXIT_SIGSTOP: u32 = 19;

/// `code` of a child that called exit(3); Linux's CLD_EXITED.
pub const PTEXIT_CLD_EXITED: i32 = 1;
/// `code` of a child that a signal killed; Linux's CLD_KILLED.
pub const PTEXIT_CLD_KILLED: i32 = 2;
/// `code` of a child that a signal killed and that dumped core; Linux's CLD_DUMPED.
pub const PTEXIT_CLD_DUMPED: i32 = 3;
/// `code` of a child that has stopped; Linux's CLD_STOPPED.
pub const PTEXIT_CLD_STOPPED: i32 = 5;
/// `code` of a child that goes on; Linux's CLD_CONTINUED.
pub const PTEXIT_CLD_CONTINUED: i32 = 6;
/// `code` of a parent-death signal, and of one sent by kill(2); Linux's SI_USER.
pub const PTEXIT_SI_USER: i32 = 0;
/// `code` of a signal sent by tgkill(2); Linux's SI_TKILL.
pub const PTEXIT_SI_TKILL: i32 = -6;
/// `code` of a signal of the kernel's own; Linux's SI_KERNEL.
pub const PTEXIT_SI_KERNEL: i32 = 0x80;

/// ptexit_wait_args.idtype: any child.
pub const PTEXIT_P_ALL: u32 = 0;
/// ptexit_wait_args.idtype: the child with process ID `id`.
pub const PTEXIT_P_PID: u32 = 1;
/// ptexit_wait_args.idtype: any child in process group `id`; 0 is the caller's own.
pub const PTEXIT_P_PGID: u32 = 2;
/// ptexit_wait_args.idtype: the child whose leader is the ptexit_task `id`; for P_PIDFD.
pub const PTEXIT_P_TASK: u32 = 3;

/// ptexit_wait_args.options: do not arm the wait when nothing is waitable yet.
pub const PTEXIT_WNOHANG: u32 = 0x0000_0001;
/// ptexit_wait_args.options: children that have stopped (WUNTRACED).
pub const PTEXIT_WSTOPPED: u32 = 0x0000_0002;
/// ptexit_wait_args.options: dead children.
pub const PTEXIT_WEXITED: u32 = 0x0000_0004;
/// ptexit_wait_args.options: children that SIGCONT lets go on.
pub const PTEXIT_WCONTINUED: u32 = 0x0000_0008;
/// ptexit_wait_args.options: leave the child waitable.
pub const PTEXIT_WNOWAIT: u32 = 0x0100_0000;
/// ptexit_wait_args.options: only children of the calling thread (__WNOTHREAD).
pub const PTEXIT_WNOTHREAD: u32 = 0x2000_0000;
/// ptexit_wait_args.options: children of either kind (__WALL).
pub const PTEXIT_WALL: u32 = 0x4000_0000;
/// ptexit_wait_args.options: only children whose exit signal is not SIGCHLD (__WCLONE).
pub const PTEXIT_WCLONE: u32 = 0x8000_0000;

// The numbers above are those of the core.
const _: () = {
    assert!(PTEXIT_EPERM == -Errno::EPERM.number() && PTEXIT_ESRCH == -Errno::ESRCH.number());
    assert!(PTEXIT_EIO == -Errno::EIO.number());
    assert!(PTEXIT_EINTR == -Errno::EINTR.number() && PTEXIT_E2BIG == -Errno::E2BIG.number());
    assert!(PTEXIT_ECHILD == -Errno::ECHILD.number() && PTEXIT_EAGAIN == -Errno::EAGAIN.number());
    assert!(PTEXIT_ENOMEM == -Errno::ENOMEM.number() && PTEXIT_EACCES == -Errno::EACCES.number());
    assert!(PTEXIT_EFAULT == -Errno::EFAULT.number() && PTEXIT_EEXIST == -Errno::EEXIST.number());
    assert!(PTEXIT_EINVAL == -Errno::EINVAL.number() && PTEXIT_ENOSYS == -Errno::ENOSYS.number());
    assert!(PTEXIT_E_STATE == -Errno::E_STATE.number() && PTEXIT_E_ABI == -Errno::E_ABI.number());
    assert!(PTEXIT_E_PANIC == -Errno::E_PANIC.number() && Errno::ALL.len() == 16);
    assert!(PTEXIT_SIGKILL == Signal::SIGKILL.number() && PTEXIT_SIGCHLD == Signal::SIGCHLD.number());
    assert!(PTEXIT_CLD_EXITED == ChildCode::Exited as i32 && PTEXIT_CLD_KILLED == ChildCode::Killed as i32);
    assert!(PTEXIT_SIGCONT == Signal::SIGCONT.number() && PTEXIT_SIGSTOP == Signal::SIGSTOP.number());
    assert!(PTEXIT_CLD_DUMPED == ChildCode::Dumped as i32 && PTEXIT_CLD_STOPPED == ChildCode::Stopped as i32);
    assert!(PTEXIT_CLD_CONTINUED == ChildCode::Continued as i32 && PTEXIT_SI_TKILL == SI_TKILL);
    assert!(PTEXIT_SI_USER == SI_USER && PTEXIT_SI_KERNEL == SI_KERNEL);
    assert!(PTEXIT_WNOHANG == WaitOptions::WNOHANG.bits() && PTEXIT_WSTOPPED == WaitOptions::WSTOPPED.bits());
    assert!(PTEXIT_WEXITED == WaitOptions::WEXITED.bits() && PTEXIT_WCONTINUED == WaitOptions::WCONTINUED.bits());
    assert!(PTEXIT_WNOWAIT == WaitOptions::WNOWAIT.bits() && PTEXIT_WNOTHREAD == WaitOptions::WNOTHREAD.bits());
    assert!(PTEXIT_WALL == WaitOptions::WALL.bits() && PTEXIT_WCLONE == WaitOptions::WCLONE.bits());
};

/// The version of the library: major << 24 | minor << 16 | patch << 8. Equal to PTEXIT_VERSION if header
/// and library belong together; while the major version is 0 the minor version must be the same.
///
/// Threads:   any thread may call, at any time.
/// Blocking:  never.
#[unsafe(no_mangle)]
pub extern "C" fn ptexit_version() -> u32 {
    const VERSION: u32 = number(env!("CARGO_PKG_VERSION_MAJOR")) << 24
        | number(env!("CARGO_PKG_VERSION_MINOR")) << 16
        | number(env!("CARGO_PKG_VERSION_PATCH")) << 8;
    VERSION
}

/// The version of the library in words: "0.1.0".
///
/// Ownership: the string is static.
/// Threads:   any thread may call, at any time.
/// Blocking:  never.
#[unsafe(no_mangle)]
pub extern "C" fn ptexit_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// What a returned code means, as strerror(3).
///
/// @param code  What a function of the library returned: 0 or a negative number.
///
/// @return an English text without a newline; never NULL, "unknown error" for any other number.
///
/// Ownership: the string is static.
/// Threads:   any thread may call, at any time.
/// Blocking:  never.
#[unsafe(no_mangle)]
pub extern "C" fn ptexit_strerror(code: c_int) -> *const c_char {
    let known = Errno::ALL.iter().find(|errno| errno.number() == code.wrapping_neg());
    match known {
        Some(errno) => errno.text().as_ptr(),
        None if code == 0 => c"success".as_ptr(),
        None => c"unknown error".as_ptr(),
    }
}

/// Reads a decimal number at compile time.
const fn number(digits: &str) -> u32 {
    let mut value = 0;
    let mut at = 0;
    while at < digits.len() {
        value = value * 10 + (digits.as_bytes()[at] - b'0') as u32;
        at += 1;
    }
    value
}
