use super::*;

const URI: &str = "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1";

/// What a person's phone would read from a picture in which `is_dark` says what is dark.
fn scan(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    const SCALE: usize = 4;
    let mut picture =
        rqrr::PreparedImage::prepare_from_greyscale(side * SCALE, side * SCALE, |x, y| {
            if is_dark(x / SCALE, y / SCALE) {
                0
            } else {
                255
            }
        });
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1, "one code is found");
    grids[0].decode().unwrap().1
}

/// The drawing without its colour codes, as rows of characters.
fn cells(drawing: &str) -> Vec<Vec<char>> {
    let mut plain = drawing.to_owned();
    for code in [BLACK_ON_WHITE, WHITE_ON_BLACK, PLAIN] {
        plain = plain.replace(code, "");
    }
    assert!(!plain.contains('\x1b'));
    plain.lines().map(|line| line.chars().collect()).collect()
}

fn drawn(style: Style, colours: bool) -> Zeroizing<String> {
    draw(
        &Matrix::of(URI).unwrap(),
        &Canvas {
            style,
            colours,
            cut: 0,
        },
    )
}

#[test]
fn half_blocks_scan_in_colour_and_as_light_ink_without() {
    for colours in [true, false] {
        let rows = cells(&drawn(Style::Unicode, colours));
        let side = rows[0].len();
        let read = scan(side, |x, y| {
            let ink = match rows[y / 2][x] {
                '█' => true,
                '▀' => y % 2 == 0,
                '▄' => y % 2 == 1,
                _ => false,
            };
            ink == colours
        });
        assert_eq!(read, URI);
    }
}

#[test]
fn ascii_scans_without_colour() {
    let drawing = drawn(Style::Ascii, false);
    assert!(drawing.is_ascii());
    let rows = cells(&drawing);
    assert_eq!(scan(rows.len(), |x, y| rows[y][2 * x] == ' '), URI);
}

#[test]
fn ascii_scans_by_its_painted_cells() {
    let drawing = drawn(Style::Ascii, true);
    assert!(drawing.is_ascii());
    let mut rows: Vec<Vec<bool>> = Vec::new();
    for line in drawing.lines() {
        let mut row = Vec::new();
        for part in line.split('\x1b').skip(1) {
            let (code, text) = part.split_once('m').unwrap();
            let dark = code == "[0;97;40";
            row.extend(std::iter::repeat_n(dark, text.len()));
        }
        rows.push(row);
    }
    assert_eq!(scan(rows.len(), |x, y| rows[y][2 * x]), URI);
}

#[test]
fn a_usual_uri_fits_a_terminal_of_80_by_24_with_a_line_to_spare() {
    let long = "otpauth://totp/gateway-17:firstname.lastname?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=gateway-17";
    assert_eq!(long.len(), 102);
    let matrix = Matrix::of(long).unwrap();
    assert_eq!(matrix.side(), 45);
    let canvas = Canvas::within((80, 24), &matrix, Style::Unicode, true).unwrap();
    assert_eq!((canvas.cut, canvas.columns(&matrix)), (0, 45));
    assert_eq!(draw(&matrix, &canvas).lines().count(), 23);
}

#[test]
fn a_narrow_terminal_costs_quiet_zone_before_it_costs_the_code() {
    let matrix = Matrix::of(URI).unwrap();
    let cut = |columns| {
        Canvas::within((columns, 24), &matrix, Style::Ascii, false).map(|canvas| canvas.cut)
    };
    assert_eq!(
        [82, 81, 80, 78, 77].map(cut),
        [Some(0), Some(1), Some(1), Some(1), Some(2)]
    );
    assert_eq!([70, 69].map(cut), [Some(3), None]);
    let canvas = Canvas {
        style: Style::Ascii,
        colours: false,
        cut: 3,
    };
    let rows = cells(&draw(&matrix, &canvas));
    assert_eq!((rows.len(), rows[0].len()), (35, 70));
    assert_eq!(scan(rows.len(), |x, y| rows[y][2 * x] == ' '), URI);
}

#[test]
fn a_low_terminal_costs_quiet_zone_where_that_helps() {
    let uri = "otpauth://totp/gateway-17.example.org:www-data?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
               &issuer=gateway-17.example.org";
    let matrix = Matrix::of(uri).unwrap();
    assert_eq!(matrix.side(), 49);
    let cut =
        |lines| Canvas::within((80, lines), &matrix, Style::Unicode, true).map(|canvas| canvas.cut);
    assert_eq!(
        [26, 25, 24, 23, 22, 10].map(cut),
        [0, 1, 2, 3, 0, 0].map(Some)
    );
}

#[test]
fn every_line_names_both_colours_and_takes_them_back() {
    for style in [Style::Unicode, Style::Ascii] {
        for line in drawn(style, true).lines() {
            assert!(line.starts_with(BLACK_ON_WHITE) && line.ends_with(PLAIN));
        }
        assert!(!drawn(style, false).contains('\x1b'));
    }
}

#[test]
fn terminals_that_know_no_colour_get_none() {
    for name in [
        None,
        Some(""),
        Some("dumb"),
        Some("vt220"),
        Some("xterm-mono"),
    ] {
        assert!(!takes_colours(name), "{name:?}");
    }
    for name in ["xterm-256color", "linux", "screen", "tmux-256color", "foot"] {
        assert!(takes_colours(Some(name)), "{name}");
    }
}

#[test]
fn a_text_beyond_the_largest_code_is_refused() {
    // ISO/IEC 18004 table 7: version 40 at level L holds 2953 bytes.
    let text = "a".repeat(2953);
    assert_eq!(Matrix::of(&text).map(|matrix| matrix.side()), Ok(177 + 8));
    assert_eq!(Matrix::of(&(text + "a")).err(), Some(TooLong));
}

#[test]
fn no_style_draws_nothing_and_takes_no_room() {
    let matrix = Matrix::of(URI).unwrap();
    let canvas = Canvas::within((1, 1), &matrix, Style::None, true).unwrap();
    assert_eq!((canvas.columns(&matrix), canvas.lines(&matrix)), (0, 0));
    assert!(draw(&matrix, &canvas).is_empty());
}
