use serde::Serialize;

/// An error in the form for programs: `run.yaml` and JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// Its class, such as `dicom.unreadable`.
    pub kind: String,
    /// The error message, with its causes.
    pub message: String,
    /// Advice for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The script or module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in that line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}
