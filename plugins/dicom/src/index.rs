//! A cache of the headers of a folder's files, kept in a file. With it, the next scan reads only files
//! that are new or have changed.
//!
//! A file is identified by a digest of its path below the scanned folder; the path itself may hold a
//! name, so it is not kept. The cached facts are valid as long as the file's size and time are the same.
//! The index consists of blocks, each with a checksum; files after a broken block are read again.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use pe_ct::{Finding, FindingClass};
use pe_files::{Files, Output};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};

use crate::catalogue::{FileRef, Stamp};
use crate::header::Header;
use crate::pack::{Pack, Reader, Row, Rows, pack};
use crate::scan::ScannedFile;
use crate::syntax::Syntax;
use crate::{DicomError, FileFault, FindingKind};

/// The first bytes of an index.
const MAGIC: &[u8; 28] = b"pe-script index of headers\n\0";
/// Version of the index, after the first bytes. Raise it whenever the kept part of a header, or the way
/// a header is read, changes. An index of another version is ignored, and all files are read again.
const VERSION: [u8; 4] = 4_u32.to_le_bytes();
/// Maximum number of files of a block.
pub(crate) const BLOCK_FILES: usize = 256;
/// Maximum bytes of a block. The facts of a file with 65,536 frames take less.
const MAX_BLOCK_BYTES: u32 = 1 << 30;
/// Time after which a change of a file always gets a new timestamp. Within one tick of the file system's
/// clock it may not; Linux has a hundred ticks a second or more.
const TICK_NS: u64 = 50_000_000;
/// The same for a file system with timestamps in whole or even seconds.
const COARSE_TICK_NS: u64 = 2_000_000_000;

/// Identifies a file.
type Digest = [u8; 16];

/// The cached facts of a file.
pub(crate) struct Known {
    n_bytes: u64,
    modified_ns: u64,
    /// Its header, or the kind and the reason of the finding about it.
    facts: Result<(Syntax, Header), (FindingKind, String)>,
}

pack!(Known {
    n_bytes,
    modified_ns,
    facts
});

impl Pack for FindingKind {
    fn put(&self, row: &mut Row) {
        self.name().to_owned().put(row);
    }

