//! `Origin`: where an error of a nursery comes from.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

use trine_core::lowlevel::TaskId;

/// The task that an error comes from. The body is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) site: Option<&'static Location<'static>>,
}

impl Origin {
    pub(crate) fn of(task: TaskId) -> Self {
        Self { name: task.name(), site: task.spawned_at() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.site) {
            (Some(name), Some(site)) => write!(f, "{name}, started at {site}"),
            (Some(name), None) => write!(f, "{name}"),
            (None, Some(site)) => write!(f, "task started at {site}"),
            (None, None) => write!(f, "nursery body"),
        }
    }
}
