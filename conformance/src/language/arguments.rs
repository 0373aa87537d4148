//! Arguments of the operations about signals and ptrace.

use core::fmt;

use ptexit_core::uapi::{Signal, SignalSet, TraceOptions};

use super::name::Name;

/// What a process does about a signal; sigaction(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// `SIG_DFL`.
    #[default]
    Default,
    /// `SIG_IGN`.
    Ignore,
    /// A handler, which is recorded when it runs.
    Handle,
}

/// What sigaction(2) sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// What becomes of the signal.
    pub disposition: Disposition,
    /// `SA_NOCLDWAIT`.
    pub no_cld_wait: bool,
    /// `SA_NOCLDSTOP`.
    pub no_cld_stop: bool,
    /// `SA_RESTART`: a wait that the handler interrupts goes on.
    pub restart: bool,
}

/// The first argument of kill(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This task's process.
    Process(Name),
    /// Every process in the process group of this name (a negative number).
    Group(Name),
    /// Every process in the caller's process group (0).
    OwnGroup,
    /// Every process but init and the caller's own (-1).
    Everybody,
}

/// The first argument of sigprocmask(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskHow {
    /// `SIG_BLOCK`.
    Block,
    /// `SIG_UNBLOCK`.
    Unblock,
    /// `SIG_SETMASK`.
    Set,
}

/// A request of ptrace(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// `PTRACE_TRACEME`.
    TraceMe,
    /// `PTRACE_ATTACH`.
    Attach(Name),
    /// `PTRACE_SEIZE` with these options.
    Seize(Name, TraceOptions),
    /// `PTRACE_INTERRUPT`.
    Interrupt(Name),
    /// `PTRACE_LISTEN`.
    Listen(Name),
    /// `PTRACE_CONT`, with a signal to deliver or without.
    Cont(Name, Option<Signal>),
    /// `PTRACE_DETACH`, with a signal to deliver or without.
    Detach(Name, Option<Signal>),
    /// `PTRACE_SETOPTIONS`.
    SetOptions(Name, TraceOptions),
    /// `PTRACE_GETEVENTMSG`.
    Message(Name),
}

impl Trace {
    /// The tracee that the request is about.
    pub fn tracee(self) -> Option<Name> {
        match self {
            Trace::TraceMe => None,
            Trace::Attach(name)
            | Trace::Seize(name, _)
            | Trace::Interrupt(name)
            | Trace::Listen(name)
            | Trace::Cont(name, _)
            | Trace::Detach(name, _)
            | Trace::SetOptions(name, _)
            | Trace::Message(name) => Some(name),
        }
    }
}

/// Whose usage getrusage(2) is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageOf {
    /// `RUSAGE_SELF`.
    Process,
    /// `RUSAGE_CHILDREN`.
    Children,
}

const OPTIONS: [(&str, TraceOptions); 9] = [
    ("SYSGOOD", TraceOptions::SYSGOOD),
    ("FORK", TraceOptions::FORK),
    ("VFORK", TraceOptions::VFORK),
    ("CLONE", TraceOptions::CLONE),
    ("EXEC", TraceOptions::EXEC),
    ("VFORKDONE", TraceOptions::VFORK_DONE),
    ("EXIT", TraceOptions::EXIT),
    ("SECCOMP", TraceOptions::SECCOMP),
    ("EXITKILL", TraceOptions::EXITKILL),
];

/// The options of a text such as `FORK|EXITKILL`; `0` is none.
pub(super) fn trace_options_from_text(text: &str) -> Option<TraceOptions> {
    if text == "0" {
        return Some(TraceOptions::empty());
    }
    text.split('|').try_fold(TraceOptions::empty(), |options, word| {
        let (_, option) = OPTIONS.iter().find(|(name, _)| *name == word)?;
        Some(options | *option)
    })
}

fn trace_options_to_text(options: TraceOptions) -> String {
    let words: Vec<&str> =
        OPTIONS.iter().filter(|(_, option)| options.contains(*option)).map(|(name, _)| *name).collect();
    if words.is_empty() { "0".to_string() } else { words.join("|") }
}

/// The signals of a text such as `SIGUSR1|SIGTERM`; `all` and `none` are sets too.
pub(super) fn signals_from_text(
    text: &str,
    signal: impl Fn(&str) -> Result<Signal, String>,
) -> Result<SignalSet, String> {
    match text {
        "all" => Ok(SignalSet::ALL),
        "none" => Ok(SignalSet::EMPTY),
        _ => text.split('|').try_fold(SignalSet::EMPTY, |set, word| Ok(set.with(signal(word)?))),
    }
}

/// A set of signals, as [`signals_from_text`] reads it.
pub(super) struct Signals(pub SignalSet);

impl fmt::Display for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == SignalSet::ALL { f.write_str("all") } else { write!(f, "{}", self.0) }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.disposition {
            Disposition::Default => "dfl",
            Disposition::Ignore => "ign",
            Disposition::Handle => "hnd",
        })?;
        let flags = [(self.no_cld_wait, " nocldwait"), (self.no_cld_stop, " nocldstop"), (self.restart, " restart")];
        flags.iter().filter(|(set, _)| *set).try_for_each(|(_, text)| f.write_str(text))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Process(name) => write!(f, "{name}"),
            Target::Group(name) => write!(f, "-{name}"),
            Target::OwnGroup => f.write_str("0"),
            Target::Everybody => f.write_str("-1"),
        }
    }
}

impl fmt::Display for MaskHow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MaskHow::Block => "block",
            MaskHow::Unblock => "unblock",
            MaskHow::Set => "set",
        })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |f: &mut fmt::Formatter<'_>, verb, name, signal: Option<Signal>| match signal {
            Some(signal) => write!(f, "{verb} {name} {signal}"),
            None => write!(f, "{verb} {name}"),
        };
        match *self {
            Trace::TraceMe => f.write_str("traceme"),
            Trace::Attach(name) => write!(f, "attach {name}"),
            Trace::Seize(name, options) if options.is_empty() => write!(f, "seize {name}"),
            Trace::Seize(name, options) => write!(f, "seize {name} {}", trace_options_to_text(options)),
            Trace::Interrupt(name) => write!(f, "interrupt {name}"),
            Trace::Listen(name) => write!(f, "listen {name}"),
            Trace::Cont(name, signal) => with(f, "cont", name, signal),
            Trace::Detach(name, signal) => with(f, "detach", name, signal),
            Trace::SetOptions(name, options) => write!(f, "setoptions {name} {}", trace_options_to_text(options)),
            Trace::Message(name) => write!(f, "geteventmsg {name}"),
        }
    }
}

impl fmt::Display for UsageOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UsageOf::Process => "self",
            UsageOf::Children => "children",
        })
    }
}
