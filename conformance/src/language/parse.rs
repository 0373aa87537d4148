//! From text to scenario.

use std::str::{FromStr, SplitWhitespace};

use ptexit_core::uapi::{Signal, SignalSet, TraceOptions};

use super::arguments::{
    Action, Disposition, MaskHow, Target, Trace, UsageOf, signals_from_text, trace_options_from_text,
};
use super::flags::flags_from_text;
use super::name::Name;
use super::operation::{ChildSpec, IdSpec, Operation, Sigchld};
use super::script::{Line, Script, Statement};

/// Why a text is not a scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

const OPERATIONS: &str = "fork, sibling, thread, exec, exit, exit_begin, exit_finish, exit_group, \
     exit_group_begin, kill, wait4, waitid, interrupt, sigchld, subreaper, pdeathsig, setpgid, setsid, uid, burn, vfork, sigaction, mask, dequeue, \
     signal, tgkill, dumpable, ptrace, unshare_pid, setns, reboot, pidfd_poll, pidfd_info, getrusage, look, kill_tree";

impl FromStr for Script {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Script, ParseError> {
        let mut script = Script::default();
        for (index, raw) in text.lines().enumerate() {
            let fail = |what| ParseError { line: index + 1, what };
            let line = raw.trim();
            if let Some(comment) = line.strip_prefix('#') {
                if script.lines.is_empty() {
                    script.title.push(comment.trim().to_string());
                }
            } else if let Some(trace) = line.strip_prefix('>') {
                let expected = script.expected.last_mut();
                expected
                    .ok_or_else(|| fail("a `>` line tells what came of the line above it; there is none".into()))?
                    .push(trace.trim().to_string());
            } else if !line.is_empty() {
                script.lines.push(parse_line(line).map_err(fail)?);
                script.expected.push(Vec::new());
            }
        }
        Ok(script)
    }
}

fn parse_line(line: &str) -> Result<Line, String> {
    let line = line.split('#').next().unwrap_or_default();
    let Some(branches) = line.strip_prefix("par ") else {
        return line.parse().map(Line::Step);
    };
    let branches: Result<Vec<Vec<Statement>>, String> =
        branches.split("||").map(|branch| branch.split(';').map(str::parse).collect()).collect();
    let branches = branches?;
    if branches.len() < 2 {
        return Err("`par` needs two branches or more: `par a exit 0 || b wait4 any`".into());
    }
    Ok(Line::Par(branches))
}

impl FromStr for Statement {
    type Err = String;

    fn from_str(text: &str) -> Result<Statement, String> {
        let mut words = Words { words: text.split_whitespace(), text };
        let actor = words.name("who acts")?;
        let operation = operation(&mut words)?;
        match words.words.next() {
            Some(extra) => Err(format!("`{extra}` is one word too many in `{}`", text.trim())),
            None => Ok(Statement { actor, operation }),
        }
    }
}

