//! Values planted in DICOM files and label tables, byte by byte, so that files can be broken in any
//! way. The files are those of the synthetic cohort: little endian, without sequences.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

type Tag = (u16, u16);

/// Planted in every file that is a whole one: tag, VR, value.
const EVERYWHERE: &[(Tag, &[u8; 2], &str)] = &[
    ((0x0008, 0x0005), b"CS", "ISO_IR 192"),
    ((0x0008, 0x0014), b"UI", "1.3.6.1.4.1.424242.7"),
    ((0x0008, 0x0020), b"DA", "19691231"),
    ((0x0008, 0x0030), b"TM", "134711.4711"),
    ((0x0008, 0x002A), b"DT", "19800229134711"),
    ((0x0008, 0x0032), b"TM", "114711.4711"),
    ((0x0008, 0x0050), b"SH", "ACCQX9988"),
    ((0x0008, 0x0054), b"AE", "QXARCHIVE"),
    ((0x0008, 0x0070), b"LO", "QXMAKER"),
    ((0x0008, 0x0080), b"LO", "Magrathea & \"Söns\" <llc>"),
    ((0x0008, 0x0081), b"ST", "Planted Road 7"),
    ((0x0008, 0x0090), b"PN", "BEEBLEBROX^ZAPHOD"),
    ((0x0008, 0x1010), b"SH", "QXSTATION"),
    ((0x0008, 0x1030), b"LO", "QXSTUDYTEXT"),
    ((0x0008, 0x103E), b"LO", "QXSERIESTEXT"),
    ((0x0008, 0x1090), b"LO", "QXMODEL"),
    ((0x0010, 0x0010), b"PN", "Zärquön^Jäne"),
    ((0x0010, 0x0020), b"LO", "QX-4711-PID"),
    ((0x0010, 0x0030), b"DA", "19700102"),
    ((0x0010, 0x0040), b"CS", "QXGENDER"),
    ((0x0010, 0x1030), b"DS", "71.4711"),
    ((0x0010, 0x4000), b"LT", "free text of a letter"),
    ((0x0018, 0x0010), b"LO", "QXAGENT"),
    ((0x0018, 0x0015), b"CS", "QXBODYPART"),
    ((0x0018, 0x1030), b"LO", "QXPROTOCOL"),
    // A kernel is told as it stands, if it can be the name of one.
    ((0x0018, 0x1210), b"SH", "^QXKERNEL"),
    ((0x0020, 0x0010), b"SH", "QXSTUDYID"),
    ((0x0020, 0x0011), b"IS", "471147114"),
    ((0x0020, 0x4000), b"LT", "free text of an image"),
    ((0x0040, 0xA160), b"UT", "a report of many pages"),
    ((0x0009, 0x0010), b"LO", "QXPRIVATE"),
    ((0x0009, 0x1001), b"LT", "private words"),
    ((0x0009, 0x1002), b"UN", "unknown words"),
    ((0xFFFC, 0xFFFC), b"OB", "QXTRAILER"),
];

/// Planted elsewhere: in preamble, meta information, sequences, tables and broken files.
const ELSEWHERE: &[&str] = &[
    "QXPREAMBLE",
    "QXSOURCE",
    "step of a procedure",
    "deep below",
    "QXDOCTOR",
    "QXLABEL",
    "QXTABLEROW",
    "QXHEADER",
    "QXMODALITY",
    "QXSPACING",
    "QXFRAMES",
    "QXRESCALE",
    "QXSYNTAX",
    "QXNUMBER",
    "QXPOSITION",
    "QXCLASS",
    "QXCOLOUR",
    "QXVOLTAGE",
    "QXBITDEPTH",
    "QXNOTICE",
    "QXIMAGETYPE",
    "QXSLOPE",
    "QXPLANE",
    "QXSTUDYNAME",
    "QXSERIESNAME",
    "QXIMAGENAME",
];

