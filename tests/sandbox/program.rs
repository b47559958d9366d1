//! When the program confines a script, what it says of that, and what is confined.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::{pe_script, record, world};

/// A project, another's folder beside it, and a file that is nobody's business.
struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["project/sub", "theirs/lib", "data"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let place = Self { root };
        place.write("project/pe-script.yaml", "plugins: []\n");
        place.write("data/secret.rhai", "fn key() { 4711 }");
        place
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs in the project's folder.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        pe_script(&self.at("project"), &[&["run"], arguments].concat())
    }
}

const SECRET: &str = "print(exists(\"../data/secret.rhai\"));";

#[test]
fn a_script_is_trusted_where_it_lies_in_the_project() {
    let place = Place::new();
    let check = |here: &str, script: &str, trusted: bool| {
        let (code, stdout, stderr) = pe_script(&place.at(here), &["run", script]);
        let said = stderr.contains("so it runs in the sandbox");
        assert_eq!(said, !trusted, "{script} in {here}: {stderr}");
        assert_eq!(stderr.contains("`--allow-read DIR`"), !trusted, "{stderr}");
        assert_eq!(code, 0, "{stdout}{stderr}");
    };
    for file in ["project/a.rhai", "project/sub/a.rhai", "theirs/a.rhai"] {
        place.write(file, "print(1);");
    }
    symlink(place.at("theirs"), place.at("project/linked")).unwrap();
    symlink(place.at("theirs/a.rhai"), place.at("project/theirs.rhai")).unwrap();
    symlink(place.at("project/a.rhai"), place.at("theirs/ours.rhai")).unwrap();
    check("project", "a.rhai", true);
    check("project", "sub/a.rhai", true);
    check("project/sub", "../a.rhai", true);
    check("project/sub", "../sub/../a.rhai", true);
    check("project", "../theirs/a.rhai", false);
    check(
        "project",
        &place.at("theirs/a.rhai").display().to_string(),
        false,
    );
    check("project", "linked/a.rhai", false);
    check("project", "theirs.rhai", false);
    // Its imports would be theirs.
    check("project", "../theirs/ours.rhai", false);
    // Without a pe-script.yaml, the project is where the user is.
    check("theirs", "a.rhai", true);
    check("theirs/lib", "../a.rhai", false);
}

#[test]
fn a_confined_script_reaches_its_own_folders_and_no_others() {
    let place = Place::new();
    place.write("theirs/table.csv", "a\n");
    place.write(
        "theirs/a.rhai",
        "fn kind(path) { try { return exists(path); } catch (error) { return error.kind; } }\n\
         print(kind(\"../theirs/table.csv\")); print(kind(run_dir())); print(kind(\"..\"));\n\
         print(kind(\".\")); print(kind(\"pe-script.yaml\")); print(kind(\"../data/secret.rhai\"));\n\
         print(kind(\"../data/nothing\")); print(kind(run_dir() + \"/../run.html\"));\n\
         print(kind(\"/etc/passwd\")); print(kind(\"\"));",
    );
    let refused = "sandbox.refused\n";
    let (code, stdout, stderr) = place.run(&["../theirs/a.rhai"]);
    assert_eq!(
        (code, stdout),
        (0, format!("true\ntrue\n{}", refused.repeat(8))),
        "{stderr}"
    );
    let record = record(&place.at("project"));
    let because = record["sandbox"]["because"].as_str().unwrap();
    assert!(because.contains("outside of"), "{because}");
    let theirs = place.at("theirs").canonicalize().unwrap();
    assert_eq!(
        record["sandbox"]["read"][0],
        serde_yaml::Value::from(theirs.display().to_string())
    );
    assert_eq!(record["limits"]["time"], serde_yaml::Value::from("24h"));
    assert_eq!(
        record["limits"]["operations"],
        serde_yaml::Value::from(500_000_000)
    );
}

#[test]
fn options_decide_against_the_place() {
    let place = Place::new();
    place.write("theirs/a.rhai", SECRET);
    place.write("project/a.rhai", SECRET);
    let check = |arguments: &[&str], expected: Option<&str>| {
        let (code, stdout, stderr) = place.run(&[arguments, &["-q"]].concat());
        match expected {
            Some(expected) => assert_eq!((code, stdout.as_str()), (0, expected), "{stderr}"),
            None => {
                assert_eq!(code, 1, "{arguments:?}: {stdout}");
                assert!(stderr.contains("add `--allow-read ../data`"), "{stderr}");
            }
        }
        let asked = arguments.len() > 1;
        assert_eq!(
            stderr.contains("runs in the sandbox"),
            !asked && expected.is_none()
        );
    };
    check(&["../theirs/a.rhai"], None);
    check(&["../theirs/a.rhai", "--no-sandbox"], Some("true\n"));
    check(
        &["../theirs/a.rhai", "--allow-read", "../data"],
        Some("true\n"),
    );
    check(
        &["../theirs/a.rhai", "--allow-write", "../data"],
        Some("true\n"),
    );
    check(&["../theirs/a.rhai", "--allow-read", "."], None);
    check(&["a.rhai"], Some("true\n"));
    check(&["a.rhai", "--sandbox"], None);
    check(&["a.rhai", "--allow-write", "out"], None);
}

