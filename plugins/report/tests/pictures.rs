//! The pictures hold what they say: pixels are looked up where they must lie.

use std::fs;

use ndarray::Array3;
use pe_binding::Work;
use pe_ct::{Mask, Spacing, Volume};
use pe_files::Files;
use pe_report::{
    ContactSheetOptions, HistogramOptions, Page, Picture, ReportError, Table, contact_sheet,
    histogram,
};

const SPACING: Spacing = Spacing {
    slice_mm: 2.0,
    row_mm: 0.7,
    col_mm: 0.7,
};

/// Slice n is HU −250 + 100 n throughout; the mask is its left half.
fn exam(n_slices: usize) -> (Volume, Mask) {
    let hu = Array3::from_shape_fn((n_slices, 64, 64), |(slice, _, _)| slice as i16 * 100 - 250);
    let volume = Volume::unnamed("test", SPACING, hu);
    let inside = Array3::from_shape_fn(volume.dim(), |(_, _, col)| col < 32);
    (volume.clone(), Mask::new(inside, SPACING, "left half"))
}

fn sheet(n_slices: usize, options: &ContactSheetOptions) -> Result<Picture, ReportError> {
    let (volume, mask) = exam(n_slices);
    contact_sheet(&volume, &mask, options, &Work::silent())
}

#[test]
fn a_sheet_shows_each_slice_three_times_with_the_highest_first() {
    let options = ContactSheetOptions {
        tile: 64,
        columns: 2,
        n_slices: 0,
        ..ContactSheetOptions::default()
    };
    let picture = sheet(3, &options).expect("a small sheet");
    let image = picture.image();
    assert_eq!(
        image.dimensions(),
        (2 * (3 * 64 + 6) + 6, 2 * (14 + 64 + 6) + 6)
    );
    let (left, top) = (6, 6 + 14);
    // Slice 2 is −50 HU: 200 of the PE window's 700 HU above its lower edge.
    let grey = (255.0_f32 * 200.0 / 700.0 + 0.5) as u8;
    assert_eq!(
        image.get_pixel(left + 50, top + 32).0,
        [grey; 3],
        "PE window"
    );
    assert_eq!(
        image.get_pixel(left + 64 + 31, top + 32).0,
        [255, 214, 0],
        "outline"
    );
    assert_eq!(
        image.get_pixel(left + 64 + 10, top + 32).0,
        [grey; 3],
        "inside the outline"
    );
    assert_eq!(
        image.get_pixel(left + 128 + 50, top + 32).0,
        [0, 0, 0],
        "outside the mask"
    );
    let lung = (255.0_f32 * 1300.0 / 1500.0 + 0.5) as u8;
    let mediastinal = (255.0_f32 * 110.0 / 400.0 + 0.5) as u8;
    assert_eq!(
        image.get_pixel(left + 128 + 10, top + 32).0,
        [lung, grey, mediastinal],
        "channels"
    );
    // Slice 0, −250 HU, is the third: the left one of the second row.
    assert_eq!(
        image.get_pixel(left + 50, top + 64 + 6 + 14 + 32).0,
        [0, 0, 0]
    );
}

#[test]
fn a_sheet_that_cannot_be_drawn_says_why() {
    let check = |options: ContactSheetOptions, message: &str| {
        let error = sheet(3, &options).expect_err("it cannot be drawn");
        assert!(error.to_string().contains(message), "{error}");
    };
    check(
        ContactSheetOptions {
            tile: 8,
            ..Default::default()
        },
        "option `tile`: expected 16 to 1024 pixels, found 8",
    );
    check(
        ContactSheetOptions {
            columns: 0,
            ..Default::default()
        },
        "option `columns`",
    );
    let large = |n_slices| ContactSheetOptions {
        tile: 1024,
        columns: 1,
        n_slices,
        ..ContactSheetOptions::default()
    };
    assert!(matches!(
        sheet(40, &large(40)),
        Err(ReportError::TooLarge { .. })
    ));
    let fits = sheet(40, &large(0)).expect("as many slices as fit");
    assert!(
        fits.title().starts_with("28 of 40 slices"),
        "{}",
        fits.title()
    );

    let (volume, _) = exam(2);
    let (_, other) = exam(3);
    let error = contact_sheet(&volume, &other, &Default::default(), &Work::silent());
    assert!(matches!(error, Err(ReportError::Ct(_))));
}

