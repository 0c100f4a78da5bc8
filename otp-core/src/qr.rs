//! The QR code of an otpauth URI, and how a terminal shows it.

use crate::every;
use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// How a code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Half blocks: each line shows two rows of the code.
    Unicode,
    /// Spaces and characters with much ink, or painted spaces.
    Ascii,
    /// No drawing.
    None,
}

impl Style {
    /// All variants.
    pub const ALL: [Self; 3] = every!(Style: Unicode, Ascii, None);

    /// The word in the policy and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unicode => "unicode",
            Self::Ascii => "ascii",
            Self::None => "none",
        }
    }

    /// Returns the style with that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// The text is too long for any QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("too long for a QR code")
    }
}

impl std::error::Error for TooLong {}

/// Light modules around the code, which scanners need (ISO/IEC 18004 section 5.3.8).
pub const QUIET_ZONE: usize = 4;

/// The dark and light modules of a code. Wiped on drop: they contain the key. The library that computes them does not
/// wipe its memory. This is acceptable for a process that ends soon and leaves no core file, such as otp-enroll.
pub struct Matrix {
    side: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Matrix {
    /// Encodes a text, with error correction level L and the shortest mix of modes, so that the code stays small.
    ///
    /// # Errors
    /// The text is too long.
    pub fn of(text: &str) -> Result<Self, TooLong> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| TooLong)?;
        let side = code.width();
        let mut colors = code.into_colors();
        let dark = Zeroizing::new(colors.iter().map(|&color| color == Color::Dark).collect());
        colors.fill(Color::Light);
        Ok(Self { side, dark })
    }

    /// Modules on a side, including the quiet zone.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side + 2 * QUIET_ZONE
    }

    /// Whether a module is dark, counted from the edge of the quiet zone; everything outside the code is light.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
            (Some(x), Some(y)) if x < self.side && y < self.side => self.dark[y * self.side + x],
            _ => false,
        }
    }

    /// Returns the runs of dark modules, row by row: x and y of the first one, and their number. Drawings of paths need no more.
    pub fn dark_runs(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..self.side()).flat_map(move |y| {
            let mut x = 0;
            std::iter::from_fn(move || {
                let first = (x..self.side()).find(|&x| self.is_dark(x, y))?;
                let dark = |&x: &usize| self.is_dark(x, y);
                let run = (first..self.side()).take_while(dark).count();
                x = first + run;
                Some((first, y, run))
            })
        })
    }
}

/// The colours that a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// No colours. The drawing is ink on the terminal's own background, and nothing tells which of the two is light.
    None,
    /// The sixteen named colours, which a theme can change: some themes for light backgrounds swap black and white.
    Sixteen,
    /// Also black and white of the 256-colour cube, which no theme changes.
    Cube,
}

impl Colours {
    /// Returns the colours that terminals of this type (`TERM`) show.
    #[must_use]
    pub fn of(terminal_type: Option<&str>) -> Self {
        let name = terminal_type.unwrap_or_default();
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        if matches!(name, "" | "dumb" | "unknown")
            || begins(&["vt1", "vt2"])
            || name.ends_with("-m")
            || name.ends_with("-mono")
        {
            Self::None
        } else if name.contains("256color")
            || matches!(name, "xterm" | "screen" | "tmux")
            || begins(&["alacritty", "foot", "tmux", "xterm-kitty", "screen."])
        {
            Self::Cube
        } else {
            Self::Sixteen
        }
    }

    /// How many lines of the text above the drawing stay in sight, even if that leaves room only for half blocks.
    ///
    /// None on terminals like the Linux console: two of its three fonts in Debian have no half blocks. There a drawing
    /// without characters is worth more than the key beside it.
    const fn lines_above(self) -> usize {
        match self {
            Self::Cube => 12,
            Self::None | Self::Sixteen => 0,
        }
    }

    /// Paints light ink on a dark ground, or dark on light. The sixteen colours come first: a terminal without the cube
    /// keeps them.
    const fn paint(self, dark: bool) -> &'static str {
        match (self, dark) {
            (Self::None, _) => "",
            (Self::Sixteen, true) => "\x1b[0;97;40m",
            (Self::Sixteen, false) => "\x1b[0;30;47;107m",
            (Self::Cube, true) => "\x1b[0;97;40m\x1b[38;5;231;48;5;16m",
            (Self::Cube, false) => "\x1b[0;30;47;107m\x1b[38;5;16;48;5;231m",
        }
    }
}

/// What the terminal can show.
pub struct Canvas {
    /// How to draw.
    pub style: Style,
    /// The colours of the terminal.
    pub colours: Colours,
    /// Without colours: whether the terminal is assumed to show dark on light; otherwise light on dark.
    pub inverted: bool,
    /// Modules of the quiet zone that are left out on each side for lack of room.
    pub cut: usize,
}