fn operation(words: &mut Words<'_>) -> Result<Operation, String> {
    let verb = words.next("an operation")?;
    Ok(match verb {
        "fork" => Operation::Fork(
            words.name("the child's name")?,
            words.optional(parse_signal_or_none)?.unwrap_or(Some(Signal::SIGCHLD)),
        ),
        "sibling" => Operation::Sibling(words.name("the new process's name")?),
        "thread" => Operation::Thread(words.name("the thread's name")?),
        "exec" => Operation::Exec,
        "exit" => Operation::Exit(words.number("an exit code")?),
        "exit_begin" => Operation::ExitBegin(words.number("an exit code")?),
        "exit_finish" => Operation::ExitFinish,
        "exit_group" => Operation::ExitGroup(words.number("an exit code")?),
        "exit_group_begin" => Operation::ExitGroupBegin(words.number("an exit code")?),
        "kill" => Operation::Kill(
            words.name("who dies")?,
            parse_signal(words.next("a signal")?)?,
            words.optional(parse_core)?.is_some(),
        ),
        "wait4" => Operation::Wait4(parse_child_spec(words.next("which child")?)?, words.flags()?),
        "waitid" => Operation::Waitid(parse_id_spec(words)?, words.flags()?),
        "interrupt" => Operation::Interrupt(words.name("whose wait ends")?),
        "sigchld" => Operation::Sigchld(parse_sigchld(words)?),
        "subreaper" => Operation::Subreaper(words.number::<u8>("1 or 0")? != 0),
        "pdeathsig" => Operation::Pdeathsig(parse_signal_or_none(words.next("a signal, or 0")?)?),
        "setpgid" => Operation::Setpgid(words.name_or_own("a process, or 0")?, words.name_or_own("a group, or 0")?),
        "setsid" => Operation::Setsid,
        "uid" => Operation::Uid(words.number("a user ID")?),
        "burn" => Operation::Burn(
            words.number("milliseconds")?,
            words.optional(|word| word.parse().map_err(|_| format!("`{word}` is not a number of KiB")))?.unwrap_or(0),
        ),
        "vfork" => Operation::Vfork(words.name("the child's name")?),
        "sigaction" => Operation::Sigaction(parse_signal(words.next("a signal")?)?, parse_action(words)?),
        "mask" => Operation::Mask(parse_mask_how(words.next("block, unblock or set")?)?, words.signals()?),
        "dequeue" => Operation::Dequeue(words.signals()?),
        "signal" => Operation::Signal(
            parse_target(words.next("a process, a group, 0 or -1")?)?,
            parse_signal_or_none(words.next("a signal, or 0")?)?,
        ),
        "tgkill" => Operation::Tgkill(words.name("a thread")?, parse_signal_or_none(words.next("a signal, or 0")?)?),
        "dumpable" => Operation::Dumpable(words.number::<u8>("1 or 0")? != 0),
        "ptrace" => Operation::Ptrace(parse_trace(words)?),
        "unshare_pid" => Operation::UnsharePid,
        "setns" => Operation::Setns(words.name("a task in that namespace")?),
        "reboot" => Operation::Reboot(parse_signal(words.next("SIGHUP or SIGINT")?)?),
        "pidfd_poll" => {
            let name = words.name("a task")?;
            match words.optional(parse_thread)? {
                Some(()) => Operation::PidfdPollThread(name),
                None => Operation::PidfdPoll(name),
            }
        }
        "pidfd_info" => Operation::PidfdInfo(words.name("a process")?),
        "getrusage" => Operation::Getrusage(parse_usage_of(words.next("self or children")?)?),
        "look" => Operation::Look(words.name("a task")?),
        "kill_tree" => Operation::KillTree(words.number("an exit code")?),
        _ => return Err(format!("`{verb}` is not an operation; write one of {OPERATIONS}")),
    })
}

/// What is left of a line.
struct Words<'a> {
    words: SplitWhitespace<'a>,
    text: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        self.words.next().ok_or_else(|| format!("`{}` ends where {what} should follow", self.text.trim()))
    }

    fn optional<T>(&mut self, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
        self.words.next().map(parse).transpose()
    }

    fn name(&mut self, what: &str) -> Result<Name, String> {
        let word = self.next(what)?;
        parse_name(word)
    }

    fn name_or_own(&mut self, what: &str) -> Result<Option<Name>, String> {
        match self.next(what)? {
            "0" => Ok(None),
            word => parse_name(word).map(Some),
        }
    }

    fn number<T: FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("`{word}` is not {what}"))
    }

    fn signals(&mut self) -> Result<SignalSet, String> {
        signals_from_text(self.next("signals, as SIGUSR1|SIGTERM")?, parse_signal)
    }

    fn signal(&mut self) -> Result<Option<Signal>, String> {
        Ok(self.optional(parse_signal_or_none)?.flatten())
    }

    fn trace_options(&mut self) -> Result<TraceOptions, String> {
        let parse = |word: &str| {
            trace_options_from_text(word)
                .ok_or_else(|| format!("`{word}` is not a set of ptrace options; write them as FORK|EXITKILL, or 0"))
        };
        Ok(self.optional(parse)?.unwrap_or_default())
    }

    fn flags(&mut self) -> Result<u32, String> {
        let parse = |word: &str| {
            flags_from_text(word)
                .ok_or_else(|| format!("`{word}` is not a set of options; write them as WNOHANG|__WALL"))
        };
        Ok(self.optional(parse)?.unwrap_or(0))
    }
}

fn parse_name(word: &str) -> Result<Name, String> {
    Name::new(word)
        .ok_or_else(|| format!("`{word}` is not a name; names are up to 15 letters, digits and `_`, a letter first"))
}

fn parse_signal(word: &str) -> Result<Signal, String> {
    let numbered = || word.strip_prefix("SIG").unwrap_or(word).parse().ok().and_then(Signal::new);
    Signal::from_name(word)
        .or_else(|| Signal::from_name(&format!("SIG{word}")))
        .or_else(numbered)
        .ok_or_else(|| format!("`{word}` is not a signal; write a name such as SIGUSR1, or a number from 1 to 64"))
}

fn parse_signal_or_none(word: &str) -> Result<Option<Signal>, String> {
    if word == "0" { Ok(None) } else { parse_signal(word).map(Some) }
}

fn parse_core(word: &str) -> Result<(), String> {
    if word == "core" { Ok(()) } else { Err(format!("`{word}` after the signal; only `core` may follow it")) }
}

