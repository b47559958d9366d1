//! A paragraph about each built-in plugin, for the head of its page in the reference.

/// Name and description of the built-in plugins.
const PLUGINS: [(&str, &str); 8] = [
    (
        "ct",
        "What an exam is, its voxels in Hounsfield units (HU), sets of voxels, HU windows: the \
         values that the other plugins make and take. Axes are always slice, row, col; slices \
         ascend from the feet to the head.",
    ),
    (
        "dicom",
        "DICOM files to volumes in HU. A folder of any layout, or a data set in the RSNA-STR \
         layout, is scanned for exams, and exams are loaded. What is odd about the files is a \
         finding each, by file and reason. No patient's name, birth date or study date is read. \
         De-identified copies are written for those who share a data set.",
    ),
    (
        "lung",
        "Which voxels of an exam a network is shown: the lungs by the paper's steps (threshold, \
         clear what touches the border, dilate, close, fill holes), their convex hull, or all.",
    ),
    (
        "metrics",
        "How well probabilities fit labels: curves, areas, operating points, calibration, \
         intervals. Conventions are scikit-learn's; what one class only leaves undefined is NaN \
         and a warning. Intervals resample exams, because slices of one exam depend on each \
         other.",
    ),
    (
        "phantom",
        "A synthetic cohort of CT pulmonary angiograms, written as real DICOM files in the layout \
         of the RSNA-STR data set: something to run on where no patient data can be had. It is \
         for trying and testing the software, and no substitute for patients.",
    ),
    (
        "report",
        "Pictures and pages that show what was done: a contact sheet of an exam, a histogram of \
         HU, one exam's probabilities, a page of facts, tables and pictures, and the report of \
         models that were scored on the same exams.",
    ),
    (
        "store",
        "The slices of each exam as networks take them, on disk, checksummed and keyed by what \
         made them: what is there is not made again.",
    ),
    (
        "train",
        "Networks trained on what the store holds: CNNs on slices and slabs, sequence models on \
         the features of a frozen CNN. What is trained is opened, and what was stopped goes on to \
         the same bits.",
    ),
];

/// Description of a plugin; empty for one that is not built in.
pub(super) fn about(plugin: &str) -> &'static str {
    let found = PLUGINS.iter().find(|(name, _)| *name == plugin);
    found.map_or("", |(_, about)| about)
}
