//! The puppet: a program that does what its mailbox says, and makes no system call of its own but the
//! futex it sleeps on. `conformance/build.rs` compiles it; it uses no library at all, because its threads
//! have no thread-local storage and its processes share their stacks' memory with everybody.

#![no_std]
#![no_main]

#[path = "../layout.rs"]
mod layout;

use core::arch::{asm, global_asm};
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use core::sync::atomic::AtomicU64;

use layout::{BASE, LOG_LENGTH, Mailbox, SLOT_SIZE, Shared, Slot, action, order};

const SYS_CLOSE: u64 = 3;
const SYS_MMAP: u64 = 9;
const SYS_MUNMAP: u64 = 11;
const SYS_RT_SIGACTION: u64 = 13;
const SYS_RT_SIGRETURN: u64 = 15;
const SYS_MADVISE: u64 = 28;
const SYS_DUP2: u64 = 33;
const SYS_EXIT_GROUP: u64 = 231;
const SYS_WAIT4: u64 = 61;
const SYS_GETPGID: u64 = 121;
const SYS_SETRESUID: u64 = 117;
const SYS_GETUID: u64 = 102;
const SYS_PRCTL: u64 = 157;
const SYS_CLONE: u64 = 56;
const SYS_FUTEX: u64 = 202;
const SYS_CLOCK_GETTIME: u64 = 228;
const SYS_WAITID: u64 = 247;
const SYS_EXECVEAT: u64 = 322;
const SYS_PIDFD_GETFD: u64 = 438;

const PR_SET_PDEATHSIG: u64 = 1;
const PR_GET_PDEATHSIG: u64 = 2;
const PR_SET_DUMPABLE: u64 = 4;
const MADV_DONTDUMP: u64 = 16;
const MAP_SHARED_FIXED: u64 = 0x10_0000 | 1;
const EINTR: i64 = 4;
const P_PGID: u64 = 2;
const WEXITED: u64 = 4;

// The program begins here, on the stack that execve(2) made.
global_asm!(
    ".global _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {start}",
    "ud2",
    start = sym start,
);

// Where a handler returns to.
global_asm!(".global restore", "restore:", "mov eax, {number}", "syscall", number = const SYS_RT_SIGRETURN);

unsafe extern "C" {
    fn restore();
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    die(99)
}

/// SAFETY, for all of this file: it is one single-threaded-looking program whose every access to shared
/// memory is atomic; what the kernel writes through pointers lies in the mailbox of the caller.
fn call(number: u64, arguments: [u64; 6]) -> i64 {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the controller vouches for what it orders; the puppet's own calls are below.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

fn die(code: u64) -> ! {
    loop {
        call(SYS_EXIT_GROUP, [code, 0, 0, 0, 0, 0]);
    }
}

fn shared() -> &'static Shared {
    // SAFETY: mapped at this address before anything else is done, and never unmapped.
    unsafe { &*(BASE as *const Shared) }
}

fn slot(index: usize) -> &'static Slot {
    match shared().slots.get(index) {
        Some(slot) => slot,
        None => die(98),
    }
}

/// The slot whose stack this runs on.
fn own_index() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack)) };
    let first = &raw const shared().slots as usize;
    (sp - first) / SLOT_SIZE
}

/// The program was executed: `words` are argc, argv and so on. Arguments: `0 SLOT` when a puppet did it
/// itself, `1 MEMORY PROGRAM CONTROLLER` with descriptors when the controller did.
extern "C" fn start(words: *const u64) -> ! {
    // SAFETY: the layout of a new program's stack; the controller and `exec` below pass these arguments.
    let argument = |index: usize| unsafe { number(*words.add(1 + index) as *const u8) };
    let is_launcher = argument(0) == 1;
    let index = if is_launcher {
        for (at, fd) in [layout::FD_MEMORY, layout::FD_PROGRAM, layout::FD_CONTROLLER].into_iter().enumerate() {
            call(SYS_DUP2, [argument(1 + at), fd as u64, 0, 0, 0, 0]);
        }
        0
    } else {
        argument(1) as usize
    };
    let (size, shared_rw) = (size_of::<Shared>() as u64, 3);
    let at = call(SYS_MMAP, [BASE as u64, size, shared_rw, MAP_SHARED_FIXED, layout::FD_MEMORY as u64, 0]);
    if at != BASE as i64 {
        die(97);
    }
    // A core dump needs none of it, and must not be refused for a real user ID of somebody else's.
    call(SYS_MADVISE, [BASE as u64, size, MADV_DONTDUMP, 0, 0, 0]);
    call(SYS_PRCTL, [PR_SET_DUMPABLE, 1, 0, 0, 0, 0]);
    handle_all();
    let top = &raw const slot(index).stack as usize + size_of_val(&slot(index).stack);
    let go_on = if is_launcher { work as *const () as usize } else { resume as *const () as usize };
    // SAFETY: the stack of this slot is nobody else's; neither function returns.
    unsafe {
        asm!("mov rsp, {top}", "xor ebp, ebp", "call {go_on}", "ud2", top = in(reg) top, go_on = in(reg) go_on,
             options(noreturn))
    }
}

