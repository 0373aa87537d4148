//! Resource usage that several threads add to.

use crate::sync::{AtomicU64, Ordering::*};
use crate::uapi::Rusage;

/// A sum of [`Rusage`]s. Data handed over an edge: the release of a thread (`group-release`) and the
/// reaping of a process (`zombie-publish`) order it, so everything here is Relaxed.
#[derive(Debug, Default)]
pub struct UsageSum {
    sums: [AtomicU64; 8],
    maxrss_kib: AtomicU64,
}

impl UsageSum {
    /// Forgets everything; nobody else knows the sum yet.
    pub fn reset(&self) {
        for sum in &self.sums {
            sum.store(0, Relaxed);
        }
        self.maxrss_kib.store(0, Relaxed);
    }

    /// Adds `usage`: sums everywhere, but the larger of the two for the resident set. What is zero
    /// writes nothing.
    pub fn add(&self, usage: &Rusage) {
        for (sum, &part) in self.sums.iter().zip(&parts(usage)) {
            if part != 0 {
                sum.fetch_add(part, Relaxed);
            }
        }
        if usage.maxrss_kib != 0 {
            self.maxrss_kib.fetch_max(usage.maxrss_kib, Relaxed);
        }
    }

    /// User and system time of the sum.
    pub fn times(&self) -> (u64, u64) {
        (self.sums[0].load(Relaxed), self.sums[1].load(Relaxed))
    }

    /// The sum, each field read for itself.
    pub fn get(&self) -> Rusage {
        let [utime_ns, stime_ns, minflt, majflt, inblock, oublock, nvcsw, nivcsw] =
            core::array::from_fn(|i| self.sums[i].load(Relaxed));
        let maxrss_kib = self.maxrss_kib.load(Relaxed);
        Rusage { utime_ns, stime_ns, maxrss_kib, minflt, majflt, inblock, oublock, nvcsw, nivcsw }
    }
}

fn parts(usage: &Rusage) -> [u64; 8] {
    let Rusage { utime_ns, stime_ns, maxrss_kib: _, minflt, majflt, inblock, oublock, nvcsw, nivcsw } = *usage;
    [utime_ns, stime_ns, minflt, majflt, inblock, oublock, nvcsw, nivcsw]
}

/// `a` and `b` together, as [`UsageSum::add`] adds.
pub fn combined(a: Rusage, b: Rusage) -> Rusage {
    Rusage {
        utime_ns: a.utime_ns.wrapping_add(b.utime_ns),
        stime_ns: a.stime_ns.wrapping_add(b.stime_ns),
        maxrss_kib: a.maxrss_kib.max(b.maxrss_kib),
        minflt: a.minflt.wrapping_add(b.minflt),
        majflt: a.majflt.wrapping_add(b.majflt),
        inblock: a.inblock.wrapping_add(b.inblock),
        oublock: a.oublock.wrapping_add(b.oublock),
        nvcsw: a.nvcsw.wrapping_add(b.nvcsw),
        nivcsw: a.nivcsw.wrapping_add(b.nivcsw),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn everything_adds_up_but_the_resident_set_is_the_largest() {
        let a = Rusage {
            utime_ns: 1,
            stime_ns: 2,
            maxrss_kib: 30,
            minflt: 4,
            majflt: 5,
            inblock: 6,
            oublock: 7,
            nvcsw: 8,
            nivcsw: 9,
        };
        let b = Rusage { maxrss_kib: 20, ..a };
        let expected = Rusage {
            utime_ns: 2,
            stime_ns: 4,
            maxrss_kib: 30,
            minflt: 8,
            majflt: 10,
            inblock: 12,
            oublock: 14,
            nvcsw: 16,
            nivcsw: 18,
        };
        assert_eq!(combined(a, b), expected);
        assert_eq!(combined(a, Rusage::default()), a);
        let sum = UsageSum::default();
        sum.add(&a);
        sum.add(&b);
        assert_eq!(sum.get(), expected);
    }
}
