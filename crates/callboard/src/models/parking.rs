//! A thread that waits for a future, against the thread that wakes it.

use std::future::poll_fn;
use std::task::Poll;

use loom::cell::UnsafeCell;
use loom::thread;

use super::harness::Model;
use crate::sync::{Arc, Mutex, block_on};

#[test]
fn what_was_done_before_the_wake_is_seen_by_the_poll() {
    Model::new("park.wake", &["woken"]).at_least(10).check(|| {
        let work = Arc::new(UnsafeCell::new(()));
        let mut worker = None;
        block_on(poll_fn(|context| {
            if worker.is_some() {
                // No other thread wakes this future.
                work.with(|_| ());
                return Poll::Ready(());
            }
            let (waker, work) = (context.waker().clone(), Arc::clone(&work));
            worker = Some(thread::spawn(move || {
                work.with_mut(|_| ());
                waker.wake();
            }));
            Poll::Pending
        }));
        worker.unwrap().join().unwrap();
        "woken"
    });
}

#[test]
fn wake_that_is_left_from_an_earlier_future_is_none_of_the_next() {
    // The first future does not wait for its waker, which is woken at any later time.
    Model::new("park.left", &["2", "3"]).at_least(17_400).check(|| {
        let mut early = None;
        block_on(poll_fn(|context| {
            let waker = context.waker().clone();
            early = Some(thread::spawn(move || waker.wake()));
            Poll::Ready(())
        }));
        let (mut polls, mut worker) = (0, None);
        let work = Arc::new(UnsafeCell::new(()));
        let done = Arc::new(Mutex::new(false));
        block_on(poll_fn(|context| {
            polls += 1;
            if *done.lock() {
                work.with(|_| ());
                return Poll::Ready(());
            }
            if worker.is_none() {
                let (waker, work) = (context.waker().clone(), Arc::clone(&work));
                let done = Arc::clone(&done);
                worker = Some(thread::spawn(move || {
                    work.with_mut(|_| ());
                    *done.lock() = true;
                    waker.wake();
                }));
            }
            Poll::Pending
        }));
        early.unwrap().join().unwrap();
        worker.unwrap().join().unwrap();
        polls.to_string()
    });
}
