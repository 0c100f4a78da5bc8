use super::*;

const URI: &str = "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1";

/// Returns what a phone would read from a picture; `is_dark` says which of its modules are dark.
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

/// A character of a drawing, and whether the ground under it was painted dark; `None`: it was not painted.
type Shown = (char, Option<bool>);

/// Returns what a terminal shows that knows the escape sequences of that many colours.
fn shown(drawing: &str, colours: Colours) -> Vec<Vec<Shown>> {
    let line = |line: &str| {
        let mut parts = line.split('\x1b');
        let plain = parts.next().unwrap().chars().map(|c| (c, None));
        let mut cells: Vec<Shown> = plain.collect();
        let mut dark = None;
        for part in parts {
            let (code, text) = part.split_once('m').unwrap();
            dark = match (code, colours) {
                ("[0", _) => None,
                ("[0;97;40", _) => Some(true),
                ("[0;30;47;107", _) => Some(false),
                ("[38;5;231;48;5;16", Colours::Cube) if dark == Some(true) => dark,
                ("[38;5;16;48;5;231", Colours::Cube) if dark == Some(false) => dark,
                _ => panic!("{code}"),
            };
            cells.extend(text.chars().map(|c| (c, dark)));
        }
        assert_eq!(dark, None, "the colours are reset");
        cells
    };
    drawing.lines().map(line).collect()
}

/// Returns what a phone reads from a drawing of half blocks, on a terminal whose unpainted ground is dark, or light.
fn scan_halves(rows: &[Vec<Shown>], terminal_is_dark: bool) -> String {
    scan(rows[0].len(), |x, y| {
        let (character, painted) = rows.get(y / 2).map_or((' ', None), |row| row[x]);
        let ground = painted.unwrap_or(terminal_is_dark);
        let inked = match character {
            '█' => true,
            '▀' => y % 2 == 0,
            '▄' => y % 2 == 1,
            _ => false,
        };
        inked != ground
    })
}

const EVERY: [Colours; 3] = [Colours::None, Colours::Sixteen, Colours::Cube];

fn drawn(style: Style, colours: Colours, inverted: bool) -> Vec<Vec<Shown>> {
    let canvas = Canvas {
        style,
        colours,
        inverted,
        cut: 0,
    };
    shown(&draw(&Matrix::of(URI).unwrap(), &canvas), colours)
}

#[test]
fn coloured_half_blocks_scan_on_dark_and_light_terminals() {
    for colours in [Colours::Sixteen, Colours::Cube] {
        let rows = drawn(Style::Unicode, colours, false);
        for terminal_is_dark in [true, false] {
            assert_eq!(scan_halves(&rows, terminal_is_dark), URI);
        }
    }
}

