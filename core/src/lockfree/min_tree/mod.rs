//! The smallest of many keys, in one load: a tree of minima that its users keep up to date together.
//!
//! A *leaf* is a number, such as the index of a record; whether it has a key, and which, is for its user to
//! say. A node holds the smallest key below it. Whoever changes what is true of a leaf then
//! [updates](MinTree::update) it: the leaf, and each node above it, is made anew from what is below. So the
//! tree holds nothing that is not true of the leaves, any thread may update any leaf at any time, and no
//! thread ever waits for another.
//!
//! ```text
//!              [3]                 root: the smallest key there is, and a version
//!            /     \
//!         [3]       [7]            an update of leaf 2 remakes: leaf, node, root
//!        /   \     /   \
//!      [8]   [3] [ ]   [7]
//!       0     1   2     3          leaves
//! ```
//!
//! What holds: once `update` has returned, root and nodes have been remade since it was called, on all levels.
//! This is Jayanti's f-array: each node is remade by read, look below, exchange; that is tried twice, because
//! then whoever was faster began late enough to see the change. An update always changes the root's
//! version: an unchanged [root](MinTree::root) means that none was completed in between.
//!
//! The memory for a leaf is made by [`cover`](MinTree::cover), which may fail; an update allocates nothing. Guards
//! must come from one collector: that is what keeps nodes that somebody looks at when the tree is
//! [reset](MinTree::reset).
//!
//! A version has 24 bits: a thread would have to be suspended between two steps while the very same
//! node is remade a multiple of 16,777,216 times, to be deceived.

mod node;
#[cfg(all(test, not(loom)))]
mod tests;

use core::fmt;
use core::ptr::{NonNull, null_mut};
use std::alloc::{Layout, alloc, dealloc};

use crossbeam_epoch::Guard;

use super::fault::{Fault, left_out};
use crate::sync::AtomicPtr;
use crate::sync::Ordering::{AcqRel, Acquire};
use node::{ABSENT, Node, NodeWord};

/// The largest key and what is below it.
pub const MAX_KEY: u64 = ABSENT - 1;

/// Nodes below a node, as a power of two: two cache lines.
const WIDTH: u32 = if cfg!(loom) { 1 } else { 4 };

const FAN: usize = 1 << WIDTH;

/// Levels below the root.
const LEVELS: usize = if cfg!(loom) { 3 } else { 7 };

/// Leaves there can be.
const MAX_LEAVES: u32 = 1 << (WIDTH * LEVELS as u32);

/// Nodes with the same node above them. Alone on their cache lines: the neighbours may be another tree's.
#[repr(C, align(64))]
struct Nodes([Node; FAN]);

/// Nodes with nodes below them.
#[repr(C)]
struct Inner {
    nodes: Nodes,
    /// [`Inner`]s, on the last level but one [`Nodes`]; null where no leaf is covered.
    below: [AtomicPtr<Nodes>; FAN],
}

/// There is no memory, or no such leaf can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCovered;

/// The root at some time, see [`MinTree::root`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(NodeWord);

impl Root {
    /// Has no leaf a key?
    #[cfg(any(test, loom))]
    pub fn is_empty(self) -> bool {
        self.0.key() == ABSENT
    }
}

/// A tree of minima; see the [module](self). An empty one allocates nothing.
pub struct MinTree {
    root: Node,
    /// The [`Inner`] below the root.
    top: AtomicPtr<Nodes>,
}

// SAFETY: the tree owns what is behind its pointers, which are atomics and nothing else.
unsafe impl Send for MinTree {}
// SAFETY: as above.
unsafe impl Sync for MinTree {}

/// The way from the top to a leaf: on each level the nodes, and which of them.
struct Way<'t>([(&'t Nodes, usize); LEVELS]);

fn entry(leaf: u32, level: usize) -> usize {
    (leaf >> (WIDTH * (LEVELS - 1 - level) as u32)) as usize % FAN
}

/// Memory for an `X`, filled by `make`; null when there is none.
fn boxed<X>(make: impl FnOnce() -> X) -> *mut X {
    let layout = Layout::new::<X>();
    // SAFETY: neither type here has size 0.
    let memory = unsafe { alloc(layout) }.cast::<X>();
    if let Some(memory) = NonNull::new(memory) {
        // SAFETY: allocated above with the layout of an `X`, and nobody else's.
        unsafe { memory.write(make()) };
    }
    memory
}

