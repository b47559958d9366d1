//! Image planes and positions in the patient's coordinates (DICOM PS3.3 section C.7.6.2.1.1).

/// An axial plane: columns ascend to the patient's left, rows to the back.
pub(crate) const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// Positions further away are invalid, mm.
pub(crate) const FURTHEST_MM: f64 = 1e6;

/// Direction cosines that differ by less belong to the same plane: about half a degree.
const SAME_PLANE: f64 = 0.01;

/// Returns whether two orientations describe the same plane.
pub(crate) fn same_plane(a: &[f64; 6], b: &[f64; 6]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= SAME_PLANE)
}

/// Returns whether the six numbers are two perpendicular unit vectors, within [`SAME_PLANE`].
pub(crate) fn is_plane(orientation: &[f64; 6]) -> bool {
    let (row, col) = vectors(orientation);
    let near = |value: f64, expected: f64| (value - expected).abs() <= SAME_PLANE;
    near(dot(row, row), 1.0) && near(dot(col, col), 1.0) && near(dot(row, col), 0.0)
}

/// The assignment of a volume's axes to those of a stack of images. A volume's slices ascend to the
/// head, its rows to the back and its columns to the left, however the images lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axes {
    /// The stack's axis for the volume's slices, rows and columns: 0 for the images, which ascend
    /// along [`normal`], 1 for their rows, 2 for their columns.
    pub from: [usize; 3],
    /// True if the volume's axis runs against the stack's. Never for the images.
    pub turned: [bool; 3],
}

/// The patient's axis for a volume's slices, rows and columns: z to the head, y to the back, x to the
/// left.
const PATIENT_AXES: [usize; 3] = [2, 1, 0];
/// All orders of the axes. The axial one is first, so that it wins exactly half way between two.
const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [2, 0, 1],
    [1, 2, 0],
    [2, 1, 0],
];

impl Axes {
    /// Chooses the axes closest to the patient's: their directions have the largest sum along these.
    pub fn of(orientation: &[f64; 6]) -> Self {
        let stack = unsigned_directions(orientation);
        let near = |order: &[usize; 3]| -> f64 {
            let along = |axis: usize| stack[order[axis]][PATIENT_AXES[axis]].abs();
            (0..3).map(along).sum()
        };
        let mut from = ORDERS[0];
        for order in ORDERS {
            if near(&order) > near(&from) + 1e-9 {
                from = order;
            }
        }
        let mut axes = Self {
            from,
            turned: [false; 3],
        };
        for axis in 0..3 {
            let against = stack[from[axis]][PATIENT_AXES[axis]] < 0.0;
            axes.turned[axis] = against && from[axis] != 0;
        }
        axes
    }

    /// Returns whether the volume's slices are the images. Then their plane is closer to axial than to
    /// any other, also with a tilted gantry.
    pub fn is_axial(&self) -> bool {
        self.from[0] == 0
    }

    /// Returns whether the volume's axes are those of a stored image.
    pub fn is_plain(&self) -> bool {
        *self == Self::of(&AXIAL)
    }

    /// The directions in which the stack's images, rows and columns ascend, in words.
    pub fn in_words(&self) -> [&'static str; 3] {
        let to = [["head", "feet"], ["back", "front"], ["left", "right"]];
        let mut words = [""; 3];
        for (axis, to) in to.iter().enumerate() {
            words[self.from[axis]] = to[usize::from(self.turned[axis])];
        }
        words
    }

    /// Reorders values of the stack's axes to those of the volume's axes.
    pub fn of_volume<T: Copy>(&self, of_stack: [T; 3]) -> [T; 3] {
        self.from.map(|axis| of_stack[axis])
    }
}

/// The directions in which a stack's images, rows and columns ascend. Images ascend to the head if they
/// are axial, to the back if coronal, to the left if sagittal.
pub(crate) fn directions(orientation: &[f64; 6]) -> [[f64; 3]; 3] {
    let mut stack = unsigned_directions(orientation);
    let axes = Axes::of(orientation);
    let across = axes.from.iter().position(|axis| *axis == 0).unwrap_or(0);
    if stack[0][PATIENT_AXES[across]] < 0.0 {
        // Adding zero turns the −0 of a flipped zero into 0.
        stack[0] = stack[0].map(|x| 0.0 - x + 0.0);
    }
    stack
}

