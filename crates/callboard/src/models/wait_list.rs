//! A list of waiting tasks, against threads that change what they wait for.

use std::future::poll_fn;
use std::task::Poll;

use loom::thread;

use super::harness::Model;
use crate::log::ReaderProgress;
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, WaitList, Waiting, block_on, fence_of_model};

/// A condition, and the tasks that wait for it.
struct Board<C> {
    condition: C,
    list: WaitList,
}

impl<C> Board<C> {
    fn new(condition: C) -> Arc<Self> {
        Arc::new(Self { condition, list: WaitList::default() })
    }

    /// Waits as `Core::wait_until` does. Returns how often it looked.
    fn wait(&self, mut met: impl FnMut(&C) -> bool) -> usize {
        let mut waiting = Waiting::on(&self.list);
        let mut looks = 0;
        block_on(poll_fn(|context| {
            waiting.register(context);
            looks += 1;
            if met(&self.condition) { Poll::Ready(looks) } else { Poll::Pending }
        }))
    }
}

#[test]
fn change_under_a_lock_wakes() {
    Model::new("wait.locked", &["1", "2"]).at_least(60).check(|| {
        let board = Board::new(Mutex::new(false));
        let other = Arc::clone(&board);
        let changer = thread::spawn(move || {
            *other.condition.lock() = true;
            other.list.notify_all();
        });
        let looks = board.wait(|condition| *condition.lock());
        changer.join().unwrap();
        looks.to_string()
    });
}

#[test]
fn change_by_an_exchange_wakes() {
    Model::new("wait.exchange", &["1", "2"]).at_least(110).check(|| {
        let board = Board::new(AtomicUsize::new(0));
        let other = Arc::clone(&board);
        let changer = thread::spawn(move || {
            other.condition.swap(1, Ordering::SeqCst);
            fence_of_model();
            other.list.notify_all();
        });
        let looks = board.wait(|condition| condition.load(Ordering::Acquire) == 1);
        changer.join().unwrap();
        looks.to_string()
    });
}

#[test]
fn reader_that_drains_wakes() {
    Model::new("wait.drained", &["1", "2"]).at_least(110).check(|| {
        let board = Board::new(ReaderProgress::new(0));
        let other = Arc::clone(&board);
        let reader = thread::spawn(move || {
            other.condition.set_taken_and_drained(1);
            other.list.notify_all();
        });
        let looks = board.wait(|progress| progress.taken() == 1);
        reader.join().unwrap();
        looks.to_string()
    });
}

#[test]
fn both_of_two_are_woken() {
    Model::new("wait.two", &["1 1", "1 2", "2 1", "2 2"]).at_least(4_700).preemptions(3).check(
        || {
            let board = Board::new(Mutex::new(false));
            let (one, two) = (Arc::clone(&board), Arc::clone(&board));
            let first = thread::spawn(move || one.wait(|condition| *condition.lock()));
            let changer = thread::spawn(move || {
                *two.condition.lock() = true;
                two.list.notify_all();
            });
            let second = board.wait(|condition| *condition.lock());
            let first = first.join().unwrap();
            changer.join().unwrap();
            format!("{first} {second}")
        },
    );
}

#[test]
fn one_that_gives_up_takes_no_wake_from_another() {
    Model::new("wait.gives_up", &["1", "2"]).at_least(1_800).preemptions(3).check(|| {
        let board = Board::new(Mutex::new(false));
        let (one, two) = (Arc::clone(&board), Arc::clone(&board));
        let quitter = thread::spawn(move || {
            let mut waiting = Waiting::on(&one.list);
            block_on(poll_fn(|context| {
                waiting.register(context);
                Poll::Ready(())
            }));
        });
        let changer = thread::spawn(move || {
            *two.condition.lock() = true;
            two.list.notify_all();
        });
        let looks = board.wait(|condition| *condition.lock());
        quitter.join().unwrap();
        changer.join().unwrap();
        looks.to_string()
    });
}

#[test]
fn two_changes_wake_for_the_second() {
    Model::new("wait.two_changes", &["1", "2", "3"]).at_least(5_500).check(|| {
        let board = Board::new(Mutex::new(0));
        let other = Arc::clone(&board);
        let changer = thread::spawn(move || {
            for _ in 0..2 {
                *other.condition.lock() += 1;
                other.list.notify_all();
            }
        });
        let looks = board.wait(|condition| *condition.lock() == 2);
        changer.join().unwrap();
        looks.to_string()
    });
}
