//! What lies beside a script is somebody else's too: links, pipes and devices in the place of a
//! profile, a plugin, an import or a snapshot.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::{pe_script, world};

const MANIFEST: &str = "name: own\nversion: \"1\"\ndescription: d\n";
const WITH_PROFILE: &str = "let p = param(\"profile\", \"fast\", \"d\", [\"fast\"]);\n\
                            let password = param(\"password\", \"\", \"d\");\nprint(password);";

/// Somebody's folder with these files, and one beside it that is nobody's business.
fn place(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let files = [files, &[("secret/thesis/notes.txt", "years of work\n")]].concat();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

#[test]
fn update_removes_and_writes_nothing_behind_a_link() {
    const PASSES: &str = "fn test_a() {}";
    const ASKS: &str = "fn test_a() { assert_snapshot(\"notes\", \"mine\"); }";
    let check = |test: &str, link: &str, to: &str, code: i32, words: &str| {
        let root = place(&[("theirs/a.rhai", test)]);
        let link = root.path().join("theirs").join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(root.path().join(to), &link).unwrap();
        let before = world(&root.path().join("secret"));
        for options in [&["--update"][..], &["--update", "--sandbox"]] {
            let arguments = [&["test", "theirs/a.rhai"], options].concat();
            let (found, stdout, stderr) = pe_script(root.path(), &arguments);
            assert_eq!(found, code, "{stdout}{stderr}");
            let sandbox = stdout.contains("the sandbox does not let");
            assert!(sandbox || stdout.contains(words), "{stdout}");
            assert!(!stdout.contains("removed"), "{stdout}");
            assert_eq!(before, world(&root.path().join("secret")), "{stdout}");
            assert!(link.is_symlink());
        }
    };
    check(PASSES, "snapshots", "secret", 0, "1 passed");
    check(PASSES, "snapshots/old", "secret/thesis", 0, "1 passed");
    check(
        PASSES,
        "snapshots/a/b.txt",
        "secret/thesis/notes.txt",
        0,
        "1 passed",
    );
    let words = "is a link, and snapshots are kept in files of their own";
    check(ASKS, "snapshots", "secret", 3, words);
    check(ASKS, "snapshots/a", "secret/thesis", 3, words);
    check(
        ASKS,
        "snapshots/a/notes.txt",
        "secret/thesis/notes.txt",
        3,
        words,
    );
}

#[test]
fn a_profile_that_is_a_link_gives_nothing_away() {
    let root = place(&[
        ("theirs/s.rhai", WITH_PROFILE),
        ("secret/s.yaml", "password: hunter2\n"),
        (
            "theirs/t.rhai",
            "fn test_a() { try { run_script(\"s.rhai\"); } catch (error) {\n\
             assert_eq(error.kind, \"sandbox.refused\"); return; } throw \"it was read\"; }\n\
             fn test_b() { run_script(\"s.rhai\", #{ password: \"x\" }); }",
        ),
    ]);
    let link = root.path().join("theirs/s.fast.yaml");
    symlink(root.path().join("secret/s.yaml"), &link).unwrap();
    let run = |arguments: &[&str]| {
        let arguments = [arguments, &["--sandbox"]].concat();
        let (code, stdout, stderr) = pe_script(root.path(), &arguments);
        let all = format!("{stdout}{stderr}");
        assert!(!all.contains("hunter2"), "{all}");
        assert!(all.contains("the sandbox does not let"), "{all}");
        (code, all)
    };
    assert_eq!(run(&["run", "theirs/s.rhai"]).0, 2);
    assert_eq!(run(&["run", "theirs/s.rhai", "--help"]).0, 2);
    let (code, all) = run(&["test", "theirs/t.rhai"]);
    assert_eq!(code, 3);
    assert!(all.contains("1 passed"), "{all}");
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Puts each thing that is no file, and what is too long, in the place of a file.
fn check_replaced(files: &[(&str, &str)], name: &str, most_mib: u64, arguments: &[&str]) {
    let check = |make: &dyn Fn(&Path), words: &str| {
        let root = place(files);
        let path = root.path().join(name);
        if path.exists() {
            fs::remove_file(&path).unwrap();
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        make(&path);
        let (code, stdout, stderr) = pe_script(root.path(), arguments);
        assert!(code == 2 || code == 1, "{name}, {words}: {stdout}{stderr}");
        // A link may be what is wrong before what it leads to is looked at.
        let link = stderr.contains("a link that leads out") || stderr.contains("does not let");
        let told = stderr.contains(words) || link && path.is_symlink();
        assert!(told, "{name}, {words}: {stderr}");
        let file = name.rsplit('/').next().unwrap();
        assert!(stderr.contains(file), "{name}, {words}: {stderr}");
    };
    let no_file = "expected a file, found a pipe, a socket or a device";
    let expected =
        |found: &str| format!("expected a file of at most {most_mib} MiB, found {found}");
    check(&make_pipe, no_file);
    check(&|path| fs::create_dir(path).unwrap(), &expected("a folder"));
    let bytes = vec![b' '; (most_mib << 20) as usize + 1];
    check(&|path| fs::write(path, &bytes).unwrap(), &expected("more"));
    let device = |path: &Path| symlink("/dev/zero", path).unwrap();
    check(&device, no_file);
}

#[test]
fn what_is_no_file_is_not_read() {
    for sandbox in [&["--sandbox", "--max-time", "3s"][..], &[]] {
        let run = [&["run", "theirs/s.rhai"], sandbox].concat();
        let profile = &[("theirs/s.rhai", WITH_PROFILE)];
        check_replaced(profile, "theirs/s.fast.yaml", 1, &run);
        let plain = ("theirs/s.rhai", "print(1);");
        check_replaced(&[plain], "theirs/pe-script.yaml", 1, &run);
        let plugins = ("theirs/pe-script.yaml", "plugins: [own]");
        let code = ("theirs/own/own.rhai", "fn f() { 1 }");
        let manifest = ("theirs/own/plugin.yaml", MANIFEST);
        check_replaced(&[plain, plugins, code], "theirs/own/plugin.yaml", 1, &run);
        let import = ("theirs/s.rhai", "import \"lib\" as lib;");
        check_replaced(&[import], "theirs/lib.rhai", 4, &run);
        // A folder with a script's name is a folder of scripts.
        let root = place(&[plain, plugins, code, manifest]);
        make_pipe(&root.path().join("theirs/own/more.rhai"));
        let (code, _, stderr) = pe_script(root.path(), &run);
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("more.rhai: expected a file"), "{stderr}");
    }
    check_replaced(&[], "theirs/s.rhai", 4, &["run", "theirs/s.rhai"]);
    check_replaced(
        &[("s.rhai", "")],
        "p.yaml",
        1,
        &["run", "s.rhai", "--params", "p.yaml"],
    );
    check_replaced(&[], "theirs/s.rhai", 4, &["repl", "theirs/s.rhai"]);
}

#[test]
fn a_plugin_has_its_size() {
    let files = [
        ("own/plugin.yaml", MANIFEST),
        ("own/own.rhai", "fn f() { 1 }"),
        ("s.rhai", "print(own::f());"),
    ];
    let root = place(&files);
    let long = root.path().join("own/long.rhai");
    fs::write(&long, " ".repeat(4 << 20)).unwrap();
    let run = || pe_script(root.path(), &["run", "s.rhai", "-q", "--plugin", "own"]);
    assert_eq!(run().0, 0);
    for n in 0..4 {
        symlink("long.rhai", root.path().join(format!("own/{n}.rhai"))).unwrap();
    }
    let (code, _, stderr) = run();
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("at most 16 MiB in all"), "{stderr}");
}

#[test]
fn what_a_link_leads_to_is_not_told() {
    let check = |link: &str, to: &str, files: &[(&str, &str)]| {
        let root = place(files);
        fs::write(root.path().join("secret/keys.yaml"), "hunter2: 1\n").unwrap();
        fs::create_dir_all(root.path().join(link).parent().unwrap()).unwrap();
        symlink(root.path().join(to), root.path().join(link)).unwrap();
        let arguments = ["run", "theirs/s.rhai", "--sandbox"];
        let (code, stdout, stderr) = pe_script(root.path(), &arguments);
        assert!(code == 1 || code == 2, "{stdout}{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
        assert!(stderr.contains("a link that leads out"), "{stderr}");
        // Behind it are the time and the run's folder.
        let end = stderr.find("failed in").unwrap_or(stderr.len());
        stderr[..end].to_owned()
    };
    let plain = ("theirs/s.rhai", "print(1);");
    check("theirs/pe-script.yaml", "secret/keys.yaml", &[plain]);
    let plugins = ("theirs/pe-script.yaml", "plugins: [own]");
    let code = ("theirs/own/own.rhai", "fn f() { 1 }");
    let with_plugin = [plain, plugins, code];
    check("theirs/own/plugin.yaml", "secret/keys.yaml", &with_plugin);
    // An import does not tell either whether there is something.
    let import = ("theirs/s.rhai", "import \"lib\" as lib;");
    let there = check("theirs/lib.rhai", "secret/keys.yaml", &[import]);
    let nothing = check("theirs/lib.rhai", "secret/nothing", &[import]);
    assert_eq!(there, nothing);
}

#[test]
fn yaml_that_takes_long_is_refused() {
    let root = place(&[("theirs/s.rhai", WITH_PROFILE)]);
    let nested = "[".repeat(1_000_000);
    fs::write(root.path().join("theirs/s.fast.yaml"), nested).unwrap();
    let (code, _, stderr) = pe_script(root.path(), &["run", "theirs/s.rhai"]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("brackets are not closed"), "{stderr}");
}