    fn take(from: &mut Reader) -> Option<Self> {
        let name = String::take(from)?;
        let name: StrDeserializer<Error> = name.as_str().into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// An index from an earlier scan.
#[derive(Debug, Default)]
pub(crate) struct Index {
    file: Option<File>,
    blocks: Vec<Block>,
    /// The position of each file's row, sorted by digest.
    places: Vec<(Digest, Place)>,
}

/// The position of a block's rows in the index file.
#[derive(Debug)]
struct Block {
    start: u64,
    n_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    block: u32,
    row: u32,
}

/// The path of the index for scans of `root` in `folder`.
pub(crate) fn path_in(folder: &Path, root: &Path) -> PathBuf {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let digest = blake3::hash(root.as_os_str().as_encoded_bytes());
    folder.join(format!("scan-{}.index", &digest.to_hex()[..16]))
}

impl Index {
    /// Opens an index; returns an empty one if there is none. A broken one is reported as a finding, and
    /// the files missing from it are read again.
    pub fn open(path: &Path, files: &Files, findings: &mut Vec<Finding>) -> Self {
        let file = match files.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            file => file,
        };
        let mut index = Self::default();
        let read = file.and_then(|file| {
            index.read_blocks(&file)?;
            Ok(file)
        });
        match read {
            Ok(file) => index.file = Some(file),
            Err(error) => {
                let reason = format!(
                    "the index of headers is broken ({error}): {} files are known from it, others are read again",
                    index.places.len()
                );
                findings.push(Finding::new(path, FindingKind::BrokenIndex, reason));
                // The blocks before the broken one are kept and used.
                index.file = files.open(path).ok();
            }
        }
        index.places.sort_unstable();
        index
    }

    fn read_blocks(&mut self, file: &File) -> io::Result<()> {
        let mut file = BufReader::with_capacity(1 << 20, file);
        let (mut magic, mut version) = ([0; MAGIC.len()], [0; VERSION.len()]);
        file.read_exact(&mut magic)?;
        file.read_exact(&mut version)?;
        if magic != *MAGIC {
            return Err(io::Error::other("it does not begin as one"));
        }
        if version != VERSION {
            return Ok(());
        }
        let mut start = (MAGIC.len() + VERSION.len()) as u64;
        let mut payload = Vec::new();
        let mut head = [0; 24];
        while !at_end(&mut file)? {
            file.read_exact(&mut head)?;
            let [n_bytes, n_files] = [0, 4].map(|at| {
                let bytes = head[at..].first_chunk();
                bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
            });
            let broken = || io::Error::other(format!("the block at byte {start}"));
            let digests = n_files as usize * size_of::<Digest>();
            if n_bytes > MAX_BLOCK_BYTES || digests > n_bytes as usize {
                return Err(broken());
            }
            payload.clear();
            let n_read = (&mut file).take(n_bytes.into()).read_to_end(&mut payload)?;
            if n_read < n_bytes as usize || checksum(&head[..8], &payload)[..] != head[8..] {
                return Err(broken());
            }
            // Only the digests stay in memory; `Lookup` reads the rows block by block.
            let rows = start + (head.len() + digests) as u64;
            start += head.len() as u64 + u64::from(n_bytes);
            let block = self.blocks.len() as u32;
            let digests = payload[..digests].as_chunks().0.iter().zip(0..);
            let places = digests.map(|(digest, row)| (*digest, Place { block, row }));
            self.places.extend(places);
            self.blocks.push(Block {
                start: rows,
                n_bytes: (start - rows) as usize,
            });
        }
        Ok(())
    }

    /// Starts a series of lookups. It is fast if the files are looked up in the order of the index.
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            index: self,
            block: None,
            rows: Vec::new(),
        }
    }
}

fn at_end(file: &mut BufReader<&File>) -> io::Result<bool> {
    io::BufRead::fill_buf(file).map(<[u8]>::is_empty)
}

fn checksum(head: &[u8], payload: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(head).update(payload);
    let mut digest = Digest::default();
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// The digest that identifies a file in a scan of `root`.
pub(crate) fn digest_of(path: &Path, root: &Path) -> Digest {
    let below = path.strip_prefix(root).unwrap_or(path);
    let mut digest = Digest::default();
    blake3::Hasher::new()
        .update(below.as_os_str().as_encoded_bytes())
        .finalize_xof()
        .fill(&mut digest);
    digest
}

/// Reads an index block by block, and caches the current block.
pub(crate) struct Lookup<'a> {
    index: &'a Index,
    block: Option<u32>,
    rows: Vec<Option<Known>>,
}

impl Lookup<'_> {
    /// Returns the facts of a file that has not changed. Each can be taken only once.
    pub fn take(&mut self, digest: &Digest, stamp: Stamp) -> Option<Known> {
        let places = &self.index.places;
        let at = places.binary_search_by(|(one, _)| one.cmp(digest)).ok()?;
        let Place { block, row } = places[at].1;
        if self.block != Some(block) {
            self.rows = self.read(block).unwrap_or_default();
            self.block = Some(block);
        }
        let known = self.rows.get_mut(row as usize)?;
        let is_same = |known: &mut Known| {
            (known.n_bytes, known.modified_ns) == (stamp.n_bytes, stamp.modified_ns)
        };
        known.take_if(is_same)
    }

    /// Reads a block's rows; `None` if the index file has changed since it was opened.
    fn read(&self, block: u32) -> Option<Vec<Option<Known>>> {
        let Block { start, n_bytes } = self.index.blocks[block as usize];
        let mut bytes = vec![0; n_bytes];
        let file = self.index.file.as_ref()?;
        file.read_exact_at(&mut bytes, start).ok()?;
        Some(Rows::read(&bytes)?.into_iter().map(Some).collect())
    }
}

