//! `ThreadName`: the name of a worker thread while it does one job, as a debugger or `top -H` shows
//! it.

/// Names the current thread, until it is dropped. Where the system offers no way to rename a
/// thread, it does nothing.
pub(crate) struct ThreadName {
    #[cfg(target_os = "linux")]
    before: Option<std::ffi::CString>,
}

impl ThreadName {
    /// The system keeps the first 15 bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn set(name: &str) -> Self {
        use nix::sys::prctl::{get_name, set_name};

        // A name ends at the first NUL; a thread that cannot be renamed is not worth an error.
        let name = name.split('\0').next().unwrap_or_default();
        let before = get_name().ok();
        if let Ok(name) = std::ffi::CString::new(name) {
            let _unnamed = set_name(&name);
        }
        Self { before }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn set(_name: &str) -> Self {
        Self {}
    }
}

#[cfg(target_os = "linux")]
impl Drop for ThreadName {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _unnamed = nix::sys::prctl::set_name(before);
        }
    }
}
