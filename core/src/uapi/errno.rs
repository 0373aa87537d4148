//! Error numbers: Linux's own, and three of the library's beyond the range a guest can see.

use core::ffi::CStr;

macro_rules! errnos {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a call was refused. Numbers below 4096 are errno(3) values of Linux and may be handed to
        /// the guest as they are; the others mean that the host broke a rule of the interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[allow(non_camel_case_types)] // spelled as in C, where these numbers come from and go to
        #[repr(i32)]
        pub enum Errno {
            $($(#[$doc])* #[error($text)] $name = $number,)*
        }

        impl Errno {
            /// Every error of the library, in ascending order of number.
            pub const ALL: &[Errno] = &[$(Errno::$name,)*];

            /// The symbolic name, as a C header spells it.
            pub const fn name(self) -> &'static str {
                match self { $(Errno::$name => stringify!($name),)* }
            }

            /// What strerror(3) would say, for a C program.
            pub const fn text(self) -> &'static CStr {
                let text = match self { $(Errno::$name => concat!($text, "\0"),)* };
                match CStr::from_bytes_with_nul(text.as_bytes()) {
                    Ok(text) => text,
                    Err(_) => c"",
                }
            }
        }
    };
}

errnos! {
    /// The caller may not do this.
    EPERM = 1, "operation not permitted";
    /// No such task, or the handle is stale or forged.
    ESRCH = 3, "no such task";
    /// The call was overtaken by a signal or a group exit.
    EINTR = 4, "interrupted";
    /// A ptrace request that this tracee, attached as it is, does not take.
    EIO = 5, "input/output error";
    /// An extensible struct has a tail that this version does not know.
    E2BIG = 7, "structure has unknown non-zero fields";
    /// No matching child is left to wait for.
    ECHILD = 10, "no child processes";
    /// Nothing yet (the wait is armed), or a limit was reached.
    EAGAIN = 11, "resource temporarily unavailable";
    /// No memory, or the PID namespace is shutting down.
    ENOMEM = 12, "cannot allocate memory";
    /// The child has already performed execve(2).
    EACCES = 13, "permission denied";
    /// A pointer that must not be NULL is.
    EFAULT = 14, "bad address";
    /// The process ID is taken.
    EEXIST = 17, "already exists";
    /// An argument is not one of the documented values.
    EINVAL = 22, "invalid argument";
    /// This version cannot do that yet.
    ENOSYS = 38, "function not implemented";
    /// The host called out of turn: a phase skipped, or one task's own calls from two threads at once.
    E_STATE = 4096, "call out of turn for this task";
    /// Header and library do not fit together, or a mandatory hook is missing.
    E_ABI = 4097, "incompatible use of the ABI";
    /// A bug in the library was caught at the boundary; the context refuses further work.
    E_PANIC = 4098, "internal error, context is poisoned";
}

impl Errno {
    /// The number, positive.
    pub const fn number(self) -> i32 {
        self as i32
    }
}
