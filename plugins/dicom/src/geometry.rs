//! Planes and positions in the patient's coordinates (DICOM PS3.3 section C.7.6.2.1.1).

/// An axial plane, rows to the patient's left and columns to the back.
pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// Direction cosines closer than this are one plane: about half a degree.
const SAME_PLANE: f64 = 0.01;

/// Whether two orientations are the same plane.
pub(crate) fn same_plane(a: &[f64; 6], b: &[f64; 6]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_PLANE)
}

/// Whether the six numbers are two unit vectors at a right angle, to the tolerance above.
pub(crate) fn is_plane(orientation: &[f64; 6]) -> bool {
    let (row, col) = vectors(orientation);
    let near = |value: f64, expected: f64| (value - expected).abs() <= SAME_PLANE;
    near(dot(row, row), 1.0) && near(dot(col, col), 1.0) && near(dot(row, col), 0.0)
}

/// The normal of the plane, turned so that its largest component is positive: slices ascend
/// towards the head when they are axial, to the back when coronal, to the left when sagittal,
/// whichever way the patient lay.
pub(crate) fn normal(orientation: &[f64; 6]) -> [f64; 3] {
    let ([a, b, c], [d, e, f]) = vectors(orientation);
    let normal = [b * f - c * e, c * d - a * f, a * e - b * d];
    let length = dot(normal, normal).sqrt();
    let largest = normal.into_iter().fold(
        0.0_f64,
        |best, x| if x.abs() > best.abs() { x } else { best },
    );
    // Adding zero turns the −0 of a flipped zero into 0.
    normal.map(|x| x / length.copysign(largest) + 0.0)
}

/// Whether the plane is nearer to axial than to any other, allowing for a tilted gantry.
pub(crate) fn is_axial(orientation: &[f64; 6]) -> bool {
    normal(orientation)[2] > 0.8
}

/// The position along the normal, mm.
pub(crate) fn along(normal: [f64; 3], position: [f64; 3]) -> f64 {
    dot(normal, position)
}

fn vectors(orientation: &[f64; 6]) -> ([f64; 3], [f64; 3]) {
    let [a, b, c, d, e, f] = *orientation;
    ([a, b, c], [d, e, f])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_point_to_head_back_and_left() {
        let check = |orientation: [f64; 6], expected: [f64; 3]| {
            assert!(is_plane(&orientation));
            assert_eq!(normal(&orientation), expected);
        };
        check(AXIAL, [0.0, 0.0, 1.0]);
        check([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0]);
        check([-1.0, 0.0, 0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 1.0]);
        check([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], [0.0, 1.0, 0.0]);
        check([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_no_plane_is_told() {
        let check = |orientation: [f64; 6]| assert!(!is_plane(&orientation));
        check([0.0; 6]);
        check([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        check([2.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn a_tilted_gantry_is_axial_and_a_coronal_plane_is_not() {
        let tilt = 25_f64.to_radians();
        let tilted = [1.0, 0.0, 0.0, 0.0, tilt.cos(), -tilt.sin()];
        assert!(is_axial(&tilted));
        assert!(!is_axial(&[1.0, 0.0, 0.0, 0.0, 0.0, -1.0]));
    }
}