#[test]
fn options_that_do_not_go_together_are_refused() {
    let place = Place::new();
    place.write("project/a.rhai", "print(1);");
    let check = |options: &[&str], words: &str| {
        let (code, _, stderr) = place.run(&[&["a.rhai"], options].concat());
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    };
    check(&["--sandbox", "--no-sandbox"], "cannot be used with");
    check(
        &["--no-sandbox", "--allow-read", "."],
        "cannot be used with",
    );
    check(
        &["--no-sandbox", "--allow-write", "."],
        "cannot be used with",
    );
    check(&["--allow-read", "nowhere"], "there is no nowhere");
}

#[test]
fn a_confined_script_writes_where_it_may() {
    let place = Place::new();
    place.write(
        "theirs/a.rhai",
        "let page = report::page(\"x\"); page.text(\"y\");\n\
         fn kind(page, path) { try { page.save(path); return \"saved\"; } catch (error) { return error.kind; } }\n\
         print(kind(page, run_dir() + \"/x.html\")); print(kind(page, \"out/x.html\"));\n\
         print(kind(page, \"x.html\")); print(kind(page, \"../theirs/x.html\"));\n\
         print(kind(page, run_dir() + \"/../run.html\"));\n\
         print(kind(page, run_dir() + \"/../log.html\"));\n\
         print(kind(page, run_dir() + \"/../script/a.html\"));",
    );
    fs::create_dir(place.at("project/out")).unwrap();
    let before = (world(&place.at("theirs")), world(&place.at("data")));
    let (code, stdout, stderr) = place.run(&["../theirs/a.rhai", "-q", "--allow-write", "out"]);
    let expected = format!("saved\nsaved\n{}", "sandbox.refused\n".repeat(5));
    assert_eq!((code, stdout), (0, expected), "{stderr}");
    assert_eq!(
        before,
        (world(&place.at("theirs")), world(&place.at("data")))
    );
    assert!(place.at("project/out/x.html").exists());
    let record = record(&place.at("project"));
    assert_eq!(
        record["sandbox"]["because"],
        serde_yaml::Value::from("--allow-write")
    );
}

#[test]
fn imports_do_not_lead_out() {
    let place = Place::new();
    let secret = place.at("data/secret");
    symlink(
        place.at("data/secret.rhai"),
        place.at("theirs/lib/link.rhai"),
    )
    .unwrap();
    symlink(place.at("data"), place.at("theirs/lib/data")).unwrap();
    let check = |path: &str, words: &str| {
        place.write(
            "theirs/a.rhai",
            &format!("import {path:?} as m; print(m::key());"),
        );
        let (code, stdout, stderr) = place.run(&["../theirs/a.rhai"]);
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains(words), "{path}: {stderr}");
    };
    check("../data/secret", "outside of the script's folder");
    check("lib/../../data/secret", "outside of the script's folder");
    check(
        &secret.display().to_string(),
        "outside of the script's folder",
    );
    check("lib/link", "a link that leads out");
    check("lib/data/secret", "a link that leads out");
    place.write("theirs/lib/own.rhai", "fn key() { 1 }");
    place.write("theirs/a.rhai", "import \"lib/own\" as m; print(m::key());");
    assert_eq!(place.run(&["../theirs/a.rhai"]).1, "1\n");
}

