use pe_binding::Work;
use pe_nn::Stoppable;

/// Makes networks on this thread check for the user's stop request until the guard is dropped. One
/// pass through a network takes seconds on a CPU, too long to check only between passes.
pub(crate) fn stoppable(work: &Work) -> Stoppable {
    let work = work.clone();
    Stoppable::enter(move || work.check().is_err())
}
