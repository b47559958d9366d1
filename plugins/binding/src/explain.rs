use std::error::Error;

/// An error that can tell a person at a script what to do about it.
///
/// Every plugin's error enum implements this; the host prints `kind`, the chain of causes and the
/// hint, and a script that catches the error reads them as `err.kind`, `err.message`, `err.hint`.
pub trait Explain: Error + 'static {
    /// A short stable name of the class of error, for programs: `"dicom.unreadable"`.
    fn kind(&self) -> &'static str;

    /// What the user can do, as a sentence; `None` where there is nothing useful to say.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Whether this is the user's own interrupt on its way out, which no script may catch.
    fn is_interrupt(&self) -> bool {
        false
    }
}