impl Canvas {
    /// Chooses a canvas for a screen of this many columns and lines, one of which the question below takes.
    ///
    /// Without colours, one more line below the drawing is kept for advice if no scanner reads it. With colours, a
    /// screen may have room for two columns and one line a module, and for the text above. Then cells are only painted:
    /// without characters, no font can tear them.
    ///
    /// If the screen is too small, up to three modules of the quiet zone are given up, which most scanners tolerate.
    /// Returns `None` if even that is too wide. The drawing may be too high: users can scroll back.
    #[must_use]
    pub fn within(
        (columns, lines): (usize, usize),
        matrix: &Matrix,
        style: Style,
        colours: Colours,
    ) -> Option<Self> {
        let canvas = |style, cut| Self {
            style,
            colours,
            inverted: false,
            cut,
        };
        let painted = canvas(Style::Ascii, 0);
        if style == Style::Unicode
            && colours != Colours::None
            && painted.columns(matrix) <= columns
            && painted.lines(matrix) + colours.lines_above() < lines
        {
            return Some(painted);
        }
        let mut narrow = (0..QUIET_ZONE)
            .map(|cut| canvas(style, cut))
            .filter(|canvas| canvas.columns(matrix) <= columns);
        narrow
            .clone()
            .find(|canvas| canvas.lines(matrix) + canvas.lines_below() <= lines)
            .or_else(|| narrow.next())
    }

    /// Columns that the drawing takes.
    #[must_use]
    pub const fn columns(&self, matrix: &Matrix) -> usize {
        let side = matrix.side() - 2 * self.cut;
        match self.style {
            Style::Unicode => side,
            Style::Ascii => 2 * side,
            Style::None => 0,
        }
    }

    /// Lines that the drawing takes.
    #[must_use]
    pub const fn lines(&self, matrix: &Matrix) -> usize {
        let side = matrix.side() - 2 * self.cut;
        match self.style {
            Style::Unicode => side.div_ceil(2),
            Style::Ascii => side,
            Style::None => 0,
        }
    }

    /// Lines below the drawing: the question, and advice if no scanner reads the code.
    #[must_use]
    pub const fn lines_below(&self) -> usize {
        if self.can_be_inverted() { 2 } else { 1 }
    }

    /// Whether the drawing does not say what is light, so that it is inverted on half of all terminals.
    #[must_use]
    pub const fn can_be_inverted(&self) -> bool {
        matches!(self.colours, Colours::None) && !matches!(self.style, Style::None)
    }
}

const PLAIN: &str = "\x1b[0m";

/// Draws the code; each line ends with a line feed.
#[must_use]
pub fn draw(matrix: &Matrix, canvas: &Canvas) -> Zeroizing<String> {
    let side = matrix.side();
    let shown = canvas.cut..side - canvas.cut;
    // Sized beforehand: a string that grows leaves copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(room(side, canvas.colours)));
    match canvas.style {
        Style::Unicode => {
            for y in shown.clone().step_by(2) {
                let line = shown
                    .clone()
                    .map(|x| (matrix.is_dark(x, y), matrix.is_dark(x, y + 1)));
                draw_line(
                    &mut text,
                    canvas,
                    line.map(|halves| half_block(halves, canvas)),
                );
            }
        }
        Style::Ascii => {
            for y in shown.clone() {
                let line = shown.clone().map(|x| matrix.is_dark(x, y));
                draw_line(
                    &mut text,
                    canvas,
                    line.map(|dark| two_columns(dark, canvas)),
                );
            }
        }
        Style::None => {}
    }
    text
}

/// An upper bound for the bytes of a drawing: a drawing in which every module has its own colour.
const fn room(side: usize, colours: Colours) -> usize {
    let a_module = "▀".len() + colours.paint(false).len();
    side * (side * a_module + PLAIN.len() + 1)
}

/// The characters of one or two columns, and whether their ground is painted dark.
type Cell = (bool, &'static str);

fn draw_line(text: &mut String, canvas: &Canvas, cells: impl Iterator<Item = Cell>) {
    let mut painted = None;
    for (dark, characters) in cells {
        if painted != Some(dark) {
            text.push_str(canvas.colours.paint(dark));
            painted = Some(dark);
        }
        text.push_str(characters);
    }
    if canvas.colours != Colours::None {
        text.push_str(PLAIN);
    }
    text.push('\n');
}

/// Draws two modules, one above the other.
///
/// With colours, two equal modules are painted ground without a character. In many fonts the glyph of a block is
/// smaller than its cell, which tears the drawing. Only unequal modules are light ink on a dark ground.
const fn half_block((upper, lower): (bool, bool), canvas: &Canvas) -> Cell {
    match canvas.colours {
        Colours::None => {
            let (upper, lower) = (upper == canvas.inverted, lower == canvas.inverted);
            let ink = match (upper, lower) {
                (true, true) => "█",
                (true, false) => "▀",
                (false, true) => "▄",
                (false, false) => " ",
            };
            (false, ink)
        }
        Colours::Sixteen | Colours::Cube => match (upper, lower) {
            (true, true) => (true, " "),
            (true, false) => (true, "▄"),
            (false, true) => (true, "▀"),
            (false, false) => (false, " "),
        },
    }
}

/// Draws one module in two columns, so that it is about square. With colours it is only painted ground.
///
/// Without colours, distance must blur the gaps between the characters: no decoder reads a sharp picture of any ASCII
/// character. The gaps between lines matter. Light ink tears only modules that stand alone in a finder pattern, and
/// "@", which has the most ink, can be read from near. Dark ink tears the middle of the pattern into three bars.
/// Brackets, which reach further up and down than letters, join there from the least distance.
const fn two_columns(dark: bool, canvas: &Canvas) -> Cell {
    match (canvas.colours, canvas.inverted) {
        (Colours::None, false) => (false, if dark { "  " } else { "@@" }),
        (Colours::None, true) => (false, if dark { "[[" } else { "  " }),
        (Colours::Sixteen | Colours::Cube, _) => (dark, "  "),
    }
}

#[cfg(test)]
mod tests;
