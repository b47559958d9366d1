//! A scan that remembers: what has not changed is not opened, whatever happens to the index.
#![allow(clippy::unwrap_used)] // A test that cannot go on may panic.

mod written;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pe_binding::Work;
use pe_ct::{FindingClass, Scan};
use pe_dicom::{DicomError, FindingKind, ScanOptions, scan};
use pe_files::{Fault, Faults, Files};
use written::{Ct, SECRETS, slice};

/// Two exams of 300 files, of which an index makes several blocks, and files that are none.
struct Data {
    _folder: tempfile::TempDir,
    root: PathBuf,
    index: PathBuf,
}

impl Data {
    fn new(n_slices: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (root, index) = (folder.path().join("in"), folder.path().join("store"));
        for study in 0..2 {
            let files = (0..n_slices).map(|n| Ct {
                study: format!("1.2.{study}"),
                series: format!("1.2.3.{study}"),
                sop: format!("1.2.3.{study}.{n}"),
                position: Some([-10.0, -20.0, f64::from(n) * 2.5]),
                ..slice(n)
            });
            for (n, file) in files.enumerate() {
                let folder = root.join(format!("{}-{study}", SECRETS[0]));
                file.write(&folder, &format!("{n:03}"));
            }
        }
        fs::write(root.join("readme"), "no DICOM file").unwrap();
        fs::write(root.join("empty"), "").unwrap();
        let data = Self {
            _folder: folder,
            root,
            index,
        };
        data.settle();
        data
    }

