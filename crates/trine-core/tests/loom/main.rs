//! The mailbox of a run and its parking, with every interleaving of the threads tried.
//!
//! Run by `cargo xtask loom`.
#![cfg(loom)]

#[path = "../../src/mailbox.rs"]
mod mailbox;
#[path = "../../src/work_count.rs"]
mod work_count;

use std::sync::Arc;

use loom::model;
use loom::thread;
use mailbox::{Letters, Mailbox, Unpark};
use parking::{Parker, Unparker, pair};
use work_count::WorkCount;

struct Waking(Unparker);

impl Unpark for Waking {
    fn unpark(&self) {
        self.0.unpark();
    }
}

type Box_ = Mailbox<u32, u32>;

fn run_and_mailbox() -> (Parker, Arc<Box_>) {
    let (parker, unparker) = pair();
    (parker, Arc::new(Mailbox::new(Arc::new(Waking(unparker)))))
}

/// What the run's loop does until it has received `n` letters: it parks whenever nothing is
/// pending.
fn receive(parker: &Parker, mailbox: &Box_, n: usize) -> Vec<u32> {
    let mut received = Vec::new();
    let mut letters = Letters::default();
    while received.len() < n {
        if mailbox.fall_asleep() {
            parker.park();
            mailbox.wake_up();
        }
        mailbox.collect(&mut letters);
        received.append(&mut letters.wakes);
        received.append(&mut letters.calls);
    }
    received
}

/// Two threads wake the run at the same time: it gets both words and does not sleep on either.
#[test]
fn no_wake_is_lost() {
    model(|| {
        let (parker, mailbox) = run_and_mailbox();
        let senders: Vec<_> = [1, 2]
            .into_iter()
            .map(|word| {
                let mailbox = mailbox.clone();
                thread::spawn(move || mailbox.wake(word))
            })
            .collect();
        let mut received = receive(&parker, &mailbox, 2);
        received.sort_unstable();
        assert_eq!(received, [1, 2]);
        for sender in senders {
            sender.join().unwrap();
        }
    });
}

/// Letters of one sender arrive in order, also when the run empties the box in between.
#[test]
fn letters_of_a_sender_stay_in_order() {
    model(|| {
        let (parker, mailbox) = run_and_mailbox();
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || (1..=2).for_each(|word| mailbox.wake(word))
        });
        assert_eq!(receive(&parker, &mailbox, 2), [1, 2]);
        sender.join().unwrap();
    });
}

/// A call that is sent while the run closes is either given back or found in the box: never lost.
#[test]
fn a_call_is_accepted_and_found_or_given_back() {
    model(|| {
        let (_parker, mailbox) = run_and_mailbox();
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.call(7)
        });
        mailbox.close();
        let mut letters = Letters::default();
        mailbox.collect(&mut letters);
        let accepted = sender.join().unwrap().is_ok();
        assert_eq!(accepted, letters.calls == [7]);
    });
}

/// A run that gives up waiting, for a deadline say, while a letter comes, gets it in the next wait
/// at the latest.
#[test]
fn a_letter_that_comes_when_the_wait_ends_is_not_lost() {
    model(|| {
        let (parker, mailbox) = run_and_mailbox();
        let sender = thread::spawn({
            let mailbox = mailbox.clone();
            move || mailbox.wake(1)
        });
        if mailbox.fall_asleep() {
            // The deadline was now: it does not park at all.
            mailbox.wake_up();
        }
        assert_eq!(receive(&parker, &mailbox, 1), [1]);
        sender.join().unwrap();
    });
}

/// A run that finds no work outside, and then nothing in its box, has everything that the work has
/// sent.
#[test]
fn work_that_is_over_has_left_its_letter() {
    model(|| {
        let (_parker, mailbox) = run_and_mailbox();
        let work = Arc::new(WorkCount::default());
        work.add();
        let worker = thread::spawn({
            let (mailbox, work) = (mailbox.clone(), work.clone());
            move || {
                mailbox.wake(1);
                if work.subtract() {
                    mailbox.announce();
                }
            }
        });
        let mut letters = Letters::default();
        mailbox.collect(&mut letters);
        if work.is_zero() && !mailbox.is_pending() {
            assert_eq!(letters.wakes, [1]);
        }
        worker.join().unwrap();
    });
}
