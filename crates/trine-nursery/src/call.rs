//! `Call`: what a nursery is told of a task that the run polls.

use std::any::Any;

use trine_core::lowlevel::TaskId;

use crate::payload::Payload;

/// A task, and what has become of it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) task: TaskId,
    pub(crate) news: News,
}

/// What has become of a task.
#[derive(Debug)]
pub(crate) enum News {
    /// It was polled while a cancel was visible from it.
    Cancelled,
    Done,
    Failed(Box<dyn Any>),
    Panicked(Payload),
}