/// The right-handed normal of the plane, the direction of ascending rows, and of ascending columns.
fn unsigned_directions(orientation: &[f64; 6]) -> [[f64; 3]; 3] {
    let (row, col) = vectors(orientation);
    let ([a, b, c], [d, e, f]) = (row, col);
    let normal = unit([b * f - c * e, c * d - a * f, a * e - b * d]);
    [normal.map(|x| x + 0.0), unit(col), unit(row)]
}

/// The normal of the plane, along which images ascend.
pub(crate) fn normal(orientation: &[f64; 6]) -> [f64; 3] {
    directions(orientation)[0]
}

/// The angle between two lines along these directions, 0 to 90 degrees.
pub(crate) fn angle_deg(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (unit(a), unit(b));
    let across = [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ];
    dot(across, across)
        .sqrt()
        .atan2(dot(a, b).abs())
        .to_degrees()
}

/// The angle between a stack as a whole and the patient's axes, degrees. `across` is the direction from
/// image to image, which stays along the table when the gantry is tilted.
pub(crate) fn obliqueness_deg(orientation: &[f64; 6], across: [f64; 3]) -> f64 {
    let stack = directions(orientation);
    let axes = Axes::of(orientation);
    let mut off = [0.0; 3];
    for axis in 0..3 {
        let mut patient = [0.0; 3];
        patient[PATIENT_AXES[axis]] = 1.0;
        let from = axes.from[axis];
        let direction = if from == 0 { across } else { stack[from] };
        off[from] = angle_deg(direction, patient);
    }
    // A gantry tilt turns only one axis of the image, so the smaller of these two angles counts. A
    // rotated patient turns two axes: both of the image, or one of them and `across`.
    off[0].max(off[1].min(off[2]))
}

/// The position along the normal, mm.
pub(crate) fn along(normal: [f64; 3], position: [f64; 3]) -> f64 {
    dot(normal, position)
}

fn unit(vector: [f64; 3]) -> [f64; 3] {
    let length = dot(vector, vector).sqrt();
    vector.map(|x| x / length)
}

fn vectors(orientation: &[f64; 6]) -> ([f64; 3], [f64; 3]) {
    let [a, b, c, d, e, f] = *orientation;
    ([a, b, c], [d, e, f])
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
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
        assert!(Axes::of(&tilted).is_axial());
        assert!(!Axes::of(&[1.0, 0.0, 0.0, 0.0, 0.0, -1.0]).is_axial());
    }

    #[test]
    fn a_rotated_stack_is_oblique_and_a_tilted_one_is_not() {
        let check = |orientation: [f64; 6], across: [f64; 3], expected: f64| {
            let found = obliqueness_deg(&orientation, across);
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} for {orientation:?}"
            );
        };
        let (sin, cos) = 20_f64.to_radians().sin_cos();
        let tilted = [1.0, 0.0, 0.0, 0.0, cos, -sin];
        check(AXIAL, [0.0, 0.0, 1.0], 0.0);
        check(tilted, [0.0, 0.0, 1.0], 0.0);
        check(tilted, normal(&tilted), 20.0);
        check([cos, sin, 0.0, -sin, cos, 0.0], [0.0, 0.0, 1.0], 20.0);
        check([cos, 0.0, -sin, 0.0, 1.0, 0.0], [sin, 0.0, cos], 20.0);
        check([cos, 0.0, -sin, 0.0, 1.0, 0.0], [0.0, 0.0, 1.0], 0.0);
    }

    #[test]
    fn axes_are_the_nearest_of_the_patient() {
        let check = |orientation: [f64; 6], expected: [&str; 3]| {
            assert_eq!(Axes::of(&orientation).in_words(), expected);
        };
        check(AXIAL, ["head", "back", "left"]);
        check([-1.0, 0.0, 0.0, 0.0, 1.0, 0.0], ["head", "back", "right"]);
        check([0.0, 1.0, 0.0, 1.0, 0.0, 0.0], ["head", "left", "back"]);
        check([1.0, 0.0, 0.0, 0.0, 0.0, -1.0], ["back", "feet", "left"]);
        check([0.0, 1.0, 0.0, 0.0, 0.0, -1.0], ["left", "feet", "back"]);
        check([0.0, -1.0, 0.0, 0.0, 0.0, 1.0], ["left", "head", "front"]);
    }
}
