//! Report for programs: one JSON object a line, one for each test and one at the end.

use serde_json::{Value, json};

use super::Pass;
use crate::testing::{Case, Finished, Verdict};

/// The object of a test that has ended.
pub(in crate::testing) fn test(case: &Case, finished: &Finished) -> Value {
    let mut object = named(case);
    object["status"] = status(&finished.verdict).into();
    object["elapsed_s"] = seconds(finished.elapsed).into();
    match &finished.verdict {
        Verdict::Skipped(reason) => object["reason"] = reason.as_str().into(),
        Verdict::Failed(report) => {
            object["error"] = serde_json::to_value(report.failure()).unwrap_or_default();
            object["error"]["notes"] = report.notes.clone().into();
            object["report"] = report.render(false).into();
            object["output"] = finished.output.as_str().into();
        }
        Verdict::Passed | Verdict::Interrupted => {}
    }
    object
}

/// The fields of a test that are known before it runs.
pub(in crate::testing) fn named(case: &Case) -> Value {
    json!({
        "type": "test",
        "name": case.name(),
        "file": case.file.display().to_string(),
        "function": case.function,
        "line": case.line,
        "tags": case.tags().collect::<Vec<_>>(),
    })
}

/// The summary object at the end.
pub(in crate::testing) fn summary(pass: &Pass) -> Value {
    let paths = |paths: &[std::path::PathBuf]| {
        let paths = paths
            .iter()
            .map(|path| Value::from(path.display().to_string()));
        paths.collect::<Value>()
    };
    json!({
        "type": "summary",
        "passed": pass.n_passed(),
        "failed": pass.n_failed(),
        "skipped": pass.n_skipped(),
        "not_run": pass.n_not_run(),
        "elapsed_s": seconds(pass.elapsed),
        "snapshots_written": paths(&pass.written),
        "snapshots_unused": paths(&pass.unused),
        "exit_code": pass.exit_code(),
    })
}

fn status(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Skipped(_) => "skipped",
        Verdict::Failed(_) => "failed",
        Verdict::Interrupted => "stopped",
    }
}

fn seconds(elapsed: std::time::Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e3).round() / 1e3
}
