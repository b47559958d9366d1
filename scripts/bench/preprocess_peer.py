"""The preprocessing of scripts/preprocess.rhai in Python, to compare its speed with.

    python preprocess_peer.py INPUT OUT [--morphology skimage|opencv] [--processes N] [--size 224]
    python preprocess_peer.py INPUT --check [--limit N]

INPUT is any folder of DICOM files; each series becomes OUT/SERIES_UID.npy, u8 [slice, 3, row, col].
The steps are those of pe-script with its default settings: read with pydicom; order by position; HU
by slope and intercept, padding before; lung mask; windows lung (-600, 1500), PE (100, 700),
mediastinal (40, 400) scaled to [0, 1]; masked; resized by area averaging; round(255 * x); stored.

`skimage` is the straightforward pipeline of scikit-image and SciPy calls. `opencv` does the same
with OpenCV, as one would write it for speed; `--check` asserts that both give the same mask, pixel
for pixel, of every slice. Work is shared out exam by exam to a pool of processes, or slice by slice
where there are fewer exams than four a process; every process computes on one thread. Prints one
line of JSON; its stage seconds are summed over the processes.
"""

import argparse
import json
import os
import sys
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# One process a core: libraries that would start threads of their own are told not to.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import cv2
import numpy as np
import pydicom
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import binary_closing, binary_dilation, disk, remove_small_objects
from skimage.segmentation import clear_border
from skimage.transform import resize_local_mean

warnings.filterwarnings("ignore", category=FutureWarning, module="skimage")
warnings.filterwarnings("ignore", category=FutureWarning, message=".*binary_.*deprecated.*")
cv2.setNumThreads(1)

AIR_HU = -1024
THRESHOLD_HU = -400
MIN_AREA, DILATE_RADIUS, CLOSE_RADIUS = 64, 2, 10
WINDOWS = [(-600.0, 1500.0), (100.0, 700.0), (40.0, 400.0)]


class Stages:
    """Seconds spent, by stage."""

    def __init__(self):
        self.seconds = {}
        self.since = time.perf_counter()

    def done(self, stage):
        """What ran since the last call was `stage`."""
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.since
        self.since = now

    def add(self, seconds):
        for stage, spent in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


def hu_of(dataset):
    """A slice in HU, i16."""
    stored = dataset.pixel_array
    slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    if slope == 1.0 and intercept.is_integer():
        hu = stored.astype(np.int16)
        hu += np.int16(intercept)
    else:
        hu = np.rint(stored * slope + intercept).astype(np.int16)
    if "PixelPaddingValue" in dataset:
        hu[stored == dataset.PixelPaddingValue] = AIR_HU
    return np.maximum(hu, AIR_HU, out=hu)


