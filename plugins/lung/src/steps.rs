//! The steps of a mask as functions, on one slice `[row, col]`, for a program that needs them in
//! another order. [`crate::Masking`] runs them without unpacking in between.
//!
//! Each function names the scikit-image or SciPy call that it equals pixel for pixel.

use ndarray::{Array2, ArrayView2};

use crate::LungError;
use crate::bitmap::Bitmap;
use crate::components::Connectivity;
use crate::hull::convex_hull as hull_of;
use crate::{morphology, regions};

fn pack(image: ArrayView2<bool>) -> Bitmap {
    Bitmap::pack(image, |inside| inside)
}

/// Converts 4 or 8 neighbours to a connectivity.
pub(crate) fn connectivity(neighbours: u8) -> Result<Connectivity, LungError> {
    match neighbours {
        4 => Ok(Connectivity::Four),
        8 => Ok(Connectivity::Eight),
        found => Err(LungError::Connectivity { found }),
    }
}

/// Finds the pixels below `threshold_hu`: `hu < threshold_hu`.
///
/// ```
/// use ndarray::array;
/// let air = pe_lung::steps::below(array![[-1000_i16, -401], [-400, 40]].view(), -400.0);
/// assert_eq!(air, array![[true, true], [false, false]]);
/// ```
pub fn below(hu: ArrayView2<i16>, threshold_hu: f64) -> Array2<bool> {
    hu.map(|&hu| f64::from(hu) < threshold_hu)
}

/// Finds the body around `air`: the largest 4-connected piece of everything but air, with its holes
/// filled. Of equally large pieces the first in raster order.
/// `binary_fill_holes(labels == argmax(areas))` of `measure.label(~air, connectivity=1)`.
///
/// ```
/// use ndarray::array;
/// let air = array![[true, false, true], [true, false, true], [true, true, false]];
/// let body = pe_lung::steps::body(air.view());
/// assert_eq!(body, array![[false, true, false], [false, true, false], [false, false, false]]);
/// ```
pub fn body(air: ArrayView2<bool>) -> Array2<bool> {
    regions::body(&pack(air)).unpack()
}

/// Drops the components, of 4 or 8 `neighbours`, that touch the edge of the slice.
/// `segmentation.clear_border(image)` for 8.
///
/// # Errors
/// [`LungError::Connectivity`] unless `neighbours` is 4 or 8.
pub fn clear_border(image: ArrayView2<bool>, neighbours: u8) -> Result<Array2<bool>, LungError> {
    let (rows, cols) = image.dim();
    let frame = regions::frame(rows, cols);
    Ok(regions::cleared(&pack(image), &frame, 0, connectivity(neighbours)?).unpack())
}

/// Drops the components, of 4 or 8 `neighbours`, that are not wholly inside `body`.
/// `segmentation.clear_border(image, mask=body)` for 8.
///
/// # Errors
/// [`LungError::Connectivity`] unless `neighbours` is 4 or 8.
///
/// # Panics
/// When `body` has another shape than `image`.
pub fn clear_outside(
    image: ArrayView2<bool>,
    body: ArrayView2<bool>,
    neighbours: u8,
) -> Result<Array2<bool>, LungError> {
    assert_eq!(image.dim(), body.dim(), "shapes differ");
    let outside = pack(body).inverted();
    Ok(regions::cleared(&pack(image), &outside, 0, connectivity(neighbours)?).unpack())
}

/// Drops the components, of 4 or 8 `neighbours`, of fewer than `min_area` pixels.
/// `morphology.remove_small_objects(image, max_size=min_area - 1, connectivity=1 or 2)`.
///
/// # Errors
/// [`LungError::Connectivity`] unless `neighbours` is 4 or 8.
pub fn remove_small(
    image: ArrayView2<bool>,
    min_area: usize,
    neighbours: u8,
) -> Result<Array2<bool>, LungError> {
    let (rows, cols) = image.dim();
    let nothing = Bitmap::empty(rows, cols);
    Ok(regions::cleared(&pack(image), &nothing, min_area, connectivity(neighbours)?).unpack())
}

/// Dilation by a disk: every pixel within `radius` of a pixel inside.
/// `morphology.dilation(image, disk(radius))`, which ignores what is beyond the edge.
///
/// ```
/// use ndarray::array;
/// let image = array![[true, false, false, false]];
/// assert_eq!(pe_lung::steps::dilate(image.view(), 2), array![[true, true, true, false]]);
/// assert_eq!(pe_lung::steps::dilate(image.view(), 0), image);
/// ```
pub fn dilate(image: ArrayView2<bool>, radius: usize) -> Array2<bool> {
    morphology::dilated(&pack(image), radius).unpack()
}

/// Erosion by a disk: every pixel all of whose neighbours within `radius` are inside.
/// `morphology.erosion(image, disk(radius))`, which ignores what is beyond the edge.
pub fn erode(image: ArrayView2<bool>, radius: usize) -> Array2<bool> {
    morphology::eroded(pack(image), radius).unpack()
}

/// Closing by a disk: dilation, then erosion.
/// `morphology.closing(image, disk(radius))`, which ignores what is beyond the edge.
pub fn close(image: ArrayView2<bool>, radius: usize) -> Array2<bool> {
    morphology::closed(&pack(image), radius).unpack()
}

/// Fills the holes: puts pixels inside that no path over sides of pixels connects with the edge.
/// `scipy.ndimage.binary_fill_holes(image)`.
pub fn fill_holes(image: ArrayView2<bool>) -> Array2<bool> {
    regions::filled(&pack(image)).unpack()
}

/// The convex hull of the pixels inside, each pixel standing for the midpoints of its sides;
/// empty for an empty slice.
/// `morphology.convex_hull_image(image)`, with its `offset_coordinates` and `include_borders`.
///
/// ```
/// use ndarray::array;
/// let image = array![[true, false, false], [false, false, false], [false, false, true]];
/// let hull = array![[true, false, false], [false, true, false], [false, false, true]];
/// assert_eq!(pe_lung::steps::convex_hull(image.view()), hull);
/// ```
pub fn convex_hull(image: ArrayView2<bool>) -> Array2<bool> {
    hull_of(&pack(image)).unpack()
}