impl Known {
    /// The facts of a file that was read; `None` after an I/O error, which may not occur again.
    pub fn of(file: &Result<ScannedFile, FileFault>, stamp: Stamp) -> Option<Self> {
        let facts = match file {
            Ok(file) => Ok((file.syntax, file.header.clone())),
            Err(FileFault::Io(_)) => return None,
            Err(fault) => Err(fault.kind_and_reason()),
        };
        Some(Self {
            n_bytes: stamp.n_bytes,
            modified_ns: stamp.modified_ns,
            facts,
        })
    }

    /// Returns what reading the file would return.
    pub fn file(
        self,
        place: FileRef,
        path: PathBuf,
        files: &Files,
    ) -> Result<ScannedFile, Finding> {
        match self.facts {
            Ok((syntax, header)) => Ok(ScannedFile {
                path: path.into(),
                place,
                header,
                syntax,
                n_bytes: self.n_bytes,
                modified_ns: self.modified_ns,
                files: files.clone(),
            }),
            Err((kind, reason)) => Err(Finding::new(&path, kind, reason)),
        }
    }

    /// Returns whether the file's time is so old that every later change gets a new time.
    fn is_settled(&self, now_ns: u64) -> bool {
        let is_coarse = self.modified_ns.is_multiple_of(1_000_000_000);
        let tick = if is_coarse { COARSE_TICK_NS } else { TICK_NS };
        self.modified_ns.saturating_add(tick) <= now_ns
    }
}

/// A block that is being filled for a new index.
#[derive(Default)]
pub(crate) struct NewBlock {
    /// Time just before the first of its files was read.
    begun_ns: u64,
    digests: Vec<u8>,
    rows: Rows,
}

impl NewBlock {
    pub fn begin() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            begun_ns: now.map_or(0, |now| now.as_nanos() as u64),
            ..Self::default()
        }
    }

    pub fn push(&mut self, digest: &Digest, known: &Known) {
        // A file that changed just now could change again with the same time: don't cache it.
        if known.is_settled(self.begun_ns) {
            self.digests.extend(digest);
            self.rows.push(known);
        }
    }

    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.digests.is_empty() {
            return Ok(());
        }
        let payload = [&self.digests, self.rows.bytes()].concat();
        let n_files = self.digests.len() / size_of::<Digest>();
        let mut head = (payload.len() as u32).to_le_bytes().to_vec();
        head.extend((n_files as u32).to_le_bytes());
        let checksum = checksum(&head, &payload);
        out.write_all(&head)?;
        out.write_all(&checksum)?;
        out.write_all(&payload)
    }
}

/// Overwrites the index at `path` atomically. `write` writes the blocks after the first bytes.
pub(crate) fn replace(
    path: &Path,
    files: &Files,
    write: impl FnOnce(&mut io::BufWriter<&mut Output>) -> Result<(), Failed>,
) -> Result<(), DicomError> {
    let io = |source: io::Error| DicomError::Io {
        path: path.to_owned(),
        action: "write",
        source,
    };
    if let Some(folder) = path.parent() {
        files.create_dir_all(folder).map_err(io)?;
    }
    let written = files.replace_with(path, |out| {
        let mut out = io::BufWriter::with_capacity(1 << 20, out);
        out.write_all(MAGIC)?;
        out.write_all(&VERSION)?;
        write(&mut out)?;
        out.flush()?;
        Ok(())
    });
    written.map_err(|failed| match failed {
        Failed::Index(source) => io(source),
        Failed::Scan(error) => error,
    })
}

/// The reason why no index was written.
pub(crate) enum Failed {
    /// The index file could not be written.
    Index(io::Error),
    /// The scan failed.
    Scan(DicomError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Index(error)
    }
}

impl From<DicomError> for Failed {
    fn from(error: DicomError) -> Self {
        Self::Scan(error)
    }
}
