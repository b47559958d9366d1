//! How the program holds memory.

/// Keeps freed memory in the process. By default glibc maps every large block anew and gives it
/// back at once, so that each exam's voxels (25 MB and more) are page faults over and over: a fifth
/// of the time of preprocessing was spent on them. The most that is kept is the most that was in use.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc's allocator has no safe interface")]
pub(crate) fn keep_freed_memory() {
    /// Larger than any volume; glibc takes blocks below it from its own heap.
    const NEVER: libc::c_int = libc::c_int::MAX;
    // SAFETY: mallopt only sets two numbers of the allocator, and is called before any thread is
    // started.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, NEVER);
        libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER);
    }
}

/// Other allocators are left as they are.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep_freed_memory() {}
