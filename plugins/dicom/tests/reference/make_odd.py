"""Writes odd.json beside it: what pydicom makes of every file of a folder of odd DICOM files.

    pip install pydicom "pylibjpeg[all]" numpy
    python make_odd.py FOLDER

For each file: "error" where pydicom has no image of it, else the shape [frame, row, col, sample]
and the SHA-256 of the stored values as little-endian int64 in that order. Values are
pydicom's with raw=True: no rescale, no colour conversion, no palette. For lossy codings the
values are given as the means of an 8 by 8 grid of blocks of every frame and sample instead of a
hash, because decoders may differ in their inverse DCT and in how they bring subsampled chroma to
full size.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import pixel_array

GRID = 8
LOSSY = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
}


def stored(path):
    """Stored values as int64 [frame, row, col, sample], and whether their coding is lossy."""
    dataset = pydicom.dcmread(path, force=True)
    if "PixelData" not in dataset:
        raise ValueError("no pixel data")
    meta = dataset.file_meta
    if "TransferSyntaxUID" not in meta:
        implicit, little = dataset.original_encoding
        meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if implicit else (
            pydicom.uid.ExplicitVRLittleEndian if little else pydicom.uid.ExplicitVRBigEndian
        )
    array = pixel_array(dataset, raw=True)
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    samples = int(dataset.SamplesPerPixel)
    shape = (frames, int(dataset.Rows), int(dataset.Columns), samples)
    return array.astype(np.int64).reshape(shape), meta.TransferSyntaxUID in LOSSY


def blocks(array):
    """Means of GRID by GRID blocks of each frame and sample."""
    rows = np.array_split(np.arange(array.shape[1]), GRID)
    cols = np.array_split(np.arange(array.shape[2]), GRID)
    means = [
        [float(frame[np.ix_(r, c)][..., s].mean()) if len(r) and len(c) else None
         for s in range(array.shape[3]) for r in rows for c in cols]
        for frame in array
    ]
    return [[None if m is None else round(m, 1) for m in frame] for frame in means]


def entry(path):
    try:
        array, lossy = stored(path)
    except Exception as error:  # whatever pydicom says, there is no image
        return {"error": type(error).__name__}
    known = {"shape": list(array.shape), "min": int(array.min()), "max": int(array.max())}
    if lossy:
        return known | {"lossy": True, "blocks": blocks(array)}
    return known | {"sha256": hashlib.sha256(array.astype("<i8").tobytes()).hexdigest()}


def main():
    warnings.simplefilter("ignore")
    root = Path(sys.argv[1])
    files = sorted(path for path in root.rglob("*") if path.is_file())
    table = {str(path.relative_to(root)): entry(path) for path in files}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in table.items()]
    target = Path(__file__).with_name("odd.json")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
