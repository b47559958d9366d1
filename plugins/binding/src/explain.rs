use std::error::Error;

/// An error with a stable kind and a hint for the user of a script.
///
/// Every plugin's error enum implements this. The host prints `kind`, the chain of causes and the
/// hint; a script that catches the error reads them as `err.kind`, `err.message`, `err.hint` and
/// `err.exam`.
pub trait Explain: Error + 'static {
    /// Short stable name of the class of error, for programs: `"dicom.unreadable"`.
    fn kind(&self) -> &'static str;

    /// Advice to the user, as a sentence; `None` if there is nothing useful to say.
    fn hint(&self) -> Option<String> {
        None
    }

    /// True for the user's own interrupt (Ctrl-C), which no script may catch.
    fn is_interrupt(&self) -> bool {
        false
    }

    /// The SeriesInstanceUID of the exam whose files are at fault; `None` for other errors. A script
    /// reads it as `err.exam`, and may leave that exam out and go on.
    fn exam(&self) -> Option<&str> {
        None
    }
}