#[test]
fn a_histogram_has_a_bar_where_the_voxels_are() {
    let (volume, mask) = exam(1);
    let picture =
        histogram(&volume, Some(&mask), &HistogramOptions::default()).expect("a histogram");
    let image = picture.image();
    let has = |colour: [u8; 3], lower: u32, upper: u32| {
        (lower..upper).any(|col| image.get_pixel(col, 300).0 == colour)
    };
    // −250 HU lies (−250 + 1024) / 2048 of the way along the axis, which starts at 64 and is 816 wide.
    let col = 64 + 816 * 774 / 2048;
    assert!(
        has([46, 110, 190], col - 8, col + 8),
        "the masked voxels' bar"
    );
    assert!(!has([46, 110, 190], col + 8, 880) && !has([46, 110, 190], 65, col - 8));
}

#[test]
fn a_histogram_needs_a_range() {
    let (volume, _) = exam(1);
    let check = |options: HistogramOptions, message: &str| {
        let error = histogram(&volume, None, &options).expect_err("no range");
        assert!(error.to_string().contains(message), "{error}");
    };
    check(
        HistogramOptions {
            bin_hu: 0,
            ..Default::default()
        },
        "option `bin_hu`",
    );
    check(
        HistogramOptions {
            upper_hu: -2000,
            ..Default::default()
        },
        "found -1024 to -2000",
    );
}

#[test]
fn a_page_is_one_file_with_everything_in_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut page = Page::new("Exams <1 & 2>");
    page.heading("Facts");
    page.fact("slices", "64");
    page.text("Two\nlines");
    let table = Table {
        columns: vec!["exam".into(), "ml".into()],
        rows: vec![vec!["a".into(), "4200".into()]],
    };
    page.table(table).expect("the row fits");
    page.picture(
        &sheet(2, &Default::default()).expect("a small sheet"),
        "the sheet",
    );

    let html_path = folder.path().join("new/page.html");
    page.save(&html_path, &Files::free())
        .expect("the page is written");
    let html = fs::read_to_string(&html_path).expect("the page is there");
    for part in [
        "<h1>Exams &lt;1 &amp; 2&gt;</h1>",
        "<dl>\n<dt>slices</dt><dd>64</dd>\n</dl>",
        "<td>4200</td>",
    ] {
        assert!(html.contains(part), "{part} is not in the page");
    }
    assert!(html.contains("src=\"data:image/png;base64,iVBOR"));
    assert!(
        !html.contains("http") && !html.contains("src=\"/"),
        "the page needs another file"
    );

    let png_path = folder.path().join("page.png");
    page.save(&png_path, &Files::free())
        .expect("the picture is written");
    let drawn = image::open(&png_path).expect("a PNG").to_rgb8();
    assert_eq!(drawn.width(), 1200);
    assert!(
        drawn.pixels().any(|pixel| pixel.0 == [255, 214, 0]),
        "the sheet's outline is on the page"
    );
}

#[test]
fn a_long_page_is_drawn_as_far_as_it_goes() {
    let mut page = Page::new("Many exams");
    let rows = vec![vec!["1.2.3".to_owned()]; 5000];
    for _ in 0..40 {
        page.table(Table {
            columns: vec!["exam".into()],
            rows: rows.clone(),
        })
        .expect("the rows fit");
    }
    let height = page.to_picture().expect("a picture").image().height();
    assert!((29_000..=30_000).contains(&height), "{height}");
}

#[test]
fn wrong_rows_and_endings_are_refused() {
    let mut page = Page::new("page");
    let table = Table {
        columns: vec!["a".into(), "b".into()],
        rows: vec![vec!["1".into()]],
    };
    assert!(matches!(
        page.table(table),
        Err(ReportError::Row {
            expected: 2,
            found: 1
        })
    ));
    let error = page
        .save("page.pdf".as_ref(), &Files::free())
        .expect_err("no such format");
    assert!(
        error
            .to_string()
            .contains("ends in .html or .png, found page.pdf"),
        "{error}"
    );
}
