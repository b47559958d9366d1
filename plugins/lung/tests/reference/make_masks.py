"""Makes the masks that pe-lung is compared with, by scikit-image and SciPy.

    python make_masks.py [SERIES_FOLDER]

writes beside itself, for each image NAME of the list below,
    NAME.npy        [row, col], HU as i16, or as u8 in steps of 8 HU from -1024
    NAME.masks.npy  u8 [case, ceil(rows * cols / 8)], each mask's pixels packed in raster order
    cases.json      for each image the settings of its masks, in their order
and, when the folder of a real series is given, images cut from it and
    series.json     for each of its files what the whole slice's HU and masks come to.

Made with Python 3.11 and the versions below; nothing else is needed.

    numpy==2.4.6  scipy==1.17.1  scikit-image==0.26.0  pydicom==3.0.2

The real images are cut from subject Lung_Dx-A0001 of Lung-PET-CT-Dx (Li et al. 2020, The Cancer
Imaging Archive, https://doi.org/10.7937/TCIA.2020.NNC2-0461), CC BY 4.0; they hold HU and nothing
of the files' headers.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from scipy import ndimage
from skimage.measure import label
from skimage.morphology import convex_hull_image, disk, remove_small_objects
from skimage.morphology import binary_closing, binary_dilation
from skimage.segmentation import clear_border

# binary_dilation and binary_closing give what dilation and closing give, sooner; 0.26 warns that
# they will go. An empty image has an empty hull, with a warning.
warnings.filterwarnings("ignore", category=FutureWarning)
warnings.filterwarnings("ignore", category=UserWarning, message=".*entirely zero.*")

HERE = Path(__file__).parent
DEFAULTS = {
    "mode": "paper",
    "threshold_hu": -400.0,
    "body_only": True,
    "connectivity": 8,
    "min_area": 64,
    "dilate_radius": 2,
    "close_radius": 10,
    "fill_holes": True,
    "scale_sizes": True,
}


def scaled(size, rows, power):
    """`size` pixels of a slice of 512 rows in pixels of one of `rows`, halves rounded up."""
    return (size * rows**power + 512**power // 2) // 512**power


def body_of(air):
    """The largest 4-connected piece of what is not air, with its holes filled."""
    pieces = label(~air, connectivity=1)
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    if areas.max() == 0:
        return np.zeros_like(air)
    return ndimage.binary_fill_holes(pieces == areas.argmax())


def mask_of(hu, settings):
    """One slice's mask: the steps as pe-lung's description has them."""
    s = {**DEFAULTS, **settings}
    if s["mode"] == "none":
        return np.ones(hu.shape, bool)
    scale = scaled if s["scale_sizes"] else lambda size, rows, power: size
    rows = hu.shape[0]
    air = hu < s["threshold_hu"]
    connectivity = 2 if s["connectivity"] == 8 else 1
    # clear_border labels what it is given anew, over corners; pieces of different labels stay apart.
    pieces = label(air, connectivity=connectivity)
    cleared = clear_border(pieces, mask=body_of(air)) if s["body_only"] else clear_border(pieces)
    lungs = cleared > 0
    min_area = scale(s["min_area"], rows, 2)
    if min_area > 1:
        lungs = remove_small_objects(lungs, max_size=min_area - 1, connectivity=connectivity)
    lungs = binary_dilation(lungs, disk(scale(s["dilate_radius"], rows, 1)))
    lungs = binary_closing(lungs, disk(scale(s["close_radius"], rows, 1)))
    if s["fill_holes"]:
        lungs = ndimage.binary_fill_holes(lungs)
    if s["mode"] == "hull":
        lungs = convex_hull_image(lungs, offset_coordinates=True, include_borders=True)
    return lungs


def blobs(rng, rows, cols, sigma, air_share):
    """Smooth random air in tissue, touching the border wherever it happens to."""
    noise = ndimage.gaussian_filter(rng.standard_normal((rows, cols)), sigma, mode="nearest")
    return np.where(noise < np.quantile(noise, air_share), -900, 40).astype(np.int16)


def chest(rows, cols):
    """A body with two lungs, a trachea, a table with air in it, vessels in the lungs."""
    row, col = np.mgrid[:rows, :cols]

    def ellipse(at_row, at_col, half_rows, half_cols):
        distance = ((row / rows - at_row) / half_rows) ** 2 + ((col / cols - at_col) / half_cols) ** 2
        return distance <= 1

    hu = np.full((rows, cols), -1000, np.int16)
    hu[ellipse(0.45, 0.5, 0.36, 0.44)] = 40
    hu[ellipse(0.45, 0.3, 0.25, 0.14) | ellipse(0.45, 0.7, 0.25, 0.14)] = -850
    hu[ellipse(0.4, 0.5, 0.03, 0.03)] = -1000
    vessels = (row * 7 + col * 3) % 29 < 2
    hu[vessels & (hu == -850)] = 60
    table = (row >= rows * 0.86) & (row < rows * 0.94) & (col >= cols * 0.1) & (col < cols * 0.9)
    inner = (row >= rows * 0.88) & (row < rows * 0.92) & (col >= cols * 0.14) & (col < cols * 0.8)
    hu[table] = 0
    hu[inner] = -990
    return hu


def synthetic_images():
    rng = np.random.default_rng(20)
    yield "chest_96x91", chest(96, 91)
    yield "chest_70x130", chest(70, 130)
    yield "blobs_65x63", blobs(rng, 65, 63, 2.0, 0.3)
    yield "blobs_60x129", blobs(rng, 60, 129, 3.0, 0.4)
    yield "specks_64x64", blobs(rng, 64, 64, 0.6, 0.3)
    yield "noise_40x130", rng.integers(-1024, 200, (40, 130)).astype(np.int16)
    yield "row_1x200", blobs(rng, 1, 200, 1.0, 0.5)
    yield "col_150x1", blobs(rng, 150, 1, 1.0, 0.5)
    yield "all_air_13x70", np.full((13, 70), -1000, np.int16)
    yield "no_air_13x70", np.full((13, 70), 40, np.int16)
    # Twice the same area of tissue: the body is the first. A pixel on either side of the threshold.
    tie = np.full((24, 66), -1000, np.int16)
    tie[3:13, 3:20] = tie[8:18, 44:61] = 40
    tie[6:10, 8:12] = tie[11:15, 50:54] = -401
    tie[7, 9] = tie[12, 51] = -400
    yield "tie_24x66", tie
    corner = np.full((70, 70), 40, np.int16)
    corner[0, 0] = corner[69, 69] = corner[20:50, 1] = corner[1, 20:50] = corner[40:60, 40:66] = -700
    yield "corner_70x70", corner


def series_slices(folder):
    """The folder's slices by file name, ascending in z, in HU."""
    import pydicom

    files = [(path.name, pydicom.dcmread(path)) for path in sorted(Path(folder).glob("*.dcm"))]
    files.sort(key=lambda file: float(file[1].ImagePositionPatient[2]))
    for name, data in files:
        stored = data.pixel_array.astype(np.int32)
        hu = stored * int(data.RescaleSlope) + int(data.RescaleIntercept)
        yield name, np.maximum(hu, -1024).astype(np.int16)