unsafe fn number(text: *const u8) -> u64 {
    let (mut value, mut at) = (0, text);
    loop {
        // SAFETY: the caller passes a text that ends with a zero.
        let byte = unsafe { *at };
        if !byte.is_ascii_digit() {
            return value;
        }
        value = value * 10 + u64::from(byte - b'0');
        // SAFETY: the zero was not reached.
        at = unsafe { at.add(1) };
    }
}

/// A program that was executed by order reports that as carried out.
extern "C" fn resume() -> ! {
    let mailbox = &slot(own_index()).mailbox;
    if mailbox.ordered.load(Acquire) != mailbox.done.load(Relaxed) {
        if call(SYS_GETUID, [0; 6]) != 0 {
            call(SYS_PRCTL, [PR_SET_PDEATHSIG, mailbox.scratch[layout::AT_RESULT].load(Relaxed), 0, 0, 0, 0]);
        }
        finish(mailbox, 0);
    }
    work()
}

/// A new puppet, or one that just executed the program: waits for orders for ever.
extern "C" fn work() -> ! {
    let index = own_index();
    let mailbox = &slot(index).mailbox;
    loop {
        let done = mailbox.done.load(Relaxed);
        if mailbox.ordered.load(Acquire) == done {
            let futex = &raw const mailbox.ordered as u64;
            call(SYS_FUTEX, [futex, 0, u64::from(done), 0, 0, 0]);
            continue;
        }
        let result = carry_out(index, mailbox);
        finish(mailbox, result);
    }
}

fn finish(mailbox: &Mailbox, result: i64) {
    mailbox.result.store(result, Relaxed);
    mailbox.done.store(mailbox.ordered.load(Relaxed), Release);
    call(SYS_FUTEX, [&raw const mailbox.done as u64, 1, 1, 0, 0, 0]);
}

fn carry_out(index: usize, mailbox: &Mailbox) -> i64 {
    let number = mailbox.number.load(Relaxed);
    let mut arguments = [0; 6];
    for (place, argument) in arguments.iter_mut().zip(&mailbox.arguments) {
        *place = argument.load(Relaxed);
    }
    match mailbox.what.load(Relaxed) {
        order::CALL => call(number, arguments),
        order::CLONE => clone(arguments[0], arguments[1] as usize, arguments[2]),
        order::EXEC => exec(index, mailbox),
        order::WAIT => wait(mailbox, number, arguments),
        order::ACTION => act_on(arguments[0], arguments[1], arguments[2]),
        order::BURN => burn(arguments[0], arguments[1]),
        _ => die(96),
    }
}