/// One file is made for each: an attribute that is read holds a text that it should not.
const BROKEN: &[(&str, Tag, &[u8; 2], &str)] = &[
    ("modality", (0x0008, 0x0060), b"CS", "QXMODALITY"),
    ("spacing", (0x0028, 0x0030), b"DS", "QXSPACING\\1"),
    ("frames", (0x0028, 0x0008), b"IS", "QXFRAMES"),
    ("position", (0x0020, 0x0032), b"DS", "QXPOSITION"),
    ("plane", (0x0020, 0x0037), b"DS", "QXPLANE"),
    ("slope", (0x0028, 0x1053), b"DS", "QXSLOPE"),
    ("bits", (0x0028, 0x0101), b"LO", "QXBITDEPTH"),
    ("rows", (0x0028, 0x0010), b"LO", "QXBITDEPTH"),
    ("rescale", (0x0028, 0x1054), b"LO", "QXRESCALE"),
    ("number", (0x0020, 0x0013), b"IS", "QXNUMBER"),
    ("class", (0x0008, 0x0016), b"UI", "QXCLASS"),
    ("colour", (0x0028, 0x0004), b"CS", "QXCOLOUR"),
    ("kernel", (0x0018, 0x1210), b"SH", "^QXKERNEL"),
    ("voltage", (0x0018, 0x0060), b"LO", "QXVOLTAGE"),
    ("type", (0x0008, 0x0008), b"CS", "ORIGINAL\\QXIMAGETYPE"),
    // An id may be any word, and is told by its digest when it is no UID.
    ("study", (0x0020, 0x000D), b"UI", "QXSTUDYNAME"),
    ("series", (0x0020, 0x000E), b"UI", "QXSERIESNAME"),
    ("image", (0x0008, 0x0018), b"UI", "QXIMAGENAME"),
];

/// The broken files that no exam is made of, so that they may lie in a cohort.
pub const UNUSABLE: [&str; 8] = [
    "modality",
    "spacing",
    "frames",
    "position",
    "slope",
    "cut",
    "notes.txt",
    "letters",
];

/// Label tables that are none, or hold names where labels go.
pub const TABLES: [&str; 3] = ["headless.csv", "quoted.csv", "shifted.csv"];

/// All texts that are planted: those of [`EVERYWHERE`] word by word of a name, and the others.
pub fn texts() -> Vec<String> {
    let values = EVERYWHERE
        .iter()
        .filter(|(tag, ..)| *tag != (0x0008, 0x0005));
    let parts = values.flat_map(|(.., value)| value.split('^'));
    let parts = parts.filter(|part| part.chars().count() > 4);
    parts
        .chain(ELSEWHERE.iter().copied())
        .map(str::to_owned)
        .collect()
}

/// Plants everything in a whole file of a cohort; a patient has one exam.
pub fn plant(path: &Path) {
    let mut file = File::read(path);
    file.plant();
    let study = path.ancestors().nth(2).and_then(Path::file_name).unwrap();
    let study = study.to_str().unwrap();
    let patient = format!("QX-4711-PID-{}", &study[study.len() - 6..]);
    file.set((0x0010, 0x0020), b"LO", patient.as_bytes());
    fs::write(path, file.bytes()).unwrap();
}

/// Plants in a good label table: a column of names, and texts where labels and UIDs go.
pub fn in_table(path: &Path) {
    let table = fs::read_to_string(path).unwrap();
    let mut lines = table.lines();
    let mut planted = format!("{},doctor\n", lines.next().unwrap());
    for line in lines {
        planted += &format!("{line},QXDOCTOR\n");
    }
    let n_labels = planted.lines().next().unwrap().split(',').count() - 4;
    planted += &format!(
        "QXTABLEROW,QXTABLEROW,QXTABLEROW{},QXDOCTOR\n",
        ",QXLABEL".repeat(n_labels)
    );
    fs::write(path, planted).unwrap();
}

/// Makes broken files from a whole one.
pub fn break_files(whole: &Path, folder: &Path) {
    fs::create_dir(folder).unwrap();
    for (n, (name, tag, vr, value)) in BROKEN.iter().enumerate() {
        let mut file = File::read(whole);
        file.plant();
        // Each is an exam of its own.
        for (tag, last) in [
            ((0x0020, 0x000D), 1),
            ((0x0020, 0x000E), 2),
            ((0x0008, 0x0018), 3),
        ] {
            file.set(tag, b"UI", format!("1.2.826.0.{n}.{last}").as_bytes());
        }
        file.set(*tag, vr, value.as_bytes());
        fs::write(folder.join(name), file.bytes()).unwrap();
    }
    let mut file = File::read(whole);
    file.plant();
    let bytes = file.bytes();
    let letter = bytes
        .windows(9)
        .position(|part| part == b"free text")
        .unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("cut", &bytes[..letter + 12]);
    write("short", &bytes[..bytes.len() - 2000]);
    write("notes.txt", b"QXNOTICE was here on 19691231");
    write(
        "letters",
        &[
            &[0; 128],
            b"DICM".as_slice(),
            b"QXNOTICE QXNOTICE QXNOTICE QXNOTICE",
        ]
        .concat(),
    );
    let syntax = file.with_syntax("1.2.QXSYNTAX");
    write("syntax", &syntax);
    write(
        "headless.csv",
        b"StudyInstanceUID,QXHEADER\n1.2,QXTABLEROW\n",
    );
    write(
        "quoted.csv",
        b"StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID\n\"QXTABLEROW\"QX,1\xFF,\"QXDOCTOR\n",
    );
    write(
        "shifted.csv",
        b"StudyInstanceUID,SeriesInstanceUID,SOPInstanceUID,pe_present_on_image\n\
          QXDOCTOR,QXTABLEROW,QXTABLEROW,1\nQXDOCTOR,QXTABLEROW,QXTABLEROW,0\nQXDOCTOR,QXTABLEROW\n",
    );
}