def real_images(slices):
    # Whole slices, thinned out: the base with stomach gas, the hilum.
    yield "real8_128x128", slices[8][::4, ::4]
    yield "real36_103x171", slices[36][::5, ::3]
    # Full resolution: the left base with stomach gas, apices with the trachea between.
    yield "real9_90x110", slices[9][270:360, 290:400]
    yield "real55_80x155", slices[55][260:340, 200:355]


def coarse(hu):
    """`hu` to the nearest lower step of 8 HU that a byte holds, as bytes and as HU."""
    steps = np.clip((hu.astype(np.int32) + 1024) // 8, 0, 255).astype(np.uint8)
    return steps, steps.astype(np.int16) * 8 - 1024


def settings_for(image):
    """Settings of every kind; smaller images get more."""
    fixed = {"scale_sizes": False}
    yield {}
    yield {"mode": "hull"}
    yield {**fixed}
    yield {**fixed, "mode": "hull", "min_area": 10}
    yield {**fixed, "body_only": False}
    yield {**fixed, "body_only": False, "min_area": 0, "dilate_radius": 0, "close_radius": 0}
    yield {**fixed, "body_only": False, "min_area": 0, "mode": "hull"}
    yield {**fixed, "connectivity": 4, "min_area": 5, "body_only": False, "close_radius": 1}
    yield {**fixed, "connectivity": 4, "min_area": 20, "close_radius": 3}
    yield {**fixed, "fill_holes": False, "min_area": 0, "dilate_radius": 1, "close_radius": 12}
    yield {**fixed, "min_area": 1, "dilate_radius": 12, "close_radius": 0}
    if image.size < 8000:
        for radius in range(3, 12, 2):
            yield {**fixed, "min_area": 3, "dilate_radius": 0, "close_radius": radius}
        yield {**fixed, "threshold_hu": -500.5, "dilate_radius": 5, "close_radius": 25, "min_area": 2}
        yield {**fixed, "dilate_radius": 64, "close_radius": 64, "min_area": 2, "body_only": False}


def fnv1a(data):
    """The 64-bit FNV-1a hash, hexadecimal."""
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


SERIES_SETTINGS = [{}, {"mode": "hull"}, {"body_only": False}]


def series_facts(hu):
    masks = [mask_of(hu, settings) for settings in SERIES_SETTINGS]
    return {
        "hu_sum": int(hu.sum(dtype=np.int64)),
        "pixels": [int(mask.sum()) for mask in masks],
        "fnv1a": [fnv1a(np.packbits(mask, bitorder="little").tobytes()) for mask in masks],
    }


def main():
    images = list(synthetic_images())
    if len(sys.argv) > 1:
        named = list(series_slices(sys.argv[1]))
        images += real_images([hu for _, hu in named])
        facts = {name: series_facts(hu) for name, hu in named}
        document = {"settings": SERIES_SETTINGS, "files": facts}
        (HERE / "series.json").write_text(json.dumps(document, indent=1) + "\n")
    cases = {}
    for name, hu in images:
        stored, hu = (hu, hu) if name.startswith("tie") else coarse(hu)
        cases[name] = list(settings_for(hu))
        masks = [mask_of(hu, settings) for settings in cases[name]]
        packed = np.stack([np.packbits(mask, bitorder="little") for mask in masks])
        np.save(HERE / f"{name}.npy", np.ascontiguousarray(stored))
        np.save(HERE / f"{name}.masks.npy", packed)
        print(name, [int(mask.sum()) for mask in masks])
    lines = [f" {json.dumps(name)}: {json.dumps(settings)}" for name, settings in cases.items()]
    (HERE / "cases.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
