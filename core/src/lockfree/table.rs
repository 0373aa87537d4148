//! A growing array of entries that never move: two levels, both filled on demand.
//!
//! The directory is a short array of shelves; shelf `k` holds `FIRST << k` page pointers, a page holds
//! [`PAGE`] entries. An empty table is the directory alone, a look-up is two loads, and growing never
//! copies, so a reference stays good for as long as the table lives.

use crate::sync::OncePtr;

/// Entries of a page: what is made at a time.
pub const PAGE: u32 = if cfg!(loom) { 4 } else { 64 };

/// Page pointers of the first shelf; each further one has twice as many.
const FIRST: u32 = if cfg!(loom) { 2 } else { 16 };

/// Shelves: enough for every `u32`, in a model for a few dozen entries.
const SHELVES: usize = if cfg!(loom) { 3 } else { 23 };

/// An array indexed by `u32` whose pages come into being when first grown to.
pub struct Table<E> {
    directory: [OncePtr<OncePtr<E>>; SHELVES],
}

// SAFETY: the table owns the entries behind its pointers and hands out shared references only, so it may
// go to another thread when the entries may.
unsafe impl<E: Send> Send for Table<E> {}
// SAFETY: threads that share the table share entries, and those that drop a lost page drop entries.
unsafe impl<E: Send + Sync> Sync for Table<E> {}

/// Where an entry is: shelf, page within the shelf, entry within the page.
#[inline(always)]
fn place(index: u32) -> (usize, usize, usize) {
    let page = index / PAGE + FIRST;
    let shelf = page.ilog2() - FIRST.ilog2();
    (shelf as usize, (page - (FIRST << shelf)) as usize, (index % PAGE) as usize)
}

/// Page pointers of a shelf.
fn shelf_len(shelf: usize) -> usize {
    (FIRST as usize) << shelf
}

/// Makes `len` entries and gives up their ownership to the pointer.
fn leak<X>(len: usize, entry: impl FnMut() -> X) -> *mut X {
    Box::into_raw(core::iter::repeat_with(entry).take(len).collect::<Box<[X]>>()).cast()
}

/// Frees what [`leak`] made.
///
/// # Safety
/// `first` came from `leak(len, _)`, has not been freed, and nobody refers to it any more.
unsafe fn unleak<X>(first: *mut X, len: usize) {
    // SAFETY: by this function's contract the slice is a live box, and ours.
    drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(first, len)) });
}

/// Returns what the pointer holds, making `len` entries for it first when it is null.
fn filled<X>(pointer: &OncePtr<X>, len: usize, entry: impl FnMut() -> X) -> *mut X {
    let seen = pointer.get();
    if !seen.is_null() {
        return seen;
    }
    let new = leak(len, entry);
    // Ordering: edge `table-page`: entries are initialised before the pointer to them can be seen.
    match pointer.install(new) {
        Ok(()) => new,
        Err(other) => {
            // SAFETY: made above with the same length and never shown to anybody.
            unsafe { unleak(new, len) };
            other
        }
    }
}

impl<E> Table<E> {
    /// An empty table.
    pub fn new() -> Self {
        Table { directory: core::array::from_fn(|_| OncePtr::null()) }
    }

    /// The entry, if its page exists.
    #[inline(always)]
    pub fn get(&self, index: u32) -> Option<&E> {
        let (shelf, page, entry) = place(index);
        let pages = self.directory.get(shelf)?.get();
        if pages.is_null() {
            return None;
        }
        // SAFETY: a non-null shelf is an array of `shelf_len(shelf)` pointers, `page` is below that by
        // `place`, and shelves are freed only with the table. Edge `table-page` makes the array visible.
        let entries = unsafe { &*pages.add(page) }.get();
        if entries.is_null() {
            return None;
        }
        // SAFETY: as above: a non-null page is an array of `PAGE` entries that lives as long as the table.
        Some(unsafe { &*entries.add(entry) })
    }
}

impl<E: Default> Table<E> {
    /// The entry, making its page if there is none yet. `None` beyond the largest index of a table.
    pub fn grow(&self, index: u32) -> Option<&E> {
        let (shelf, page, entry) = place(index);
        let pages = filled(self.directory.get(shelf)?, shelf_len(shelf), OncePtr::null);
        // SAFETY: `filled` returns an array of `shelf_len(shelf)` pointers that lives as long as the table.
        let entries = filled(unsafe { &*pages.add(page) }, PAGE as usize, E::default);
        // SAFETY: the same, for a page of `PAGE` entries.
        Some(unsafe { &*entries.add(entry) })
    }
}

impl<E> Drop for Table<E> {
    fn drop(&mut self) {
        for (shelf, pages) in self.directory.iter().enumerate().map(|(shelf, pointer)| (shelf, pointer.get())) {
            if pages.is_null() {
                continue;
            }
            for page in 0..shelf_len(shelf) {
                // SAFETY: `page` is within the array, which is freed below.
                let entries = unsafe { &*pages.add(page) }.get();
                if !entries.is_null() {
                    // SAFETY: the page came from `leak(PAGE, _)`; with `&mut self` nobody refers to it.
                    unsafe { unleak(entries, PAGE as usize) };
                }
            }
            // SAFETY: the shelf came from `leak(shelf_len(shelf), _)`; with `&mut self` nobody refers to it.
            unsafe { unleak(pages, shelf_len(shelf)) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::{AtomicU32, Ordering::Relaxed};

    #[test]
    fn places_are_dense_and_distinct() {
        let mut last = place(0);
        assert_eq!(last, (0, 0, 0));
        for index in 1..PAGE * 300 {
            let now = place(index);
            assert!(now > last && now.1 < shelf_len(now.0));
            last = now;
        }
        assert_eq!(place(u32::MAX).0, SHELVES - 1);
    }

    #[test]
    fn entries_stay_where_they_are() {
        let table = Table::<AtomicU32>::new();
        assert!(table.get(7).is_none());
        for index in (0..100_000).step_by(977) {
            table.grow(index).unwrap().store(index + 1, Relaxed);
        }
        for index in (0..100_000).step_by(977) {
            assert_eq!(table.get(index).unwrap().load(Relaxed), index + 1);
        }
        assert!(table.get(u32::MAX).is_none());
    }

    #[test]
    fn threads_agree_on_a_page() {
        let table = Table::<AtomicU32>::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for index in 0..2_000 {
                        table.grow(index).unwrap().fetch_add(1, Relaxed);
                    }
                });
            }
        });
        assert!((0..2_000).all(|index| table.get(index).unwrap().load(Relaxed) == 4));
    }
}
