//! What identifies a patient in the input is in nothing that comes out: a cohort whose files hold
//! planted names, ids, dates and free text is taken through everything as a user would, and every
//! byte that was printed or written is searched.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]

#[path = "privacy/planted.rs"]
mod planted;
#[path = "privacy/search.rs"]
mod search;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use search::Search;

/// Two models of different kinds, each in one short epoch.
const SMALL: [&str; 14] = [
    "rows=effnet,effnet_tcn",
    "sizes.effnet=24",
    "sizes.resnet3d=16",
    "mask=hull",
    "split.validation=0.3",
    "effnet.network=efficientnet_b0",
    "effnet.weights=",
    "effnet.epochs=1",
    "effnet.steps=4",
    "effnet.warmup_steps=0",
    "tcn.epochs=1",
    "evaluation.replicates=20",
    "max_slices=0",
    "threads=2",
];

/// The folders of a user, and all that was printed.
struct Desk {
    folder: tempfile::TempDir,
    printed: Vec<(String, Vec<u8>)>,
}

impl Desk {
    /// Where the user works; the input is beside it.
    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Runs a command to its end and keeps what it prints; gives its exit code.
    fn run(&mut self, arguments: &[&str], input: &str) -> i32 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pe-script"))
            .args(arguments)
            .current_dir(self.work())
            .env("HOME", self.work())
            .env("XDG_STATE_HOME", self.work().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let code = output.status.code().unwrap();
        let name = arguments.join(" ");
        self.printed
            .push((format!("stdout of {name}"), output.stdout));
        self.printed
            .push((format!("stderr of {name}"), output.stderr));
        code
    }

    /// As [`Desk::run`], for a command that must do what it should.
    fn done(&mut self, arguments: &[&str]) {
        let code = self.run(arguments, "");
        assert_eq!(code, 0, "{arguments:?}: {}", self.last());
    }

    /// As [`Desk::run`], for a script of ours that ends with an error.
    fn fails(&mut self, name: &str, script: &str) {
        fs::write(self.work().join(name), script).unwrap();
        let code = self.run(&["run", name], "");
        assert_eq!(code, 1, "{name}: {}", self.last());
    }

    fn last(&self) -> String {
        let text = |(name, bytes): &(String, Vec<u8>)| {
            format!("{name}\n{}", String::from_utf8_lossy(bytes))
        };
        let last = self.printed.len().saturating_sub(2);
        self.printed[last..].iter().map(text).collect()
    }

    /// All that was printed and every file under the folder of work, with its name.
    fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = self.printed.clone();
        for path in files(&self.work()) {
            let name = path.strip_prefix(self.folder.path()).unwrap();
            all.push((name.display().to_string(), fs::read(&path).unwrap()));
        }
        all
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn script(name: &str) -> String {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    scripts.join(name).display().to_string()
}

/// A cohort with everything planted, and a folder of broken files.
fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("work")).unwrap();
    let mut desk = Desk {
        folder,
        printed: Vec::new(),
    };
    desk.done(&[
        "eval",
        r#"phantom::write("../cohort", #{ n_exams: 12, size: 64, max_slices: 40, pe_share: 0.5 })"#,
    ]);
    let root = desk.folder.path();
    let slices = files(&root.join("cohort/train"));
    planted::break_files(&slices[0], &root.join("broken"));
    for path in &slices {
        planted::plant(path);
    }
    planted::in_table(&root.join("cohort/train.csv"));
    let unusable = root.join("cohort/unusable");
    fs::create_dir(&unusable).unwrap();
    for name in planted::UNUSABLE {
        fs::copy(root.join("broken").join(name), unusable.join(name)).unwrap();
    }
    desk
}

#[test]
fn nothing_planted_comes_out() {
    let mut desk = desk();
    let search = Search::of(&planted::texts());
    let input: Vec<(String, Vec<u8>)> = ["cohort", "broken"]
        .iter()
        .flat_map(|name| files(&desk.folder.path().join(name)))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    // The search finds everything where it was planted; else it would say nothing of the rest.
    assert_eq!(search.not_in(&input), Vec::<String>::new());

    trains_and_predicts(&mut desk);
    looks_at_single_exams(&mut desk);
    meets_broken_files(&mut desk);
    shares_copies(&mut desk);

    let everything = desk.everything();
    for kind in [
        "log.txt",
        ".json",
        ".html",
        ".png",
        ".csv",
        ".bin",
        ".safetensors",
        ".dcm",
    ] {
        let is_there = everything.iter().any(|(name, _)| name.ends_with(kind));
        assert!(is_there, "no {kind} was made");
    }
    assert_eq!(search.findings(&everything), Vec::<String>::new());
}

