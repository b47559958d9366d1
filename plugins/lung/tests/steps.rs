//! Every step equals its textbook definition on random small images.

use ndarray::{Array2, ArrayView2};
use pe_lung::steps;
use proptest::prelude::*;

/// Random images, some of them with components of some size, some wider than a machine word.
fn image() -> impl Strategy<Value = Array2<bool>> {
    (
        1..14_usize,
        prop_oneof![1..14_usize, 60..70_usize],
        0.05..0.95,
    )
        .prop_flat_map(|(rows, cols, share)| {
            proptest::collection::vec(proptest::bool::weighted(share), rows * cols).prop_map(
                move |pixels| {
                    Array2::from_shape_vec((rows, cols), pixels).expect("as many as the shape")
                },
            )
        })
}

fn dilated(image: ArrayView2<bool>, radius: i64) -> Array2<bool> {
    Array2::from_shape_fn(image.dim(), |(row, col)| {
        image
            .indexed_iter()
            .any(|((other_row, other_col), inside)| {
                let (rows, cols) = (row as i64 - other_row as i64, col as i64 - other_col as i64);
                *inside && rows * rows + cols * cols <= radius * radius
            })
    })
}

fn not(image: &Array2<bool>) -> Array2<bool> {
    image.mapv(|inside| !inside)
}

/// For each pixel the index of its component's first pixel in raster order; `None` outside.
fn labels(image: &Array2<bool>, neighbours: u8) -> Array2<Option<usize>> {
    let (_, cols) = image.dim();
    let mut labels = Array2::from_shape_fn(image.dim(), |(row, col)| {
        image[[row, col]].then_some(row * cols + col)
    });
    // The least label spreads until nothing changes.
    loop {
        let before = labels.clone();
        for ((row, col), label) in labels
            .indexed_iter_mut()
            .filter(|(_, label)| label.is_some())
        {
            let near = (0..9).filter_map(|nth| {
                let (rows, cols) = (nth / 3, nth % 3);
                let counts = neighbours == 8 || rows == 1 || cols == 1;
                let at = [(row + rows).checked_sub(1)?, (col + cols).checked_sub(1)?];
                before.get(at).copied().flatten().filter(|_| counts)
            });
            *label = near.min();
        }
        if labels == before {
            return labels;
        }
    }
}

/// The components of which `keep` holds, given their pixels.
fn components(
    image: &Array2<bool>,
    neighbours: u8,
    keep: impl Fn(&[(usize, usize)]) -> bool,
) -> Array2<bool> {
    let labels = labels(image, neighbours);
    let pixels_of = |label: usize| -> Vec<(usize, usize)> {
        let members = labels
            .indexed_iter()
            .filter(|(_, other)| **other == Some(label));
        members.map(|(at, _)| at).collect()
    };
    labels.mapv(|label| label.is_some_and(|label| keep(&pixels_of(label))))
}

fn on_edge(image: &Array2<bool>, (row, col): (usize, usize)) -> bool {
    let (rows, cols) = image.dim();
    row == 0 || col == 0 || row + 1 == rows || col + 1 == cols
}

fn filled(image: &Array2<bool>) -> Array2<bool> {
    let outside = not(image);
    not(&components(&outside, 4, |pixels| {
        pixels.iter().any(|at| on_edge(image, *at))
    }))
}