/// clone(2). The child, thread or process, starts on the stack of its own slot and knows nothing of this one.
fn clone(flags: u64, index: usize, pidfd: u64) -> i64 {
    let child = slot(index);
    let top = &raw const child.stack as usize + size_of_val(&child.stack);
    let result: i64;
    // SAFETY: the child's stack is its own; it never returns from `work`.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "call {work}",
            "ud2",
            "2:",
            work = sym work,
            inlateout("rax") SYS_CLONE => result,
            in("rdi") flags, in("rsi") top, in("rdx") pidfd, in("r10") 0, in("r8") 0,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// execve(2) of this very program, on the same slot.
fn exec(index: usize, mailbox: &Mailbox) -> i64 {
    let mut digits = [0_u8; 8];
    let (mut rest, mut at) = (index, 7);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let zero = b"0\0";
    let argv = [zero.as_ptr() as u64, digits[at..].as_ptr() as u64, 0];
    let nothing = [0_u8; 1];
    // Another real user ID than the effective one, which here stands for "another user", makes the kernel
    // clear the parent-death signal, as for a setuid program: `resume` puts it back.
    mailbox.scratch[layout::AT_RESULT].store(0, Relaxed);
    let pdeathsig = &raw const mailbox.scratch[layout::AT_RESULT] as u64;
    call(SYS_PRCTL, [PR_GET_PDEATHSIG, pdeathsig, 0, 0, 0, 0]);
    const AT_EMPTY_PATH: u64 = 0x1000;
    let (program, path) = (layout::FD_PROGRAM as u64, nothing.as_ptr() as u64);
    call(SYS_EXECVEAT, [program, path, argv.as_ptr() as u64, 0, AT_EMPTY_PATH, 0])
}

/// wait4(2) and waitid(2). A handler that is not an interruption lets the wait go on. The kernel looks up
/// group 0 when the call begins; so that a wait that goes on is still the same one, it is named then.
fn wait(mailbox: &Mailbox, number: u64, mut arguments: [u64; 6]) -> i64 {
    if core::mem::take(&mut arguments[5]) != 0 {
        // The descriptor is the controller's.
        let copy = call(SYS_PIDFD_GETFD, [layout::FD_CONTROLLER as u64, arguments[1], 0, 0, 0, 0]);
        if copy < 0 {
            return copy;
        }
        arguments[1] = copy as u64;
        let result = wait_for(mailbox, number, arguments);
        call(SYS_CLOSE, [copy as u64, 0, 0, 0, 0, 0]);
        return result;
    }
    wait_for(mailbox, number, arguments)
}

fn wait_for(mailbox: &Mailbox, mut number: u64, mut arguments: [u64; 6]) -> i64 {
    let own_group = match number {
        SYS_WAIT4 => arguments[0] as i32 == 0,
        _ => arguments[0] == P_PGID && arguments[1] == 0,
    };
    let group = if own_group { call(SYS_GETPGID, [0; 6]) } else { 0 };
    loop {
        let result = call(number, arguments);
        if result != -EINTR || mailbox.interrupted.load(Acquire) != 0 {
            return result;
        }
        if own_group && number == SYS_WAIT4 {
            // wait4(2) cannot name group 1. The controller sees that it is another call.
            let [_, _, options, usage, ..] = arguments;
            let info = &raw const mailbox.scratch[layout::AT_INFO] as u64;
            arguments = [P_PGID, group as u64, info, options | WEXITED, usage, 0];
            number = SYS_WAITID;
            mailbox.number.store(SYS_WAITID, Relaxed);
        } else if own_group {
            arguments[1] = group as u64;
        }
    }
}

/// Pure computing, so that every clock tick finds it in user mode.
fn burn(ms: u64, kib: u64) -> i64 {
    let own = [AtomicU64::new(0), AtomicU64::new(0)];
    let now = || {
        call(SYS_CLOCK_GETTIME, [3, own.as_ptr() as u64, 0, 0, 0, 0]);
        own[0].load(Relaxed) * 1000 + own[1].load(Relaxed) / 1_000_000
    };
    if kib > 0 {
        let (read_write, private) = (3, 0x22);
        let at = call(SYS_MMAP, [0, kib * 1024, read_write, private, u64::MAX, 0]);
        if at < 0 {
            return at;
        }
        for page in (0..kib * 1024).step_by(4096) {
            // SAFETY: just mapped, and nobody else's.
            unsafe { ((at as u64 + page) as *mut u8).write_volatile(1) };
        }
        call(SYS_MUNMAP, [at as u64, kib * 1024, 0, 0, 0, 0]);
    }
    let end = now() + ms;
    while now() < end {
        for _ in 0..200_000 {
            core::hint::spin_loop();
        }
    }
    0
}

#[repr(C)]
struct Action {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_RESTART: u64 = 0x1000_0000;

fn act_on(signal: u64, what: u64, flags: u64) -> i64 {
    if what == action::DEFAULT && layout::HARMLESS.contains(&signal) {
        // The kernel forgets what is pending of a signal that is to do nothing.
        set_action(signal, 0, flags);
    }
    let handler = match what {
        action::IGNORE => 1,
        action::HANDLE if flags & SA_RESTART != 0 => handle_and_go_on as *const () as u64,
        action::HANDLE => handle as *const () as u64,
        _ if observes(signal) => observe as *const () as u64,
        _ => 0,
    };
    set_action(signal, handler, flags)
}

fn observes(signal: u64) -> bool {
    shared().observes.load(Relaxed) != 0 && layout::HARMLESS.contains(&signal)
}

fn set_action(signal: u64, handler: u64, flags: u64) -> i64 {
    let restorer = restore as *const () as u64;
    let action = Action { handler, flags: SA_SIGINFO | SA_RESTORER | flags, restorer, mask: u64::MAX };
    call(SYS_RT_SIGACTION, [signal, &raw const action as u64, 0, 8, 0, 0])
}

/// Handlers for what only has to be seen; what was ignored stays so over execve(2).
fn handle_all() {
    for signal in [layout::SIGNAL_INTERRUPT, layout::SIGNAL_UID] {
        set_action(signal, observe as *const () as u64, 0);
    }
    for signal in layout::HARMLESS.into_iter().filter(|&signal| observes(signal)) {
        let old = Action { handler: 0, flags: 0, restorer: 0, mask: 0 };
        call(SYS_RT_SIGACTION, [signal, 0, &raw const old as u64, 8, 0, 0]);
        // SAFETY: written by the kernel behind the compiler's back.
        let handler = unsafe { (&raw const old.handler).read_volatile() };
        if handler != 1 {
            set_action(signal, observe as *const () as u64, 0);
        }
    }
}

/// What a handler is given of a `siginfo_t`.
#[repr(C)]
struct Info {
    signal: i32,
    errno: i32,
    code: i32,
    pad: i32,
    pid: i32,
    uid: u32,
    status: i32,
    pad2: i32,
    utime: i64,
    stime: i64,
}

/// What the scenario has set for a signal, with SA_RESTART.
extern "C" fn handle_and_go_on(signal: u64, info: *const Info, _: u64) {
    note(signal, info, 1);
}

/// The same without: a wait ends.
extern "C" fn handle(signal: u64, info: *const Info, _: u64) {
    let mailbox = &slot(own_index()).mailbox;
    note(signal, info, 1);
    mailbox.interrupted.store(1, Release);
}

/// For what would have had no effect: neither has this.
extern "C" fn observe(signal: u64, info: *const Info, _: u64) {
    let mailbox = &slot(own_index()).mailbox;
    if signal == layout::SIGNAL_INTERRUPT {
        mailbox.interrupted.store(1, Release);
    } else if signal == layout::SIGNAL_UID {
        let (uid, keep) = (u64::from(mailbox.uid.load(Acquire)), u64::MAX);
        call(SYS_SETRESUID, [uid, keep, keep, 0, 0, 0]);
    } else {
        note(signal, info, 0);
    }
}

fn note(signal: u64, info: *const Info, is_handled: u32) {
    // SAFETY: SA_SIGINFO: the kernel passes it.
    let info = unsafe { &*info };
    let entry = &shared().log[shared().logged.fetch_add(1, SeqCst) as usize % LOG_LENGTH];
    entry.slot.store(own_index() as u32, Relaxed);
    entry.is_handled.store(is_handled, Relaxed);
    entry.signal.store(signal as u32, Relaxed);
    entry.code.store(info.code as u32, Relaxed);
    entry.pid.store(info.pid as u32, Relaxed);
    entry.uid.store(info.uid, Relaxed);
    entry.status.store(info.status as u32, Relaxed);
    entry.utime.store(info.utime as u64, Relaxed);
    entry.stime.store(info.stime as u64, Relaxed);
    entry.is_written.store(1, Release);
}

/// What the compiler may call for copies and fills; there is no library that has them.
#[unsafe(no_mangle)]
extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: as the C function of that name.
    unsafe { asm!("rep movsb", inout("rdi") to => _, inout("rsi") from => _, inout("rcx") count => _) };
    to
}

/// See [`memcpy`].
#[unsafe(no_mangle)]
extern "C" fn memset(to: *mut u8, byte: i32, count: usize) -> *mut u8 {
    // SAFETY: as the C function of that name.
    unsafe { asm!("rep stosb", inout("rdi") to => _, in("al") byte as u8, inout("rcx") count => _) };
    to
}
