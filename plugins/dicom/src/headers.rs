//! Reads the headers of many files in parallel, a limited number at a time.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use pe_binding::Work;
use pe_ct::Finding;
use pe_files::Files;
use rayon::prelude::*;

use crate::catalogue::{Catalogue, FileRef};
use crate::index::{self, BLOCK_FILES, Index, Known, NewBlock};
use crate::scan::ScannedFile;
use crate::source::read_header;
use crate::{DicomError, FileFault};

/// Number of batches that are read at a time.
const BATCHES: usize = 16;

/// Consecutive files in the order of their paths, each with its header or the reason why it has none,
/// and the block of an index that keeps them.
#[derive(Default)]
pub(crate) struct Batch {
    pub files: Vec<Result<ScannedFile, Finding>>,
    pub block: NewBlock,
}

/// Passes the header of each file, or the reason why it has none, to `take`, in batches. With an index
/// of the root, skips reading files that it knows.
pub(crate) fn read_headers<E: From<DicomError>>(
    catalogue: &Arc<Catalogue>,
    index: Option<(&Index, &Path)>,
    work: &Work,
    mut take: impl FnMut(Batch) -> Result<(), E>,
) -> Result<(), E> {
    let task = work.task("reading headers", catalogue.len(), "files");
    let all: Vec<usize> = (0..catalogue.len()).step_by(BLOCK_FILES).collect();
    for firsts in all.chunks(BATCHES) {
        let batches: Vec<Batch> = firsts
            .par_iter()
            .map(|first| {
                task.check()?;
                let end = catalogue.len().min(first + BLOCK_FILES);
                let batch = read_batch(catalogue, *first..end, index, work.files());
                task.advance(end - first);
                Ok(batch)
            })
            .collect::<Result<_, DicomError>>()?;
        batches.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

fn read_batch(
    catalogue: &Arc<Catalogue>,
    idx: Range<usize>,
    index: Option<(&Index, &Path)>,
    files: &Files,
) -> Batch {
    let mut batch = Batch {
        files: Vec::with_capacity(idx.len()),
        block: NewBlock::begin(),
    };
    let mut index = index.map(|(index, root)| (index.lookup(), root));
    for idx in idx {
        let place = FileRef::new(catalogue, idx);
        let path = place.path();
        let Some((lookup, root)) = &mut index else {
            let file = read_one(&place, files);
            let file = file.map_err(|fault| fault.finding(&path));
            batch.files.push(file);
            continue;
        };
        let digest = index::digest_of(&path, root);
        // Before the file is read: if it changes meanwhile, the next scan finds another stamp.
        let stamp = place.stamp(files).ok();
        if let Some(known) = stamp.and_then(|stamp| lookup.take(&digest, stamp)) {
            batch.block.push(&digest, &known);
            batch.files.push(known.file(place, path, files));
            continue;
        }
        let file = read_one(&place, files);
        if let Some(known) = stamp.and_then(|stamp| Known::of(&file, stamp)) {
            batch.block.push(&digest, &known);
        }
        let file = file.map_err(|fault| fault.finding(&path));
        batch.files.push(file);
    }
    batch
}

fn read_one(place: &FileRef, files: &Files) -> Result<ScannedFile, FileFault> {
    let (header, syntax, stamp) = read_header(place, files)?;
    Ok(ScannedFile {
        path: place.path().into(),
        place: place.clone(),
        header,
        syntax,
        n_bytes: stamp.n_bytes,
        modified_ns: stamp.modified_ns,
        files: files.clone(),
    })
}