#[test]
fn what_comes_with_a_script_does_not_lead_out() {
    let place = Place::new();
    place.write("data/a.quick.yaml", "n: 4711\n");
    let script = "let p = param(\"profile\", \"quick\", \"d\", [\"quick\"]);\nlet n = param(\"n\", 1, \"d\");\nprint(n);";
    place.write("theirs/a.rhai", script);
    symlink(
        place.at("data/a.quick.yaml"),
        place.at("theirs/a.quick.yaml"),
    )
    .unwrap();
    let (code, stdout, stderr) = place.run(&["../theirs/a.rhai"]);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    assert!(stderr.contains("the sandbox does not let"), "{stderr}");
    // A plugin whose code is a link, and one that would do something while it is loaded.
    let manifest = "name: evil\nversion: \"1\"\ndescription: d\n";
    place.write("theirs/evil/plugin.yaml", manifest);
    place.write("theirs/pe-script.yaml", "plugins: [evil]\n");
    place.write("theirs/a.rhai", "print(1);");
    symlink(
        place.at("data/secret.rhai"),
        place.at("theirs/evil/evil.rhai"),
    )
    .unwrap();
    let (code, _, stderr) = place.run(&["../theirs/a.rhai"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("a link that leads out"), "{stderr}");
    fs::remove_file(place.at("theirs/evil/evil.rhai")).unwrap();
    let before = world(&place.at("data"));
    let code_on_load = "let p = report::page(\"x\"); p.text(\"y\"); p.save(\"../data/x.html\");";
    place.write("theirs/evil/evil.rhai", code_on_load);
    let (code, _, stderr) = place.run(&["../theirs/a.rhai"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("the sandbox does not let"), "{stderr}");
    place.write("theirs/evil/evil.rhai", "loop {}");
    let (code, _, stderr) = place.run(&["../theirs/a.rhai", "--max-operations", "9000"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("`--max-operations` of 9000"), "{stderr}");
    assert_eq!(before, world(&place.at("data")));
}

#[test]
fn the_prompt_is_the_users_own_unless_it_is_confined() {
    let place = Place::new();
    let eval = |options: &[&str]| {
        let arguments = [&["eval", "exists(\"../data/secret.rhai\")"], options].concat();
        pe_script(&place.at("project"), &arguments)
    };
    assert_eq!(eval(&[]).1, "true\n");
    assert_eq!(eval(&["--allow-read", "../data"]).1, "true\n");
    let (code, stdout, stderr) = eval(&["--sandbox"]);
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("it may read below"), "{stderr}");
    place.write("theirs/a.rhai", SECRET);
    let (code, _, stderr) = pe_script(&place.at("project"), &["repl", "../theirs/a.rhai"]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("so it runs in the sandbox"), "{stderr}");
}

#[test]
fn tests_outside_of_the_project_are_confined() {
    let place = Place::new();
    let test = "fn test_a() { assert(exists(\"../data/secret.rhai\")); }\n\
                fn test_own() { assert(exists(scratch_dir())); assert(exists(\"../theirs/t.rhai\")); }";
    place.write("theirs/t.rhai", test);
    let run = |options: &[&str]| {
        pe_script(
            &place.at("project"),
            &[&["test", "../theirs/t.rhai"], options].concat(),
        )
    };
    let (code, stdout, stderr) = run(&[]);
    assert_eq!(code, 3, "{stdout}");
    assert!(
        stdout.contains("1 passed") && stdout.contains("the sandbox does not let"),
        "{stdout}"
    );
    assert_eq!(
        stderr.matches("so it runs in the sandbox").count(),
        1,
        "{stderr}"
    );
    assert_eq!(run(&["--no-sandbox"]).0, 0);
    assert_eq!(run(&["--allow-read", "../data"]).0, 0);
}

#[test]
fn a_scan_finds_nothing_behind_a_link() {
    let place = Place::new();
    let cohort = "phantom::write(\"../data/c\", #{ n_exams: 1, size: 64, max_slices: 40 });";
    place.write("project/make.rhai", cohort);
    assert_eq!(place.run(&["make.rhai", "-q"]).0, 0);
    let scan = "let scan = try_scan(); print(scan);\n\
                fn try_scan() { try { return dicom::scan(\"../theirs\").exams.len(); } \
                catch (error) { return error.kind; } }";
    place.write("theirs/a.rhai", scan);
    symlink(place.at("data/c"), place.at("theirs/link")).unwrap();
    assert_found_nothing(&place.run(&["../theirs/a.rhai", "-q"]));
    fs::remove_file(place.at("theirs/link")).unwrap();
    for (i, file) in files(&place.at("data/c")).iter().enumerate() {
        symlink(file, place.at(&format!("theirs/{i}.dcm"))).unwrap();
    }
    assert_found_nothing(&place.run(&["../theirs/a.rhai", "-q"]));
    let trusted = place.run(&["../theirs/a.rhai", "-q", "--no-sandbox"]);
    assert_eq!((trusted.0, trusted.1.as_str()), (0, "1\n"), "{}", trusted.2);
}

fn assert_found_nothing((code, stdout, stderr): &(i32, String, String)) {
    assert_eq!(*code, 0, "{stderr}");
    assert!(stdout == "0\n" || stdout == "sandbox.refused\n", "{stdout}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let all = world(folder).into_iter();
    all.filter_map(|(path, bytes)| {
        bytes.filter(|_| path.extension().is_some_and(|end| end == "dcm"))?;
        Some(path)
    })
    .collect()
}
