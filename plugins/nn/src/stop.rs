//! Aborts a pass through a network at a stop request.

#![expect(unsafe_code, reason = "calls csrc/stop.cpp, and is called by it")]

use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tch::Tensor;

use crate::{NnError, shim};

thread_local! {
    /// The question of this thread's innermost guard.
    static CURRENT: RefCell<Option<Arc<Question>>> = const { RefCell::new(None) };
}

/// A guard: until it is dropped, networks on this thread ask at each convolution whether to stop.
///
/// Once the answer is yes, the forward pass returns [`NnError::Stopped`], and so does
/// [`gradients`](crate::gradients) of what was computed under the guard. A pass over a large batch
/// takes seconds on a CPU; this way it ends within the time of one convolution. Nothing is
/// restored: after an aborted forward pass in training, BatchNorm has recorded a part of the batch.
///
/// The backward pass asks on its own thread, which on CUDA is one of libtorch's. Run it with
/// `gradients` only: any other way stops silently, with gradients missing. Without a guard nothing
/// is asked, and nothing is added to autograd's graph.
///
/// ```
/// use pe_nn::{Backbone, BackboneKind, Mode, NnError, Stoppable, tch::{Device, Kind, Tensor}};
/// let network = Backbone::new(BackboneKind::EfficientNetB0, 1, Device::Cpu)?;
/// let images = Tensor::zeros([1, 3, 32, 32], (Kind::Float, Device::Cpu));
/// let guard = Stoppable::enter(|| true);
/// assert!(matches!(network.features(&images, Mode::Eval), Err(NnError::Stopped)));
/// drop(guard);
/// assert!(network.features(&images, Mode::Eval).is_ok());
/// # Ok::<(), NnError>(())
/// ```
#[must_use = "nobody asks any more when this is dropped"]
#[derive(Debug)]
pub struct Stoppable {
    before: Option<Arc<Question>>,
    /// Makes the guard `!Send`: the question belongs to the thread.
    not_send: PhantomData<*const ()>,
}

impl Stoppable {
    /// Asks `asked` from now on. A guard inside this one asks its own question instead.
    ///
    /// `asked` is called some fifty times in a pass, from any thread. After a yes it is not called
    /// again.
    pub fn enter(asked: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let question = Arc::new(Question {
            asked: Box::new(asked),
            yes: AtomicBool::new(false),
        });
        Self {
            before: CURRENT.replace(Some(question)),
            not_send: PhantomData,
        }
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

struct Question {
    asked: Box<dyn Fn() -> bool + Send + Sync>,
    /// True once the answer was yes. It stays true, because what was aborted then is incomplete.
    yes: AtomicBool,
}

impl Question {
    fn ask(&self) -> bool {
        if !self.was_yes() && (self.asked)() {
            self.yes.store(true, Ordering::Relaxed);
        }
        self.was_yes()
    }

    fn was_yes(&self) -> bool {
        self.yes.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("yes", &self.yes)
            .finish_non_exhaustive()
    }
}

/// Called with a layer's output: asks whether to stop now, and again when the backward pass reaches
/// it.
///
/// # Errors
/// [`NnError::Stopped`].
pub(crate) fn passed(output: Tensor) -> Result<Tensor, NnError> {
    let Some(question) = CURRENT.with_borrow(Option::clone) else {
        return Ok(output);
    };
    if question.ask() {
        return Err(NnError::Stopped);
    }
    if output.requires_grad() {
        stop_at(&output, question)?;
    }
    Ok(output)
}

/// Returns whether a pass on this thread was aborted since the innermost guard was created.
pub(crate) fn was_stopped() -> bool {
    CURRENT.with_borrow(|question| question.as_ref().is_some_and(|one| one.was_yes()))
}

/// Makes the backward pass ask before it goes through the operation that made `tensor`.
fn stop_at(tensor: &Tensor, question: Arc<Question>) -> Result<(), NnError> {
    shim::call(|error, capacity| {
        // SAFETY: the tensor and `error` are valid during the call. The shim takes over one
        // reference to the question. `ask` borrows it, and `release` gives it back once, on any
        // thread: a question is Send and Sync.
        unsafe {
            pe_stop_at(
                tensor.as_ptr().cast(),
                Arc::into_raw(question).cast(),
                ask,
                release,
                error,
                capacity,
            )
        }
    })
    .map_err(|what| NnError::Tch(tch::TchError::Torch(what)))
}

/// Called by the shim, which holds a reference to the question. Returns 1 to stop, or else 0.
///
/// # Safety
/// `question` is from `Arc::into_raw` in `stop_at` and not released yet.
unsafe extern "C" fn ask(question: *const c_void) -> i32 {
    // SAFETY: the caller holds the reference through this call.
    let question = unsafe { &*question.cast::<Question>() };
    // A panic must not unwind into C++. Treat it as a request to stop.
    let yes = catch_unwind(AssertUnwindSafe(|| question.ask())).unwrap_or_else(|_| {
        question.yes.store(true, Ordering::Relaxed);
        true
    });
    i32::from(yes)
}

/// Called by the shim to give its reference to the question back.
///
/// # Safety
/// `question` is from `Arc::into_raw` in `stop_at`, and this is called on it once and last.
unsafe extern "C" fn release(question: *const c_void) {
    // SAFETY: the caller gives up the reference that `into_raw` made.
    drop(unsafe { Arc::from_raw(question.cast::<Question>()) });
}

unsafe extern "C" {
    fn pe_stop_at(
        tensor: *const c_void,
        question: *const c_void,
        ask: unsafe extern "C" fn(*const c_void) -> i32,
        release: unsafe extern "C" fn(*const c_void),
        error: *mut c_char,
        capacity: usize,
    ) -> i32;
}
