//! A growing array of entries that never move: two levels, both filled on demand.
//!
//! A page holds [`PAGE`] entries. The pointers to the first pages are in an array of their own; those to
//! later pages are on shelves, of which shelf `k` holds `FIRST << k`, made on demand. A look-up is two loads
//! as long as the table is small and three later, and growing never copies, so a reference stays good for
//! as long as the table lives.

use crate::sync::OncePtr;

/// Entries of a page: what is made at a time.
pub const PAGE: u32 = if cfg!(loom) { 4 } else { 64 };

/// Page pointers that are always there, and those of the first shelf; each further one has twice as many.
const FIRST: u32 = if cfg!(loom) { 2 } else { 1024 };

/// Shelves: enough for every `u32`, in a model for a few dozen entries.
const SHELVES: usize = if cfg!(loom) { 3 } else { 16 };

/// An array indexed by `u32` whose pages come into being when first grown to.
pub struct Table<E> {
    first: Box<[OncePtr<E>]>,
    shelves: [OncePtr<OncePtr<E>>; SHELVES],
}

// SAFETY: the table owns the entries behind its pointers and hands out shared references only, so it may
// go to another thread when the entries may.
unsafe impl<E: Send> Send for Table<E> {}
// SAFETY: threads that share the table share entries, and those that drop a lost page drop entries.
unsafe impl<E: Send + Sync> Sync for Table<E> {}

/// Where a page pointer beyond the first ones is: shelf, place on the shelf.
fn place(page: u32) -> (usize, usize) {
    let shelf = page.ilog2() - FIRST.ilog2();
    (shelf as usize, (page - (FIRST << shelf)) as usize)
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
        Table {
            first: (0..FIRST).map(|_| OncePtr::null()).collect(),
            shelves: core::array::from_fn(|_| OncePtr::null()),
        }
    }

    /// The entry, if its page exists.
    #[inline(always)]
    pub fn get(&self, index: u32) -> Option<&E> {
        let page = index / PAGE;
        let entries = match self.first.get(page as usize) {
            Some(pointer) => pointer.get(),
            None => self.shelved(page)?.get(),
        };
        if entries.is_null() {
            return None;
        }
        // SAFETY: a non-null page is an array of `PAGE` entries that lives as long as the table. Edge
        // `table-page` makes it visible.
        Some(unsafe { &*entries.add((index % PAGE) as usize) })
    }

    /// The pointer to a page beyond the first ones, if its shelf exists.
    fn shelved(&self, page: u32) -> Option<&OncePtr<E>> {
        let (shelf, place) = place(page);
        let pages = self.shelves.get(shelf)?.get();
        // SAFETY: a non-null shelf is an array of `shelf_len(shelf)` pointers, `place` is below that, and
        // shelves are freed only with the table. Edge `table-page` makes the array visible.
        (!pages.is_null()).then(|| unsafe { &*pages.add(place) })
    }
}

impl<E: Default> Table<E> {
    /// The entry, making its page if there is none yet. `None` beyond the largest index of a table.
    pub fn grow(&self, index: u32) -> Option<&E> {
        let page = index / PAGE;
        let pointer = match self.first.get(page as usize) {
            Some(pointer) => pointer,
            None => {
                let (shelf, place) = place(page);
                let pages = filled(self.shelves.get(shelf)?, shelf_len(shelf), OncePtr::null);
                // SAFETY: `filled` returns an array of `shelf_len(shelf)` pointers that lives as long as the table.
                unsafe { &*pages.add(place) }
            }
        };
        let entries = filled(pointer, PAGE as usize, E::default);
        // SAFETY: the same, for a page of `PAGE` entries.
        Some(unsafe { &*entries.add((index % PAGE) as usize) })
    }
}

impl<E> Drop for Table<E> {
    fn drop(&mut self) {
        let free = |pointer: &OncePtr<E>| {
            let entries = pointer.get();
            if !entries.is_null() {
                // SAFETY: the page came from `leak(PAGE, _)`; with `&mut self` nobody refers to it.
                unsafe { unleak(entries, PAGE as usize) };
            }
        };
        self.first.iter().for_each(free);
        for (shelf, pages) in self.shelves.iter().enumerate().map(|(shelf, pointer)| (shelf, pointer.get())) {
            if pages.is_null() {
                continue;
            }
            // SAFETY: each of these is within the array, which is freed below.
            (0..shelf_len(shelf)).for_each(|place| free(unsafe { &*pages.add(place) }));
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
        let mut last = place(FIRST);
        assert_eq!(last, (0, 0));
        for page in FIRST + 1..FIRST * 9 {
            let now = place(page);
            assert!(now > last && now.1 < shelf_len(now.0));
            last = now;
        }
        assert_eq!(place(u32::MAX / PAGE).0, SHELVES - 1);
    }

    #[test]
    fn entries_stay_where_they_are() {
        let table = Table::<AtomicU32>::new();
        assert!(table.get(7).is_none());
        for index in (0..1_000_000).step_by(977) {
            table.grow(index).unwrap().store(index + 1, Relaxed);
        }
        for index in (0..1_000_000).step_by(977) {
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