    /// Dates every file an hour back, as if it had not been written just now.
    fn settle(&self) {
        for path in self.files() {
            set_time(&path, hour_ago());
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let folders = fs::read_dir(&self.root).unwrap();
        let folders = folders.map(|entry| entry.unwrap().path());
        let (folders, mut files): (Vec<_>, Vec<_>) = folders.partition(|path| path.is_dir());
        for folder in folders {
            let inside = fs::read_dir(folder).unwrap();
            files.extend(inside.map(|entry| entry.unwrap().path()));
        }
        files.sort();
        files
    }

    fn plain(&self) -> Scan {
        scan(&self.root, &ScanOptions::default(), &Work::silent()).unwrap()
    }

    /// Scans with the index; gives how many files were opened too.
    fn scan(&self) -> (Scan, u64) {
        let faults = Arc::new(Faults::none());
        let found = self.scan_on(Arc::clone(&faults)).unwrap();
        (found, faults.n_opened())
    }

    fn scan_on(&self, faults: Arc<Faults>) -> Result<Scan, DicomError> {
        let options = ScanOptions {
            index: Some(self.index.clone()),
            ..ScanOptions::default()
        };
        let work = Work::silent().with_files(Files::free().with_faults(faults));
        scan(&self.root, &options, &work)
    }

    /// The one file of the index.
    fn index_file(&self) -> PathBuf {
        let files = fs::read_dir(&self.index).unwrap();
        let files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

fn hour_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

fn set_time(path: &Path, time: SystemTime) {
    let file = File::options().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// All that a scan tells.
fn told(found: &Scan) -> String {
    let exams = found.exams.iter();
    let exams: Vec<_> = exams
        .map(|exam| (&exam.info, exam.header(), exam.files()))
        .collect();
    format!("{} {exams:?} {:?}", found.n_files, found.findings)
}

/// As [`told`], without the finding about the index.
fn told_but_broken(mut found: Scan) -> String {
    let n_before = found.findings.len();
    found
        .findings
        .retain(|finding| finding.kind != FindingKind::BrokenIndex.name());
    assert_eq!(found.findings.len() + 1, n_before, "{:?}", found.findings);
    told(&found)
}

#[test]
fn a_second_scan_opens_no_file_and_tells_the_same() {
    let data = Data::new(300);
    let plain = told(&data.plain());
    let (first, n_opened) = data.scan();
    assert_eq!((told(&first), n_opened), (plain.clone(), 602));
    // Were one opened, it would not be an image any more.
    for path in data.files() {
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let n_bytes = fs::metadata(&path).unwrap().len() as usize;
        fs::write(&path, vec![7; n_bytes]).unwrap();
        set_time(&path, time);
    }
    for _ in 0..2 {
        let (again, n_opened) = data.scan();
        // The index itself.
        assert_eq!((told(&again), n_opened), (plain.clone(), 1));
    }
    assert_ne!(told(&data.plain()), plain);
}

#[test]
fn what_is_new_or_has_changed_is_read_and_what_is_gone_is_forgotten() {
    let data = Data::new(20);
    data.scan();
    let files = data.files();
    let other = Ct {
        sop: "1.2.3.0.99".into(),
        ..slice(4)
    };
    let check = |n_opened: u64| {
        let (found, n) = data.scan();
        assert_eq!(told(&found), told(&data.plain()));
        assert_eq!(n, n_opened);
    };
    check(1);
    // Another image in a file's place, and of the same size.
    other.write(files[4].parent().unwrap(), "004");
    check(2);
    set_time(&files[5], SystemTime::now() - Duration::from_secs(7));
    check(2 + 1);
    set_time(&files[4], hour_ago());
    check(2);
    check(1);
    fs::rename(&files[7], data.root.join("elsewhere")).unwrap();
    fs::remove_file(&files[9]).unwrap();
    check(2);
    check(1);
}

#[test]
fn a_file_whose_time_is_not_past_is_read_each_time() {
    let data = Data::new(3);
    set_time(
        &data.files()[1],
        SystemTime::now() + Duration::from_secs(600),
    );
    for n_opened in [8, 1 + 1, 1 + 1] {
        assert_eq!(data.scan().1, n_opened);
    }
}

#[test]
fn a_scan_that_is_stopped_anywhere_leaves_the_old_index_or_the_new() {
    let data = Data::new(20);
    let plain = told(&data.plain());
    let count = Arc::new(Faults::none());
    data.scan_on(Arc::clone(&count)).unwrap();
    fs::remove_dir_all(&data.index).unwrap();
    assert!(count.count() >= 4, "{}", count.count());
    for had_one in [false, true] {
        for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
            for at in 0..count.count() {
                let _ = fs::remove_dir_all(&data.index);
                if had_one {
                    data.scan();
                }
                let stopped = data.scan_on(Arc::new(Faults::at(at, fault, at)));
                if let Err(error) = stopped {
                    assert!(matches!(error, DicomError::Io { .. }), "{error}");
                }
                let (found, n_opened) = data.scan();
                assert_eq!(told(&found), plain);
                assert!(!had_one || n_opened == 1, "the old index was lost");
            }
        }
    }
}

#[test]
fn an_index_with_a_wrong_byte_is_told_of_and_made_again() {
    let data = Data::new(130);
    let plain = told(&data.plain());
    data.scan();
    let index = data.index_file();
    let whole = fs::read(&index).unwrap();
    let check = |bytes: &[u8]| {
        fs::write(&index, bytes).unwrap();
        let (found, n_opened) = data.scan();
        assert_eq!(told_but_broken(found), plain);
        assert!(n_opened > 1, "what was lost is read");
        assert_eq!(fs::read(&index).unwrap(), whole);
        let (found, n_opened) = data.scan();
        assert_eq!((told(&found), n_opened), (plain.clone(), 1));
    };
    for at in [
        0,
        1,
        27,
        32,
        36,
        40,
        55,
        56,
        70,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        check(&bytes);
    }
    for end in [0, 1, 30, 33, 60, whole.len() / 2, whole.len() - 1] {
        check(&whole[..end]);
    }
    check(&[&whole[..], b"more"].concat());
    // Another version's index is read again without a word: nothing is broken.
    let mut bytes = whole.clone();
    bytes[28] ^= 0x40;
    fs::write(&index, &bytes).unwrap();
    assert_eq!(told(&data.scan().0), plain);
    assert_eq!(fs::read(&index).unwrap(), whole);
}

#[test]
fn an_index_holds_no_names_and_is_no_file_of_the_data() {
    let mut data = Data::new(3);
    data.index = data.root.join("../in");
    let n_files = data.files().len();
    assert_eq!(data.scan().0.n_files, n_files);
    assert_eq!(data.scan().0.n_files, n_files);
    let mut others = data.files();
    others.retain(|path| path.extension().is_some_and(|it| it == "index"));
    assert_eq!(others.len(), 1);
    let bytes = fs::read(&others[0]).unwrap();
    for secret in SECRETS.iter().chain(&["readme", "002"]) {
        let found = bytes
            .windows(secret.len())
            .any(|it| it == secret.as_bytes());
        assert!(!found, "{secret}");
    }
}
