//! Resource usage; getrusage(2).

/// What a task, or a whole process, has used. All fields only ever grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rusage {
    /// `ru_utime`, in nanoseconds.
    pub utime_ns: u64,
    /// `ru_stime`, in nanoseconds.
    pub stime_ns: u64,
    /// `ru_maxrss`, in KiB: the largest of its parts, not their sum.
    pub maxrss_kib: u64,
    /// `ru_minflt`.
    pub minflt: u64,
    /// `ru_majflt`.
    pub majflt: u64,
    /// `ru_inblock`.
    pub inblock: u64,
    /// `ru_oublock`.
    pub oublock: u64,
    /// `ru_nvcsw`.
    pub nvcsw: u64,
    /// `ru_nivcsw`.
    pub nivcsw: u64,
}
