//! `start`: a task that belongs to its caller until it says that it is ready.
