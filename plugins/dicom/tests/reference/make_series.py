"""Prints what pydicom makes of a series folder: slices, steps, and the SHA-256 of its HU.

    python make_series.py FOLDER

HU is round(slope * stored + intercept), at least -1024, slices by ascending z, as little-endian
int64.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pydicom

files = [pydicom.dcmread(path) for path in sorted(Path(sys.argv[1]).glob("*.dcm"))]
files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
z = np.array([float(file.ImagePositionPatient[2]) for file in files])
hu = np.stack([
    np.round(float(f.RescaleSlope) * f.pixel_array + float(f.RescaleIntercept)) for f in files
])
print("padding", {f.get("PixelPaddingValue") for f in files})
hu = np.maximum(hu, -1024).astype("<i8")
print(len(files), z[0], z[-1], set(np.round(np.diff(z), 6)))
print(hu.shape, hu.min(), hu.max(), hashlib.sha256(hu.tobytes()).hexdigest())
