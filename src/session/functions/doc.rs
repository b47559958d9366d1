//! The documentation of the host's functions, in the form in which plugins write theirs.

pub(super) const PARAM: &str = r#"The value of a parameter of this script: `default`, unless the user gives another one.

The user gives it as `key=value` on the command line or in a file (`--params`). All arguments are
literals: `pe-script run SCRIPT --help` lists them without running the script. The default's kind
decides what is accepted. A map's entries are given one by one, as `net.epochs=3`, or as a map that
is merged into the default.

Throws `param.undeclared` in a module that asks for a parameter which the script that is run does
not declare.

```rhai
let size = param("size", 224, "side of a stored slice, pixels");
let net  = param("net", #{ epochs: 10, lr: 1e-4 }, "how the network is trained");
print(`${size} ${net.epochs}`); // 224 10
```"#;

pub(super) const PARAM_CHOICES: &str = r#"As `param(name, default, doc)`, with the values that are allowed.

Where the default is an array, they are those of its elements. A string parameter `profile` with
choices takes the defaults of the other parameters from the file `SCRIPT.PROFILE.yaml` beside the
script.

```rhai
let mode = param("mode", "paper", "which mask", ["paper", "hull", "none"]);
print(mode); // paper
```"#;

pub(super) const PARAM_OPTIONS: &str = r#"As `param(name, default, doc)`, for a map whose entries are the options of a function.

The user may give each of them, as `net.batch=8`; what `default` leaves out has the function's own default. A
run's record says them all. `seed`, `device` and `threads` are settings of the run, and not among them.

```rhai
let net = param("net", #{ epochs: 20, lr: 1e-3 }, "how the network is trained", "Runs.cnn");
print(net.epochs); // 20
```"#;

pub(super) const LOG: &str = r#"Tells the user who follows the run: a line on stderr and in the run's log.

Results are for `print`, which writes to standard output.

```rhai
log(`reading ${scan.exams.len()} exams`);
```"#;

pub(super) const WARN: &str = r#"Warns the user: a line on stderr, also with `--quiet`, and in the run's log.

```rhai
if scan.exams.len() < 100 { warn("intervals will be wide"); }
```"#;

pub(super) const RESULT: &str = r#"Records a result of the run in its `run.yaml`, and in the object that `--json` prints.

`value` is a number, a string, a bool, `()`, or an array or map of these. A second result of the
same name replaces the first.

Throws `result.invalid` for anything else.

```rhai
result("n_slices", volume.n_slices);
result("shares", #{ test: 0.2, validation: 0.1 });
try { result("mask", mask); } catch (error) { print(error.kind); } // result.invalid
```"#;

pub(super) const SHOW: &str = r#"Shows a value: draws a picture, prints anything else.

A picture is written into the run's folder, its path is printed, and terminals that can show it.

Throws `report.io` when the picture cannot be written.

```rhai
show(report::contact_sheet(volume, mask, #{ n_slices: 4 }));
show(mask.n_slices); // 40
```"#;

pub(super) const RUN_DIR: &str = r#"The path of this run's folder, where a script may write files.

In the sandbox it is the folder `files` in it, so that the run's record is out of the script's reach.

```rhai
picture.save(`${run_dir()}/slice.png`);
```"#;

pub(super) const SCRIPT_DIR: &str = r#"The path of the folder that the script lies in; at the prompt, of the current folder.

```rhai
print(exists(script_dir())); // true
```"#;

pub(super) const READ_YAML: &str = r#"What is in a YAML or JSON file: maps, arrays, strings, numbers, `()` for `null`.

The path is relative to the current folder. A file in the script's folder is copied into the run's folder,
as imports are. It may have 1 MiB.

Throws `yaml.file` for a file that cannot be read, `yaml.syntax` for one that is neither, and
`sandbox.refused` for a path that the script may not read.

```rhai
try { read_yaml("no/such/file.yaml"); } catch (error) { print(error.kind); } // yaml.file
```"#;

pub(super) const SEED: &str = r#"The seed of everything random in this run: `--seed`, or `seed=`; 0 by default.

```rhai
let split = train::split(slices, #{ test: 0.34, validation: 0.5, seed: seed() });
```"#;

pub(super) const THREADS: &str = r#"How many threads native functions use: `--threads`; all cores by default.

```rhai
print(threads() >= 1); // true
```"#;

pub(super) const DEVICE: &str = r#"Where networks run, `"cpu"` or `"cuda:N"`: `--device`; by default a GPU where one works.

Throws `device.unknown`, `device.out_of_range` and others that say why, when the device that the
user named cannot be used.

```rhai
let runs = train::runs("work", #{ device: device(), seed: seed() });
```"#;

pub(super) const ELAPSED_S: &str = r#"The time since this run began, in seconds.

```rhai
let began = elapsed_s();
let volume = exam.load();
print(elapsed_s() - began < 60.0); // true
```"#;

pub(super) const EXISTS: &str = r#"Whether there is a file or folder at a path, which is relative to the current folder.

Throws `sandbox.refused` for a path that the script may not read.

```rhai
print(exists(cohort));        // true
print(exists("no/such/file")); // false
```"#;

pub(super) const SLEEP: &str = r#"Waits for some seconds, or until Ctrl-C.

Throws `sleep.seconds` for a time below 0.

```rhai
sleep(0.01);
try { sleep(-1); } catch (error) { print(error.kind); } // sleep.seconds
```"#;

pub(super) const SLEEP_WHOLE: &str = "As `sleep(seconds)`, for a whole number of seconds.";

pub(super) const EXIT: &str = r#"Ends the run here with an exit code from 0 to 255; any but 0 marks it failed.

`try` does not catch it.

Throws `exit.code` for another code.

```rhai
try { exit(256); } catch (error) { print(error.kind); } // exit.code
if !exists(cohort) { exit(3); }
```"#;

pub(super) const EXIT_DONE: &str = r#"As `exit(code)`, with code 0: the run ends here, and is done.

```rhai
if scan.exams.is_empty() { exit(); }
```"#;

pub(super) const PROGRESS_ARRAY: &str = r#"Goes through an array in a `for` loop and shows how far it has come.

```rhai
for each in progress(scan.exams, "reading") { print(each.n_slices); }
for each in progress([], "nothing to do") { print("never"); }
```"#;

pub(super) const PROGRESS_RANGE: &str = r#"As `progress(items, label)`, through a range.

```rhai
let sum = 0;
for i in progress(0..10, "adding") { sum += i; }
print(sum); // 45
```"#;

pub(super) const HELP: &str = r#"Prints the documentation of a function, as the reference has it.

A method or property is named alone or with its type.

Throws `help.unknown`, naming the nearest one, for a name that no function has.

```rhai
help("ct::window");
help("Mask.volume_ml");
try { help("ct::windw"); } catch (error) { print(error.kind); } // help.unknown
```"#;

pub(super) const APROPOS: &str = r#"Prints every function with `text` in its name or documentation, a line each.

Those that have it in their name come first; upper and lower case are the same.

```rhai
apropos("threshold");
```"#;
