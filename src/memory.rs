//! Settings of the memory allocator.

/// Keeps freed memory in the process instead of returning it to the system.
///
/// By default glibc maps every large block anew and unmaps it when it is freed. The voxels of each
/// exam (25 MB and more) then cause page faults again and again, which took a fifth of the time of
/// preprocessing. The process keeps at most its peak memory use.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc's allocator has no safe interface")]
pub(crate) fn keep_freed_memory() {
    /// Threshold above the size of any volume. glibc takes smaller blocks from its own heap.
    const NEVER: libc::c_int = libc::c_int::MAX;
    // SAFETY: mallopt only sets two numbers of the allocator, and is called before any thread is
    // started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
        libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
    }
}

/// Does nothing: only glibc's allocator has these settings.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep_freed_memory() {}