struct File {
    explicit: bool,
    meta: Vec<u8>,
    elements: BTreeMap<Tag, ([u8; 2], Vec<u8>)>,
    preamble: [u8; 128],
}

impl File {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let word = |pos: usize| u16::from_le_bytes([bytes[pos], bytes[pos + 1]]);
        let long = |pos: usize| u32::from(word(pos)) | u32::from(word(pos + 2)) << 16;
        // The first element of meta information is its length.
        let mut pos = 144 + long(140) as usize;
        let meta = bytes[144..pos].to_vec();
        let explicit = meta.windows(19).any(|part| part == b"1.2.840.10008.1.2.1");
        let mut elements = BTreeMap::new();
        while pos < bytes.len() {
            let tag = (word(pos), word(pos + 2));
            let vr = [bytes[pos + 4], bytes[pos + 5]];
            let (length, start) = match (explicit, is_long(vr)) {
                (false, _) => (long(pos + 4) as usize, pos + 8),
                (true, false) => (usize::from(word(pos + 6)), pos + 8),
                (true, true) => (long(pos + 8) as usize, pos + 12),
            };
            pos = start + length;
            elements.insert(tag, (vr, bytes[start..pos].to_vec()));
        }
        Self {
            explicit,
            meta,
            elements,
            preamble: [0; 128],
        }
    }

    fn set(&mut self, tag: Tag, vr: &[u8; 2], value: &[u8]) {
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(b' ');
        }
        self.elements.insert(tag, (*vr, value));
    }

    fn plant(&mut self) {
        for (tag, vr, value) in EVERYWHERE {
            self.set(*tag, vr, value.as_bytes());
        }
        let deep = self.sequence((0x0040, 0x0008), &self.text((0x0008, 0x0104), "deep below"));
        let step = self.text((0x0040, 0x0007), "step of a procedure");
        let item = item(&[step, deep].concat());
        self.set((0x0040, 0x0275), b"SQ", &item);
        self.preamble[..10].copy_from_slice(b"QXPREAMBLE");
        self.meta.extend(b"\x02\0\x16\0AE\x08\0QXSOURCE");
    }

    fn text(&self, tag: Tag, value: &str) -> Vec<u8> {
        let value = format!("{value}{}", " ".repeat(value.len() % 2));
        self.element(tag, *b"LO", value.as_bytes())
    }

    fn sequence(&self, tag: Tag, content: &[u8]) -> Vec<u8> {
        self.element(tag, *b"SQ", &item(content))
    }

    fn element(&self, tag: Tag, vr: [u8; 2], value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(tag.0.to_le_bytes());
        bytes.extend(tag.1.to_le_bytes());
        let length = value.len() as u32;
        match (self.explicit, is_long(vr)) {
            (false, _) => bytes.extend(length.to_le_bytes()),
            (true, false) => {
                bytes.extend(vr);
                bytes.extend((length as u16).to_le_bytes());
            }
            (true, true) => {
                bytes.extend(vr);
                bytes.extend([0, 0]);
                bytes.extend(length.to_le_bytes());
            }
        }
        bytes.extend(value);
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.preamble.to_vec();
        bytes.extend(b"DICM\x02\0\0\0UL\x04\0");
        bytes.extend((self.meta.len() as u32).to_le_bytes());
        bytes.extend(&self.meta);
        for (tag, (vr, value)) in &self.elements {
            bytes.extend(self.element(*tag, *vr, value));
        }
        bytes
    }

    /// The file with another transfer syntax in its meta information.
    fn with_syntax(&self, uid: &str) -> Vec<u8> {
        let mut value = uid.as_bytes().to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        let mut meta = b"\x02\0\x10\0UI".to_vec();
        meta.extend((value.len() as u16).to_le_bytes());
        meta.extend(value);
        let file = Self {
            meta,
            elements: self.elements.clone(),
            ..*self
        };
        file.bytes()
    }
}

fn item(content: &[u8]) -> Vec<u8> {
    let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
    item.extend((content.len() as u32).to_le_bytes());
    item.extend(content);
    item
}

fn is_long(vr: [u8; 2]) -> bool {
    matches!(&vr, b"OB" | b"OW" | b"SQ" | b"UN" | b"UT")
}