/// Whether the point is in the convex hull of `points`: no line through two of them has it strictly
/// on one side and none of them there. (Points with extent in both directions, as midpoints have.)
fn in_hull(points: &[(i64, i64)], (row, col): (i64, i64)) -> bool {
    let separates = |a: &(i64, i64), b: &(i64, i64)| {
        let (rows, cols) = (b.0 - a.0, b.1 - a.1);
        let side = |p: (i64, i64)| rows * (p.1 - a.1) - cols * (p.0 - a.0);
        (rows, cols) != (0, 0) && side((row, col)) > 0 && points.iter().all(|p| side(*p) <= 0)
    };
    !points
        .iter()
        .any(|a| points.iter().any(|b| separates(a, b)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn morphology_is_by_distance(image in image(), radius in 0..9_usize) {
        let expected = dilated(image.view(), radius as i64);
        prop_assert_eq!(&steps::dilate(image.view(), radius), &expected);
        let expected_closing = not(&dilated(not(&expected).view(), radius as i64));
        prop_assert_eq!(&steps::close(image.view(), radius), &expected_closing);
        let expected_erosion = not(&dilated(not(&image).view(), radius as i64));
        prop_assert_eq!(&steps::erode(image.view(), radius), &expected_erosion);
    }

    #[test]
    fn wide_disks_are_disks(col in 0..200_usize, cols in 1..200_usize, radius in 0..130_usize) {
        let image = Array2::from_shape_fn((3, cols), |(row, at)| row == 1 && at == col.min(cols - 1));
        prop_assert_eq!(
            steps::dilate(image.view(), radius),
            dilated(image.view(), radius as i64)
        );
    }

    #[test]
    fn components_are_cleared(image in image(), eight: bool, min_area in 0..9_usize) {
        let neighbours = if eight { 8 } else { 4 };
        let inner = components(&image, neighbours, |pixels| {
            !pixels.iter().any(|at| on_edge(&image, *at))
        });
        prop_assert_eq!(steps::clear_border(image.view(), neighbours).expect("4 or 8"), inner);
        let large = components(&image, neighbours, |pixels| pixels.len() >= min_area);
        prop_assert_eq!(
            steps::remove_small(image.view(), min_area, neighbours).expect("4 or 8"),
            large
        );
    }

    #[test]
    fn the_body_is_the_largest_piece(image in image()) {
        let tissue = not(&image);
        let pieces = labels(&tissue, 4);
        let mut areas = vec![0_usize; image.len()];
        pieces.iter().flatten().for_each(|label| areas[*label] += 1);
        let largest = areas.iter().max().copied().unwrap_or(0);
        let first = areas.iter().position(|area| *area == largest);
        let expected = filled(&pieces.mapv(|label| label.is_some() && label == first));
        let body = steps::body(image.view());
        prop_assert_eq!(&body, &expected);
        let cleared = components(&image, 8, |pixels| pixels.iter().all(|at| body[*at]));
        prop_assert_eq!(
            steps::clear_outside(image.view(), body.view(), 8).expect("8"),
            cleared
        );
    }

    #[test]
    fn holes_are_filled(image in image()) {
        prop_assert_eq!(steps::fill_holes(image.view()), filled(&image));
    }
}

proptest! {
    // The definition is cubic in the pixels.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_hull_is_convex_and_least(
        rows in 1..12_usize,
        cols in prop_oneof![1..12_usize, 62..67_usize],
        pixels in proptest::collection::vec((0..12_usize, 0..67_usize), 0..7),
    ) {
        let mut image = Array2::from_elem((rows, cols), false);
        for (row, col) in pixels {
            image[[row % rows, col % cols]] = true;
        }
        let midpoints: Vec<(i64, i64)> = image
            .indexed_iter()
            .filter(|(_, inside)| **inside)
            .flat_map(|((row, col), _)| {
                let (row, col) = (2 * row as i64, 2 * col as i64);
                [(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]
            })
            .collect();
        let expected = Array2::from_shape_fn((rows, cols), |(row, col)| {
            !midpoints.is_empty() && in_hull(&midpoints, (2 * row as i64, 2 * col as i64))
        });
        prop_assert_eq!(steps::convex_hull(image.view()), expected);
    }
}

#[test]
fn other_neighbourhoods_are_refused() {
    let image = Array2::from_elem((2, 2), true);
    for neighbours in [0, 6, 255] {
        let expected = format!("expected connectivity 4 or 8, found {neighbours}");
        let error = steps::clear_border(image.view(), neighbours).expect_err("not 4 or 8");
        assert_eq!(error.to_string(), expected);
        assert!(steps::remove_small(image.view(), 1, neighbours).is_err());
    }
}