fn trains_and_predicts(desk: &mut Desk) {
    let table2 = script("table2.rhai");
    let arguments = [
        &["run", "--no-sandbox", &table2, "data=../cohort"],
        &SMALL[..],
    ]
    .concat();
    desk.done(&arguments);
    desk.done(&[&arguments[..], &["--json"]].concat());
    let model = fs::read_dir(desk.work().join("table2/models"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| {
            path.file_name()
                .and_then(OsStr::to_str)
                .unwrap()
                .starts_with("effnet_tcn")
        })
        .unwrap();
    let model = format!("model={}", model.display());
    let predict = script("predict.rhai");
    desk.done(&[
        "run",
        "--no-sandbox",
        &predict,
        &model,
        "input=../cohort",
        "pictures=1",
    ]);
}

fn looks_at_single_exams(desk: &mut Desk) {
    let exam = files(&desk.folder.path().join("cohort/train"))[0].clone();
    let input = format!("input={}", exam.parent().unwrap().display());
    let inspect = script("inspect.rhai");
    desk.done(&["run", "--no-sandbox", &inspect, &input, "out=."]);
    desk.done(&["run", "--no-sandbox", &inspect, &input, "--json"]);
    desk.done(&[
        "run",
        "--no-sandbox",
        &script("preprocess.rhai"),
        "input=../cohort",
        "size=24",
        "sheets=1",
    ]);
    desk.done(&["doctor"]);
    let session = "let scan = dicom::scan(\"../cohort\");\nprint(scan);\nprint(scan.findings);\n\
                   for exam in scan.exams { print(exam); print(exam.header); print(exam.info); }\n\
                   print(scan.labels);\nscan.exams[0].load()\n";
    assert_eq!(desk.run(&[], session), 0, "{}", desk.last());
}

fn meets_broken_files(desk: &mut Desk) {
    let broken = desk.folder.path().join("broken");
    let inspect = script("inspect.rhai");
    desk.run(&["run", "--no-sandbox", &inspect, "input=../broken"], "");
    desk.run(
        &[
            "run",
            "--no-sandbox",
            &script("preprocess.rhai"),
            "input=../broken",
            "out=odd",
            "size=24",
        ],
        "",
    );
    desk.done(&["eval", "print(dicom::scan(\"../broken\").findings)"]);
    // What errors say of themselves, and what the program says of those that nobody catches.
    let names = files(&broken).into_iter();
    let names = names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let names: Vec<String> = names.collect();
    let each = "{ try { print(dicom::load(`../broken/${name}`)) } catch (error) { print(error) } }";
    desk.done(&["eval", &format!("for name in {names:?} {each}")]);
    for name in ["cut", "spacing", "syntax"] {
        assert_eq!(
            desk.run(&["eval", &format!("dicom::load(\"../broken/{name}\")")], ""),
            1
        );
    }
    for table in planted::TABLES {
        let options = format!("#{{ labels: \"../broken/{table}\" }}");
        desk.run(
            &["eval", &format!("dicom::scan(\"../cohort\", {options})")],
            "",
        );
    }
    desk.fails("uncaught.rhai", "dicom::load(\"../broken\")");
    desk.fails("thrown.rhai", "throw dicom::scan(\"../broken\").findings");
    let test = "fn test_scan() { assert_eq(dicom::scan(\"../broken\").to_string(), \"\"); }";
    fs::write(desk.work().join("test_scan.rhai"), test).unwrap();
    assert_ne!(desk.run(&["test", "test_scan.rhai"], ""), 0);
}

fn shares_copies(desk: &mut Desk) {
    desk.done(&["eval", "dicom::deidentify(\"../cohort\", \"copies\")"]);
    desk.done(&[
        "eval",
        "dicom::deidentify(\"../broken\", \"others\").findings",
    ]);
    assert!(
        desk.work().join("copies/train.csv").is_file(),
        "{}",
        desk.last()
    );
}

#[test]
fn the_search_finds_a_planted_text_in_every_form() {
    let text = "Zärquön & \"Söns\" <llc>";
    let search = Search::of(&[text.to_owned()]);
    let utf16 =
        |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    let page = format!(
        "<img src=\"data:text/plain;base64,{}\">",
        search::base64(text.as_bytes())
    );
    let check = |bytes: &[u8], expected: bool| {
        let surrounded = [b"before ", bytes, b" after"].concat();
        let found = search.findings(&[("a file".to_owned(), surrounded)]);
        assert_eq!(
            !found.is_empty(),
            expected,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    };
    check(text.as_bytes(), true);
    check(text.to_uppercase().as_bytes(), true);
    check(&utf16(u16::to_le_bytes), true);
    check(&utf16(u16::to_be_bytes), true);
    check(b"Z\xE4rqu\xF6n & \"S\xF6ns\" <llc>", true);
    check("\"Zärquön & \\\"Söns\\\" <llc>\"".as_bytes(), true);
    check(br#"Z\u00e4rqu\u00f6n & \"S\u00f6ns\" <llc>"#, true);
    check(
        "Zärquön &amp; &quot;Söns&quot; &lt;llc&gt;".as_bytes(),
        true,
    );
    check(
        b"Z%C3%A4rqu%C3%B6n%20%26%20%22S%C3%B6ns%22%20%3Cllc%3E",
        true,
    );
    check(page.as_bytes(), true);
    check("Zarquon and Sons".as_bytes(), false);
    // A name of a file is looked at as well.
    let named = search.findings(&[(format!("folder/{text}.png"), Vec::new())]);
    assert_eq!(named.len(), 1);
}
