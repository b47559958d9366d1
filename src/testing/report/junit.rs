//! Report for build servers in JUnit's XML format, with one suite for each script.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Pass;
use crate::testing::{Case, Finished, Verdict};

/// The text of the XML file.
///
/// # Errors
/// When it cannot be serialised as XML.
pub(in crate::testing) fn text(pass: &Pass) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("pe-script test");
    report.set_time(pass.elapsed);
    let mut done: Vec<&(Case, Finished)> = pass.done.iter().collect();
    done.sort_by_key(|(case, _)| case.name());
    for tests in done.chunk_by(|(a, _), (b, _)| a.file == b.file) {
        let name = tests
            .first()
            .map(|(case, _)| case.file.display().to_string());
        let mut suite = TestSuite::new(name.unwrap_or_default());
        suite.add_test_cases(tests.iter().map(|(case, finished)| test(case, finished)));
        suite.set_time(tests.iter().map(|(_, finished)| finished.elapsed).sum());
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn test(case: &Case, finished: &Finished) -> TestCase {
    let status = match &finished.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Verdict::Interrupted => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message("stopped by the user");
            status
        }
        Verdict::Failed(report) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(report.message.as_str());
            status.set_type(report.kind.as_str());
            status.set_description(report.render(false));
            status
        }
    };
    let function = case.function.as_deref().unwrap_or("(syntax)");
    let mut test = TestCase::new(function, status);
    test.set_classname(case.file.with_extension("").display().to_string());
    test.set_time(finished.elapsed);
    if !finished.output.is_empty() {
        test.set_system_out(finished.output.as_str());
    }
    test
}