/// In many fonts the glyph of a full block leaves a gap; painted ground leaves none.
#[test]
fn two_equal_modules_in_colour_are_painted_without_a_character() {
    for cell in drawn(Style::Unicode, Colours::Cube, false).concat() {
        match cell {
            (' ', Some(_)) | ('▀' | '▄', Some(true)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn ink_without_colours_is_light_and_dark_if_inverted() {
    for inverted in [false, true] {
        let rows = drawn(Style::Unicode, Colours::None, inverted);
        assert_eq!(scan_halves(&rows, !inverted), URI);
        let rows = drawn(Style::Ascii, Colours::None, inverted);
        let read = scan(rows.len(), |x, y| (rows[y][2 * x].0 == ' ') != inverted);
        assert_eq!(read, URI);
        assert!(rows.concat().iter().all(|(c, _)| c.is_ascii()));
    }
}

#[test]
fn ascii_in_colour_is_painted_ground_and_nothing_else() {
    for colours in [Colours::Sixteen, Colours::Cube] {
        let rows = drawn(Style::Ascii, colours, false);
        assert!(rows.concat().iter().all(|&(c, _)| c == ' '));
        assert_eq!(scan(rows.len(), |x, y| rows[y][2 * x].1 == Some(true)), URI);
    }
}

#[test]
fn a_large_terminal_gets_painted_ground_alone_with_the_text_above_in_sight() {
    let matrix = Matrix::of(URI).unwrap();
    let side = matrix.side();
    let style = |size, colours| {
        Canvas::within(size, &matrix, Style::Unicode, colours).map(|canvas| canvas.style)
    };
    let enough = (2 * side, side + 13);
    assert_eq!(style(enough, Colours::Cube), Some(Style::Ascii));
    assert_eq!(style(enough, Colours::None), Some(Style::Unicode));
    for less in [(enough.0 - 1, enough.1), (enough.0, enough.1 - 1)] {
        assert_eq!(style(less, Colours::Cube), Some(Style::Unicode));
    }
    // A console of 1024x768 pixels.
    assert_eq!(style((128, 48), Colours::Sixteen), Some(Style::Ascii));
    assert_eq!(style((128, side), Colours::Sixteen), Some(Style::Unicode));
}

#[test]
fn a_usual_uri_fits_a_terminal_of_80_by_24_with_a_line_to_spare() {
    let long = "otpauth://totp/gateway-17:firstname.lastname?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=gateway-17";
    assert_eq!(long.len(), 102);
    let matrix = Matrix::of(long).unwrap();
    assert_eq!(matrix.side(), 45);
    let canvas = Canvas::within((80, 24), &matrix, Style::Unicode, Colours::Cube).unwrap();
    assert_eq!((canvas.cut, canvas.columns(&matrix)), (0, 45));
    assert_eq!(draw(&matrix, &canvas).lines().count(), 23);
}

#[test]
fn a_drawing_without_colours_leaves_a_line_for_advice_if_nothing_scans() {
    let matrix = Matrix::of(&URI.replace("alice", "firstname.lastname")).unwrap();
    assert_eq!(matrix.side(), 45);
    let lines = |colours| {
        let canvas = Canvas::within((80, 24), &matrix, Style::Unicode, colours).unwrap();
        (canvas.lines(&matrix), canvas.lines_below())
    };
    assert_eq!(lines(Colours::Cube), (23, 1));
    assert_eq!(lines(Colours::None), (22, 2));
}

#[test]
fn a_narrow_terminal_cuts_the_quiet_zone_before_the_code() {
    let matrix = Matrix::of(URI).unwrap();
    let cut = |columns| {
        Canvas::within((columns, 24), &matrix, Style::Ascii, Colours::None).map(|canvas| canvas.cut)
    };
    assert_eq!(
        [82, 81, 80, 78, 77].map(cut),
        [Some(0), Some(1), Some(1), Some(1), Some(2)]
    );
    assert_eq!([70, 69].map(cut), [Some(3), None]);
    let canvas = Canvas {
        style: Style::Ascii,
        colours: Colours::None,
        inverted: false,
        cut: 3,
    };
    let rows = shown(&draw(&matrix, &canvas), Colours::None);
    assert_eq!((rows.len(), rows[0].len()), (35, 70));
    assert_eq!(scan(rows.len(), |x, y| rows[y][2 * x].0 == ' '), URI);
}

#[test]
fn a_low_terminal_cuts_the_quiet_zone_where_that_helps() {
    let uri = "otpauth://totp/gateway-17.example.org:www-data?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
               &issuer=gateway-17.example.org";
    let matrix = Matrix::of(uri).unwrap();
    assert_eq!(matrix.side(), 49);
    let cut = |lines, colours| {
        Canvas::within((80, lines), &matrix, Style::Unicode, colours).map(|canvas| canvas.cut)
    };
    assert_eq!(
        [26, 25, 24, 23, 22, 10].map(|lines| cut(lines, Colours::Cube)),
        [0, 1, 2, 3, 0, 0].map(Some)
    );
    assert_eq!(
        [27, 26, 25, 24, 23, 10].map(|lines| cut(lines, Colours::None)),
        [0, 1, 2, 3, 0, 0].map(Some)
    );
}

#[test]
fn every_line_sets_its_colours_and_resets_them() {
    let matrix = Matrix::of(URI).unwrap();
    for (style, colours) in [Style::Unicode, Style::Ascii]
        .into_iter()
        .flat_map(|style| EVERY.map(|colours| (style, colours)))
    {
        let canvas = Canvas {
            style,
            colours,
            inverted: false,
            cut: 0,
        };
        let text = draw(&matrix, &canvas);
        let painted = colours != Colours::None;
        for line in text.lines() {
            assert_eq!(line.starts_with("\x1b[0;"), painted);
            assert_eq!(line.ends_with(PLAIN), painted);
        }
        assert_eq!(text.contains('\x1b'), painted);
    }
}

/// A text that grows would leave a copy of the key behind.
#[test]
fn a_drawing_never_outgrows_the_memory_reserved_for_it() {
    let matrix = Matrix::of(&URI.replace("web1", "gateway-17.example.org")).unwrap();
    for style in [Style::Unicode, Style::Ascii] {
        for (colours, inverted) in EVERY
            .into_iter()
            .flat_map(|colours| [(colours, false), (colours, true)])
        {
            let canvas = Canvas {
                style,
                colours,
                inverted,
                cut: 0,
            };
            let side = matrix.side();
            let text = draw(&matrix, &canvas);
            assert!(text.len() <= text.capacity() && text.capacity() == room(side, colours));
        }
    }
}

#[test]
fn the_type_of_the_terminal_decides_the_colours() {
    let is = |colours, names: &[&str]| {
        for name in names {
            assert_eq!(Colours::of(Some(name)), colours, "{name}");
        }
    };
    is(
        Colours::None,
        &[
            "",
            "dumb",
            "unknown",
            "vt220",
            "vt100",
            "xterm-mono",
            "screen-m",
        ],
    );
    is(
        Colours::Sixteen,
        &[
            "linux",
            "ansi",
            "rxvt-unicode",
            "xterm-16color",
            "xterm-color",
            "cons25",
            "putty",
        ],
    );
    is(
        Colours::Cube,
        &[
            "xterm",
            "xterm-256color",
            "screen",
            "screen-256color",
            "screen.xterm-256color",
            "tmux",
            "tmux-256color",
            "rxvt-unicode-256color",
            "st-256color",
            "putty-256color",
            "foot",
            "alacritty",
            "xterm-kitty",
        ],
    );
    assert_eq!(Colours::of(None), Colours::None);
}

#[test]
fn a_text_too_long_for_any_qr_code_is_refused() {
    // ISO/IEC 18004 table 7: version 40 at level L holds 2953 bytes.
    let text = "a".repeat(2953);
    assert_eq!(Matrix::of(&text).map(|matrix| matrix.side()), Ok(177 + 8));
    assert_eq!(Matrix::of(&(text + "a")).err(), Some(TooLong));
}

#[test]
fn style_none_draws_nothing_and_takes_no_space() {
    let matrix = Matrix::of(URI).unwrap();
    let canvas = Canvas::within((1, 1), &matrix, Style::None, Colours::Cube).unwrap();
    assert_eq!((canvas.columns(&matrix), canvas.lines(&matrix)), (0, 0));
    assert!(draw(&matrix, &canvas).is_empty());
}

/// Calculated by hand: "▀" has 3 bytes, PLAIN 4, the line feed 1, and paint none, 14 or 33.
#[test]
fn the_memory_reserved_for_a_drawing_allows_each_module_its_own_colour() {
    assert_eq!(
        EVERY.map(|colours| room(45, colours)),
        [6300, 34_650, 73_125]
    );
}

#[test]
fn all_modules_around_the_code_are_light() {
    let matrix = Matrix::of(URI).unwrap();
    let side = matrix.side();
    let code = QUIET_ZONE..side - QUIET_ZONE;
    for (x, y) in (0..side + 2).flat_map(|y| (0..side + 2).map(move |x| (x, y))) {
        let inside = code.contains(&x) && code.contains(&y);
        assert!(inside || !matrix.is_dark(x, y), "{x} {y}");
    }
    // Three corners of a code belong to its finder patterns.
    let (first, last) = (code.start, code.end - 1);
    for (x, y) in [(first, first), (last, first), (first, last)] {
        assert!(matrix.is_dark(x, y), "{x} {y}");
    }
}

#[test]
fn dark_runs_cover_the_dark_modules_and_no_others() {
    let matrix = Matrix::of(URI).unwrap();
    let side = matrix.side();
    let mut drawn = vec![false; side * side];
    for (x, y, run) in matrix.dark_runs() {
        assert!(run > 0 && (x + run == side || !matrix.is_dark(x + run, y)));
        drawn[y * side + x..][..run].fill(true);
    }
    for (at, &is_drawn) in drawn.iter().enumerate() {
        assert_eq!(is_drawn, matrix.is_dark(at % side, at / side), "{at}");
    }
}

#[test]
fn each_style_has_the_word_used_in_policy_and_command_line() {
    assert_eq!(Style::ALL.map(Style::word), ["unicode", "ascii", "none"]);
    for style in Style::ALL {
        assert_eq!(Style::from_word(style.word()), Some(style));
    }
    for word in ["", "Unicode", "ascii ", "utf8"] {
        assert_eq!(Style::from_word(word), None, "{word:?}");
    }
    assert_eq!(TooLong.to_string(), "too long for a QR code");
}