/// Frees what [`boxed`] made.
///
/// # Safety
/// `made` came from `boxed`, is freed once, and nobody uses it any more.
unsafe fn unboxed<X>(made: *mut X) {
    // SAFETY: by this function's contract it is a complete `X`, and ours.
    unsafe {
        made.drop_in_place();
        dealloc(made.cast(), Layout::new::<X>());
    }
}

impl Nodes {
    fn new() -> Nodes {
        Nodes(core::array::from_fn(|_| Node::new()))
    }

    /// The smallest key of these.
    fn min(&self) -> u64 {
        self.0.iter().map(|node| node.look().key()).min().unwrap_or(ABSENT)
    }
}

/// Makes nodes for `level`; null when there is no memory.
fn open(level: usize) -> *mut Nodes {
    if level + 1 < LEVELS {
        boxed(|| Inner { nodes: Nodes::new(), below: core::array::from_fn(|_| AtomicPtr::new(null_mut())) }).cast()
    } else {
        boxed(Nodes::new)
    }
}

/// Frees nodes of `level`, and all below them.
///
/// # Safety
/// `nodes` is null or came from `open(level)`, is freed once, and nobody uses it, or what is below, any more.
unsafe fn close(nodes: *mut Nodes, level: usize) {
    if nodes.is_null() {
        return;
    }
    // SAFETY: by this function's contract; nodes above the last level are the beginning of an `Inner`.
    unsafe {
        if level + 1 < LEVELS {
            let inner = nodes.cast::<Inner>();
            for below in &(*inner).below {
                close(below.load(Acquire), level + 1);
            }
            unboxed(inner);
        } else {
            unboxed(nodes);
        }
    }
}

impl MinTree {
    /// A tree without leaves.
    pub fn new() -> MinTree {
        MinTree { root: Node::new(), top: AtomicPtr::new(null_mut()) }
    }

    /// The way to `leaf`, made as far as it is missing if `make` says so.
    fn way<'g>(&'g self, _guard: &'g Guard, leaf: u32, make: bool) -> Option<Way<'g>> {
        if leaf >= MAX_LEAVES {
            return None;
        }
        let mut pointer = &self.top;
        let mut way = [const { None }; LEVELS];
        for (level, step) in way.iter_mut().enumerate() {
            // Ordering: Acquire here and AcqRel below, edge `min-cover`: nodes are complete before they are seen.
            let mut nodes = pointer.load(Acquire);
            if nodes.is_null() && make {
                nodes = open(level);
                if nodes.is_null() {
                    return None;
                }
                if let Err(others) = pointer.compare_exchange(null_mut(), nodes, AcqRel, Acquire) {
                    // SAFETY: made above, and never shown to anybody.
                    unsafe { close(nodes, level) };
                    nodes = others;
                }
            }
            if nodes.is_null() {
                return None;
            }
            let entry = entry(leaf, level);
            // SAFETY: made by `open`, and not freed before the guard unpins.
            *step = Some((unsafe { &*nodes }, entry));
            if level + 1 < LEVELS {
                // SAFETY: above the last level, nodes are the beginning of an `Inner`; as above.
                pointer = unsafe { &(&raw const (*nodes.cast::<Inner>()).below).as_ref()?[entry] };
            }
        }
        Some(Way(way.map(|step| step.expect("each level was passed"))))
    }

    /// Makes room for a leaf. All allocation happens here.
    pub fn cover(&self, guard: &Guard, leaf: u32) -> Result<(), NotCovered> {
        self.way(guard, leaf, true).map(drop).ok_or(NotCovered)
    }

    /// Something has changed about `leaf`: makes anew what depends on it. `key` says what is true of it now;
    /// `None`, or more than [`MAX_KEY`]: it has no key.
    ///
    /// # Errors
    /// The leaf is not covered, and nothing was done.
    pub fn update(&self, guard: &Guard, leaf: u32, key: impl Fn() -> Option<u64>) -> Result<(), NotCovered> {
        let Way(way) = self.way(guard, leaf, false).ok_or(NotCovered)?;
        let mut below: Option<&Nodes> = None;
        for (nodes, entry) in way.into_iter().rev() {
            match below {
                None => nodes.0[entry].refresh(|| key().filter(|key| *key <= MAX_KEY).unwrap_or(ABSENT)),
                Some(below) => nodes.0[entry].refresh(|| below.min()),
            }
            below = Some(nodes);
        }
        if let Some(below) = below {
            self.root.refresh(|| below.min());
        }
        Ok(())
    }

