use pe_binding::Work;
use pe_nn::Stoppable;

/// Has networks on this thread ask whether the user wants to stop, until the guard is dropped: a
/// pass of theirs takes seconds on a CPU.
pub(crate) fn stoppable(work: &Work) -> Stoppable {
    let work = work.clone();
    Stoppable::enter(move || work.check().is_err())
}