def sizes_for(rows):
    """Least area and radii, given for 512 rows, in pixels of a slice of `rows`."""
    def scaled(size, power):
        return (size * rows**power + 512**power // 2) // 512**power

    return scaled(MIN_AREA, 2), scaled(DILATE_RADIUS, 1), scaled(CLOSE_RADIUS, 1)


def mask_skimage(hu):
    """The lung mask by scikit-image and SciPy."""
    min_area, dilate_radius, close_radius = sizes_for(hu.shape[0])
    air = hu < THRESHOLD_HU
    pieces = label(~air, connectivity=1)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    if areas.max() == 0:
        return np.zeros_like(air)
    body = ndimage.binary_fill_holes(pieces == areas.argmax())
    lungs = clear_border(air, mask=body)
    if min_area > 1:
        lungs = remove_small_objects(lungs, max_size=min_area - 1, connectivity=2)
    lungs = binary_dilation(lungs, disk(dilate_radius))
    lungs = binary_closing(lungs, disk(close_radius))
    return ndimage.binary_fill_holes(lungs)


def filled_opencv(image):
    """A 0/255 image with its holes filled: what a flood from beyond the border does not reach."""
    framed = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(framed, None, (0, 0), 128, flags=4)
    return cv2.compare(framed[1:-1, 1:-1], 128, cv2.CMP_NE)


def dilated_opencv(image, radius):
    if radius == 0:
        return image
    return cv2.dilate(image, disk(radius))


def closed_opencv(image, radius):
    if radius == 0:
        return image
    # The default border values ignore what is beyond the edge, in dilation and in erosion.
    return cv2.morphologyEx(image, cv2.MORPH_CLOSE, disk(radius))


def mask_opencv(hu):
    """The lung mask by OpenCV."""
    min_area, dilate_radius, close_radius = sizes_for(hu.shape[0])
    air = cv2.inRange(hu, AIR_HU, THRESHOLD_HU - 1)
    # Counting labels takes a third of the time that OpenCV's own statistics of components take.
    _, pieces = cv2.connectedComponents(cv2.bitwise_not(air), connectivity=4)
    areas = np.bincount(pieces.ravel())
    if len(areas) == 1:
        return np.zeros(hu.shape, bool)
    largest = 1 + int(areas[1:].argmax())
    body = filled_opencv(cv2.inRange(pieces, largest, largest))
    _, pieces = cv2.connectedComponents(air, connectivity=8)
    kept = np.bincount(pieces.ravel()) >= min_area
    kept &= np.bincount(pieces[body == 0], minlength=len(kept)) == 0
    kept[0] = False
    lungs = np.take(kept.astype(np.uint8) * 255, pieces)
    lungs = closed_opencv(dilated_opencv(lungs, dilate_radius), close_radius)
    return filled_opencv(lungs) != 0


def channels_skimage(hu, mask, size, stages):
    """The three channels, u8 [3, size, size]."""
    hu = hu.astype(np.float32)
    out = np.empty((len(WINDOWS), size, size), np.uint8)
    for channel, (level, width) in enumerate(WINDOWS):
        scaled = np.clip((hu - (level - width / 2)) / width, 0.0, 1.0) * mask
        stages.done("windows")
        small = resize_local_mean(scaled, (size, size))
        stages.done("resize")
        out[channel] = np.rint(small * 255)
        stages.done("quantise")
    return out


def channels_opencv(hu, mask, size, stages):
    """The three channels, u8 [3, size, size]: scaled in one pass, resized together."""
    hu = hu.astype(np.float32)
    inside = mask.astype(np.float32)
    scaled = []
    for level, width in WINDOWS:
        window = cv2.addWeighted(hu, 1.0 / width, hu, 0.0, (width / 2 - level) / width)
        cv2.min(cv2.max(window, 0.0, window), 1.0, window)
        scaled.append(cv2.multiply(window, inside, window))
    stages.done("windows")
    small = [cv2.resize(window, (size, size), interpolation=cv2.INTER_AREA) for window in scaled]
    stages.done("resize")
    out = np.stack([np.rint(window * 255).astype(np.uint8) for window in small])
    stages.done("quantise")
    return out


PEERS = {
    "skimage": (mask_skimage, channels_skimage),
    "opencv": (mask_opencv, channels_opencv),
}


def slice_of(path, morphology, size):
    """One file's channels, u8 [3, size, size], and the seconds of its stages."""
    mask_of, channels_of = PEERS[morphology]
    stages = Stages()
    hu = hu_of(pydicom.dcmread(path))
    stages.done("read")
    mask = mask_of(hu)
    stages.done("mask")
    return channels_of(hu, mask, size, stages), stages.seconds


def exam_of(paths, out, morphology, size):
    """Stores one exam; the seconds of its stages."""
    stages = Stages()
    slices = []
    for path in paths:
        channels, seconds = slice_of(path, morphology, size)
        slices.append(channels)
        stages.add(seconds)
    stages.since = time.perf_counter()
    np.save(out, np.stack(slices))
    stages.done("store")
    return stages.seconds


def header_of(path):
    """Series and position along the normal of one file; None for one that is no image."""
    tags = ["SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient"]
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        row, col = np.reshape(np.asarray(header.ImageOrientationPatient, float), (2, 3))
        position = float(np.dot(np.cross(row, col), np.asarray(header.ImagePositionPatient, float)))
        return header.SeriesInstanceUID, position, path
    except (pydicom.errors.InvalidDicomError, AttributeError):
        return None


def exams_in(folder, pool):
    """Paths of each series' slices in order of position, by series UID."""
    paths = sorted(str(path) for path in Path(folder).rglob("*") if path.is_file())
    exams = {}
    for found in pool.map(header_of, paths, chunksize=32):
        if found:
            exams.setdefault(found[0], []).append(found[1:])
    return {uid: [path for _, path in sorted(slices)] for uid, slices in exams.items()}


def store_slice_by_slice(exams, out, arguments, pool):
    """For few exams: every slice is a task, and this process stores."""
    stages = Stages()
    for uid, paths in exams.items():
        n = len(paths)
        done = list(
            pool.map(slice_of, paths, [arguments.morphology] * n, [arguments.size] * n, chunksize=4)
        )
        for _, seconds in done:
            stages.add(seconds)
        stages.since = time.perf_counter()
        np.save(out / f"{uid}.npy", np.stack([channels for channels, _ in done]))
        stages.done("store")
    return stages.seconds


def store_exam_by_exam(exams, out, arguments, pool):
    """For many exams: every exam is a task, which stores it too."""
    stages = Stages()
    tasks = [
        pool.submit(exam_of, paths, out / f"{uid}.npy", arguments.morphology, arguments.size)
        for uid, paths in exams.items()
    ]
    for task in tasks:
        stages.add(task.result())
    return stages.seconds


def run(arguments):
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(arguments.processes) as pool:
        # The clock starts with warm processes: imports are not what is compared.
        list(pool.map(abs, range(arguments.processes * 4)))
        start = time.perf_counter()
        exams = exams_in(arguments.input, pool)
        scan_seconds = time.perf_counter() - start
        few = len(exams) < 4 * arguments.processes
        store = store_slice_by_slice if few else store_exam_by_exam
        seconds = {"scan": scan_seconds, **store(exams, out, arguments, pool)}
        total = time.perf_counter() - start
    n_slices = sum(len(paths) for paths in exams.values())
    print(
        json.dumps(
            {
                "peer": arguments.morphology,
                "processes": arguments.processes,
                "exams": len(exams),
                "slices": n_slices,
                "seconds": round(total, 3),
                "slices_per_s": round(n_slices / total, 2),
                "stage_seconds": {stage: round(spent, 3) for stage, spent in seconds.items()},
            }
        )
    )


def check(arguments):
    """Asserts that both peers mask every slice alike, and scale it alike to one grey level."""
    with ProcessPoolExecutor(1) as pool:
        paths = [path for paths in exams_in(arguments.input, pool).values() for path in paths]
    paths = paths[: arguments.limit]
    furthest = 0
    for path in paths:
        hu = hu_of(pydicom.dcmread(path))
        masks = {name: mask_of(hu) for name, (mask_of, _) in PEERS.items()}
        differing = int((masks["skimage"] != masks["opencv"]).sum())
        assert differing == 0, f"{path}: the masks differ in {differing} pixels"
        found = [
            channels_of(hu, masks[name], arguments.size, Stages()).astype(int)
            for name, (_, channels_of) in PEERS.items()
        ]
        furthest = max(furthest, int(np.abs(found[0] - found[1]).max()))
        assert furthest <= 1, f"{path}: the channels differ by {furthest} of 255"
    print(f"{len(paths)} slices: masks equal, channels within {furthest} of 255")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("input", help="folder of DICOM files")
    parser.add_argument("out", nargs="?", help="folder for the stored slices")
    parser.add_argument("--morphology", choices=sorted(PEERS), default="skimage")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--check", action="store_true", help="compare the two peers' results")
    parser.add_argument("--limit", type=int, help="slices to check")
    arguments = parser.parse_args()
    if arguments.check:
        check(arguments)
    elif arguments.out is None:
        sys.exit("the folder for the stored slices is missing")
    else:
        run(arguments)


if __name__ == "__main__":
    main()
