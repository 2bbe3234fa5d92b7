//! `Call`: what a nursery is told of tasks that the run polls.

use std::any::Any;

use trine_core::lowlevel::TaskId;

use crate::payload::Payload;

/// What a nursery is told.
#[derive(Debug)]
pub(crate) enum Call {
    /// What has become of a task.
    Of(TaskId, News),
    /// Some were dropped with their run. Which ones is found out by who looks.
    Lost,
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
