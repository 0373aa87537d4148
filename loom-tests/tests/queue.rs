//! A queue gives each value once and in order, whoever stops where.
#![cfg(loom)]

use loom::sync::Arc;
use loom::thread;
use loom_tests::fault::{holds_always, needs, needs_edges, trips_without};
use ptexit_core::lockfree::fault::{Edge::*, Fault};
use ptexit_core::lockfree::queue::Queue;

type Values = Queue<2>;

fn push(queue: &Values, value: u64) {
    queue.push(&[value, !value]);
}

fn pop(queue: &Values) -> Option<u64> {
    queue.pop().map(|[value, check]| {
        assert_eq!(check, !value, "a value that nobody put in");
        value
    })
}

/// All that is left.
fn rest(queue: &Values) -> Vec<u64> {
    core::iter::from_fn(|| pop(queue)).collect()
}

/// Runs `other` beside `mine`, and `check` afterwards.
fn race<R: 'static, M>(
    before: &[u64],
    other: fn(&Values) -> R,
    mine: impl FnOnce(&Values) -> M,
    check: impl FnOnce(&Values, R, M),
) {
    let queue = Arc::new(Values::new());
    before.iter().for_each(|&value| push(&queue, value));
    let second = Arc::clone(&queue);
    let thread = thread::spawn(move || other(&second));
    let mine = mine(&queue);
    let theirs = thread.join().unwrap();
    check(&queue, theirs, mine);
}

fn what_is_put_in_comes_out_as_it_was() {
    race(
        &[],
        |queue| push(queue, 1),
        |queue| {
            push(queue, 11);
            [pop(queue), pop(queue)]
        },
        |queue, (), taken| {
            let mut all: Vec<u64> = taken.into_iter().flatten().collect();
            all.extend(rest(queue));
            all.sort_unstable();
            assert_eq!(all, [1, 11]);
        },
    );
}

fn each_pusher_keeps_its_order() {
    race(
        &[],
        |queue| [1, 2].map(|value| push(queue, value)),
        |queue| [11, 12].map(|value| push(queue, value)),
        |queue, _, _| {
            let all = rest(queue);
            let of = |range: core::ops::Range<u64>| all.iter().copied().filter(|it| range.contains(it)).collect();
            let (theirs, mine): (Vec<u64>, Vec<u64>) = (of(0..10), of(10..20));
            assert!(all.len() == 4 && theirs == [1, 2] && mine == [11, 12], "{all:?}");
        },
    );
}

/// The nodes go round while another thread is about to use what it has read of them.
fn nodes_are_used_again_beside_a_push() {
    race(
        &[],
        |queue| push(queue, 1),
        |queue| {
            push(queue, 11);
            let first = pop(queue);
            push(queue, 12);
            first
        },
        |queue, (), first| {
            let mut all = rest(queue);
            all.extend(first);
            all.sort_unstable();
            assert_eq!(all, [1, 11, 12]);
        },
    );
}

/// The same, with a node that is free when the pusher comes back.
fn a_node_is_given_back_beside_a_push() {
    race(
        &[],
        |queue| push(queue, 1),
        |queue| {
            push(queue, 11);
            pop(queue)
        },
        |queue, (), first| {
            let mut all = rest(queue);
            all.extend(first);
            all.sort_unstable();
            assert_eq!(all, [1, 11]);
        },
    );
}

fn two_take_different_ones_in_order() {
    race(
        &[1, 2],
        |queue| [pop(queue), pop(queue)],
        |queue| pop(queue),
        |queue, theirs, mine| {
            let mut all: Vec<u64> = theirs.into_iter().chain([mine]).flatten().collect();
            assert!(!matches!(theirs, [Some(one), Some(next)] if one > next), "{theirs:?}");
            all.extend(rest(queue));
            all.sort_unstable();
            assert_eq!(all, [1, 2]);
        },
    );
}

/// A pop and a push, twice over, with nodes that both find free.
fn both_take_and_put_in() {
    fn turn(queue: &Values, value: u64) -> Option<u64> {
        let taken = pop(queue);
        push(queue, value);
        taken
    }
    race(
        &[1, 2],
        |queue| turn(queue, 3),
        |queue| turn(queue, 4),
        |queue, theirs, mine| {
            let mut all = rest(queue);
            all.extend(theirs);
            all.extend(mine);
            all.sort_unstable();
            assert_eq!(all, [1, 2, 3, 4]);
        },
    );
}

/// A pusher stops for ever with its value in the queue and `tail` not moved: the others go on.
fn a_frozen_pusher_holds_up_nobody() {
    race(
        &[],
        |queue| queue.push_and_freeze(&[1, !1]),
        |queue| {
            let first = pop(queue);
            push(queue, 11);
            [first, pop(queue)]
        },
        |queue, (), taken| {
            let mut all: Vec<u64> = taken.into_iter().flatten().collect();
            all.extend(rest(queue));
            all.sort_unstable();
            assert_eq!(all, [1, 11]);
        },
    );
}

/// Where pushers stop `tail` is as far behind as it can be: `head` must not pass it.
fn head_stays_behind_tail() {
    race(
        &[],
        |queue| {
            queue.push_and_freeze(&[1, !1]);
            pop(queue)
        },
        |queue| {
            queue.push_and_freeze(&[11, !11]);
            pop(queue)
        },
        |queue, theirs, mine| {
            push(queue, 3);
            let mut all: Vec<u64> = [theirs, mine].into_iter().flatten().collect();
            all.extend(rest(queue));
            all.sort_unstable();
            assert_eq!(all, [1, 3, 11]);
        },
    );
}

#[test]
fn values() {
    holds_always("what_is_put_in_comes_out_as_it_was", [3; 3], what_is_put_in_comes_out_as_it_was);
    holds_always("each_pusher_keeps_its_order", [3; 3], each_pusher_keeps_its_order);
    holds_always("two_take_different_ones_in_order", [3; 3], two_take_different_ones_in_order);
    holds_always("both_take_and_put_in", [2; 3], both_take_and_put_in);
    let model = what_is_put_in_comes_out_as_it_was;
    needs_edges(&[NodeLinked, LinkRead], "what_is_put_in_comes_out_as_it_was", 3, model);
    let words = "only nodes that were made are named";
    trips_without(&[TailMoved, TailRead], words, "each_pusher_keeps_its_order", 3, each_pusher_keeps_its_order);
}

#[test]
fn nodes() {
    let (name, model) = ("a_node_is_given_back_beside_a_push", a_node_is_given_back_beside_a_push);
    holds_always("nodes_are_used_again_beside_a_push", [3; 3], nodes_are_used_again_beside_a_push);
    holds_always(name, [3; 3], model);
    needs(Fault::ChangesCounted, name, [3; 3], model);
    needs(Fault::TailReadAgain, name, [3; 3], model);
    needs_edges(&[NodeReused, NodeFreed, FreeNodeTaken], name, 3, model);
}

#[test]
fn frozen_threads() {
    holds_always("a_frozen_pusher_holds_up_nobody", [3; 3], a_frozen_pusher_holds_up_nobody);
    holds_always("head_stays_behind_tail", [3; 3], head_stays_behind_tail);
    needs(Fault::PopMovesTail, "a_frozen_pusher_holds_up_nobody", [3; 3], a_frozen_pusher_holds_up_nobody);
    needs_edges(&[QueueHeadMoved, QueueHeadRead], "head_stays_behind_tail", 3, head_stays_behind_tail);
}
