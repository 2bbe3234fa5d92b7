//! An await at which a cancel loses data, found by cancelling a test at each of its checkpoints.
//!
//! A message is its length, and then so many bytes. Who reads one under a timeout, or beside something else in a
//! `race`, may be cancelled in the middle of it. What was read by then must not be gone.
#![forbid(unsafe_code)]

use std::panic::set_hook;

use trine::channel::{Receiver, open_memory_channel};
use trine::testing::{TestRunner, cancellable};

/// Keeps what it has read in its own future: dropped with it.
async fn read_message(wire: &Receiver<u8>) -> Option<String> {
    let length = wire.recv().await.ok()?;
    let mut message = String::new();
    while message.len() < usize::from(length) {
        message.push(wire.recv().await.ok()?.into());
    }
    Some(message)
}

/// Keeps what it has read where the next call finds it.
#[derive(Default)]
struct Reader {
    length: Option<u8>,
    message: String,
}

impl Reader {
    async fn read_message(&mut self, wire: &Receiver<u8>) -> Option<String> {
        let length = match self.length {
            Some(length) => length,
            None => *self.length.insert(wire.recv().await.ok()?),
        };
        while self.message.len() < usize::from(length) {
            self.message.push(wire.recv().await.ok()?.into());
        }
        self.length = None;
        Some(std::mem::take(&mut self.message))
    }
}

fn a_wire_with(bytes: &[u8]) -> Receiver<u8> {
    let (sender, wire) = open_memory_channel(bytes.len());
    bytes.iter().for_each(|byte| sender.try_send(*byte).expect("there is room for all"));
    wire
}

async fn nothing_is_lost_by_a_function() {
    let wire = a_wire_with(b"\x02hi\x03you");
    let mut messages = Vec::from_iter(cancellable(read_message(&wire)).await.flatten());
    while let Some(message) = read_message(&wire).await {
        messages.push(message);
    }
    assert_eq!(messages, ["hi", "you"], "a message was lost");
}

async fn nothing_is_lost_by_a_reader() {
    let (wire, mut reader) = (a_wire_with(b"\x02hi\x03you"), Reader::default());
    let mut messages = Vec::from_iter(cancellable(reader.read_message(&wire)).await.flatten());
    while let Some(message) = reader.read_message(&wire).await {
        messages.push(message);
    }
    assert_eq!(messages, ["hi", "you"], "a message was lost");
}

fn main() {
    set_hook(Box::new(|_| ())); // what fails is told below
    TestRunner::new().run(nothing_is_lost_by_a_function());
    println!("Never cancelled, as in most tests, both pass.\n");
    // As tests these would have `#[trine::test(cancel_sweep)]`.
    let sweep = |name| TestRunner::new().name(name).cancel_sweep();
    let function = sweep("a function").report_of_first_failure(nothing_is_lost_by_a_function);
    println!("{}\n", function.unwrap_or_default());
    let reader = sweep("a reader").report_of_first_failure(nothing_is_lost_by_a_reader);
    println!("a reader, cancelled at each checkpoint, failed: {}", reader.is_some());
}