    /// The root. Equal values mean that no update was completed in between.
    pub fn root(&self) -> Root {
        Root(self.root.look())
    }

    /// A leaf with the smallest key, or a smaller one whose update is under way. `None`: no leaf has one.
    pub fn min(&self, guard: &Guard) -> Option<u32> {
        // Progress: a way on which the key is not found was half changed, and is made anew; whoever
        // changes it again has completed a step.
        loop {
            let key = self.root.look().key();
            if key == ABSENT {
                return None;
            }
            let mut leaf = 0;
            let mut found = ABSENT;
            let mut pointer = &self.top;
            for level in 0..LEVELS {
                let nodes = pointer.load(Acquire);
                // SAFETY: null, or made by `open`, and not freed before the guard unpins.
                let Some(there) = (unsafe { nodes.as_ref() }) else { break };
                let keys = there.0.iter().map(|node| node.look().key());
                let (entry, smallest) = keys.enumerate().min_by_key(|(_, key)| *key).unwrap_or((0, ABSENT));
                leaf = leaf << WIDTH | entry as u32;
                found = smallest;
                if level + 1 < LEVELS {
                    // SAFETY: above the last level, nodes are the beginning of an `Inner`; as above.
                    pointer = unsafe { &(*nodes.cast::<Inner>()).below[entry] };
                }
            }
            if found <= key || found != ABSENT && left_out(Fault::FoundCompared) {
                return Some(leaf);
            }
            self.repair(guard, leaf);
        }
    }

    /// Makes the nodes above `leaf` anew, but not the leaf.
    fn repair(&self, guard: &Guard, leaf: u32) {
        let Some(Way(way)) = self.way(guard, leaf, false) else { return };
        for level in (0..LEVELS - 1).rev() {
            let ((nodes, entry), (below, _)) = (way[level], way[level + 1]);
            nodes.0[entry].refresh(|| below.min());
        }
        self.root.refresh(|| way[0].0.min());
    }

    /// Every leaf that has a key, in no order that means anything. One whose update was completed before the
    /// call and that keeps its key is not missed.
    pub fn for_each(&self, _guard: &Guard, mut visit: impl FnMut(u32)) {
        Self::visit(self.top.load(Acquire), 0, 0, &mut visit);
    }

    fn visit(nodes: *mut Nodes, level: usize, first: u32, visit: &mut impl FnMut(u32)) {
        // SAFETY: null, or made by `open(level)`, and not freed before the guard unpins.
        let Some(there) = (unsafe { nodes.as_ref() }) else { return };
        for (entry, node) in there.0.iter().enumerate() {
            if node.look().key() == ABSENT {
                continue;
            }
            let leaf = first << WIDTH | entry as u32;
            if level + 1 < LEVELS {
                // SAFETY: above the last level, nodes are the beginning of an `Inner`; as above.
                let below = unsafe { &(*nodes.cast::<Inner>()).below[entry] };
                Self::visit(below.load(Acquire), level + 1, leaf, visit);
            } else {
                visit(leaf);
            }
        }
    }
}

impl MinTree {
    /// Makes it a tree without leaves, and gives its memory back by epoch: the record that it is part of is used
    /// again.
    pub fn reset(&self, guard: &Guard) {
        let top = self.top.swap(null_mut(), Acquire);
        if !top.is_null() {
            // SAFETY: made by `open(0)` and unlinked by the swap, so closed once; whoever found anything in it has
            // a guard. The closure holds a pointer and may run on any thread.
            unsafe { guard.defer_unchecked(move || close(top, 0)) };
            self.root.refresh(|| ABSENT);
        }
    }
}

impl Default for MinTree {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MinTree {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: nobody else uses it; what was unlinked is not linked here any more.
        unsafe { close(self.top.load(Acquire), 0) };
    }
}

impl fmt::Debug for MinTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MinTree").field("root", &self.root.look().key()).finish_non_exhaustive()
    }
}