fn parse_child_spec(word: &str) -> Result<ChildSpec, String> {
    if word == "any" || word == "-1" {
        return Ok(ChildSpec::Any);
    }
    if let Ok(number) = word.parse() {
        return Ok(ChildSpec::Raw(number));
    }
    match word.strip_prefix('-') {
        Some(group) => parse_name(group).map(ChildSpec::Group),
        None => parse_name(word).map(ChildSpec::Child),
    }
}

fn parse_id_spec(words: &mut Words<'_>) -> Result<IdSpec, String> {
    let kind = words.next("ALL, PID, PGID or PIDFD")?;
    match kind {
        "ALL" => Ok(IdSpec::All),
        "PIDFD" => words.name("a task").map(IdSpec::Pidfd),
        "PID" | "PGID" => {
            let word = words.next("a name or a number")?;
            Ok(match (kind, word.parse()) {
                ("PID", Ok(number)) => IdSpec::RawPid(number),
                ("PID", Err(_)) => IdSpec::Pid(parse_name(word)?),
                (_, Ok(number)) => IdSpec::RawPgid(number),
                (_, Err(_)) => IdSpec::Pgid(parse_name(word)?),
            })
        }
        _ => Err(format!("`{kind}` is not an id type; write ALL, PID, PGID or PIDFD")),
    }
}

fn parse_sigchld(words: &mut Words<'_>) -> Result<Sigchld, String> {
    let mut action = Sigchld::default();
    match words.next("dfl, ign or hnd")? {
        "ign" => action.ignore = true,
        "dfl" | "hnd" => {}
        other => return Err(format!("`{other}` is not a disposition; write dfl, ign or hnd")),
    }
    for flag in words.words.by_ref() {
        match flag {
            "nocldwait" => action.no_cld_wait = true,
            "nocldstop" => action.no_cld_stop = true,
            _ => return Err(format!("`{flag}` is not a flag of sigaction here; write nocldwait or nocldstop")),
        }
    }
    Ok(action)
}

fn parse_action(words: &mut Words<'_>) -> Result<Action, String> {
    let disposition = match words.next("dfl, ign or hnd")? {
        "dfl" => Disposition::Default,
        "ign" => Disposition::Ignore,
        "hnd" => Disposition::Handle,
        other => return Err(format!("`{other}` is not a disposition; write dfl, ign or hnd")),
    };
    let mut action = Action { disposition, ..Action::default() };
    for flag in words.words.by_ref() {
        match flag {
            "nocldwait" => action.no_cld_wait = true,
            "nocldstop" => action.no_cld_stop = true,
            "restart" => action.restart = true,
            _ => return Err(format!("`{flag}` is not a flag here; write nocldwait, nocldstop or restart")),
        }
    }
    Ok(action)
}

fn parse_mask_how(word: &str) -> Result<MaskHow, String> {
    match word {
        "block" => Ok(MaskHow::Block),
        "unblock" => Ok(MaskHow::Unblock),
        "set" => Ok(MaskHow::Set),
        _ => Err(format!("`{word}` is not what can be done to a mask; write block, unblock or set")),
    }
}

fn parse_target(word: &str) -> Result<Target, String> {
    match (word, word.strip_prefix('-')) {
        ("0", _) => Ok(Target::OwnGroup),
        ("-1", _) => Ok(Target::Everybody),
        (_, Some(group)) => parse_name(group).map(Target::Group),
        (_, None) => parse_name(word).map(Target::Process),
    }
}

fn parse_trace(words: &mut Words<'_>) -> Result<Trace, String> {
    let request = words.next("a ptrace request")?;
    if request == "traceme" {
        return Ok(Trace::TraceMe);
    }
    let tracee = words.name("a tracee")?;
    Ok(match request {
        "attach" => Trace::Attach(tracee),
        "seize" => Trace::Seize(tracee, words.trace_options()?),
        "interrupt" => Trace::Interrupt(tracee),
        "listen" => Trace::Listen(tracee),
        "cont" => Trace::Cont(tracee, words.signal()?),
        "detach" => Trace::Detach(tracee, words.signal()?),
        "setoptions" => Trace::SetOptions(tracee, words.trace_options()?),
        "geteventmsg" => Trace::Message(tracee),
        _ => {
            return Err(format!(
                "`{request}` is not a ptrace request; write traceme, attach, seize, interrupt, listen, cont, detach, \
                 setoptions or geteventmsg"
            ));
        }
    })
}

fn parse_thread(word: &str) -> Result<(), String> {
    if word == "thread" { Ok(()) } else { Err(format!("`{word}` after the task; only `thread` may follow it")) }
}

fn parse_usage_of(word: &str) -> Result<UsageOf, String> {
    match word {
        "self" => Ok(UsageOf::Process),
        "children" => Ok(UsageOf::Children),
        _ => Err(format!("`{word}` is not whose usage it can be; write self or children")),
    }
}
