//! The QR code of an otpauth URI, and how it is drawn in a terminal.

use crate::every;
use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// How a code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Half blocks: two rows of the code in one line.
    Unicode,
    /// Spaces and number signs.
    Ascii,
    /// Not at all.
    None,
}

impl Style {
    /// All of them.
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

    /// The one of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// A text that no QR code holds.
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

/// The dark and light modules of a code. Wiped on drop: it says the key. (The library that computes it does not
/// wipe what it used. A process that ends soon and leaves no core file, such as otp-enroll, can bear that.)
pub struct Matrix {
    side: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Matrix {
    /// Encodes a text: error correction level L and the shortest mix of modes, so that the code stays small.
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

    /// Modules on a side, with the quiet zone.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side + 2 * QUIET_ZONE
    }

    /// Whether a module is dark, counted with the quiet zone; whatever lies outside is light.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        match (x.checked_sub(QUIET_ZONE), y.checked_sub(QUIET_ZONE)) {
            (Some(x), Some(y)) if x < self.side && y < self.side => self.dark[y * self.side + x],
            _ => false,
        }
    }
}

/// What the terminal can show.
pub struct Canvas {
    /// How to draw.
    pub style: Style,
    /// Whether it takes colours, so that black and white can be asked for; else it is taken to be light on dark.
    pub colours: bool,
    /// Modules of the quiet zone that are left out on each side, for want of room.
    pub cut: usize,
}

impl Canvas {
    /// A canvas on a screen of so many columns and lines, one of which the question below takes.
    ///
    /// Where the screen is too small, up to three modules of the quiet zone are given up, which most scanners bear;
    /// `None`: not even that makes it narrow enough. Too high it may be: what has scrolled away can be scrolled back.
    #[must_use]
    pub fn within(
        (columns, lines): (usize, usize),
        matrix: &Matrix,
        style: Style,
        colours: bool,
    ) -> Option<Self> {
        let canvas = |cut| Self {
            style,
            colours,
            cut,
        };
        let mut narrow = (0..QUIET_ZONE)
            .map(canvas)
            .filter(|canvas| canvas.columns(matrix) <= columns);
        narrow
            .clone()
            .find(|canvas| canvas.lines(matrix) < lines)
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
}

/// Black on white, bright white where there is one.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;107m";
const WHITE_ON_BLACK: &str = "\x1b[0;97;40m";
const PLAIN: &str = "\x1b[0m";

/// Draws the code, each line ended by a line feed.
#[must_use]
pub fn draw(matrix: &Matrix, canvas: &Canvas) -> Zeroizing<String> {
    let side = matrix.side();
    let shown = canvas.cut..side - canvas.cut;
    // Sized beforehand, so that no copy of the key is left behind by growing: at worst every module changes the colour.
    let a_module = "  ".len() + BLACK_ON_WHITE.len();
    let most_bytes = side * (side * a_module + BLACK_ON_WHITE.len() + PLAIN.len() + 1);
    let mut text = Zeroizing::new(String::with_capacity(most_bytes));
    match canvas.style {
        Style::Unicode => {
            for y in shown.clone().step_by(2) {
                let line = shown
                    .clone()
                    .map(|x| (matrix.is_dark(x, y), matrix.is_dark(x, y + 1)));
                if canvas.colours {
                    text.push_str(BLACK_ON_WHITE);
                    text.extend(line.map(|(upper, lower)| half_block(upper, lower)));
                    text.push_str(PLAIN);
                } else {
                    // No colours, so the ink is taken to be light: it draws what is not dark.
                    text.extend(line.map(|(upper, lower)| half_block(!upper, !lower)));
                }
                text.push('\n');
            }
        }
        Style::Ascii => {
            for y in shown.clone() {
                draw_ascii_line(
                    &mut text,
                    shown.clone().map(|x| matrix.is_dark(x, y)),
                    canvas.colours,
                );
            }
        }
        Style::None => {}
    }
    text
}

/// Ink in the upper half, in the lower half, in both or in none.
const fn half_block(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

/// Two columns a module, so that it is about square. With colours the cells themselves are painted.
fn draw_ascii_line(text: &mut String, line: impl Iterator<Item = bool>, colours: bool) {
    let mut painted = None;
    for dark in line {
        if colours && painted != Some(dark) {
            text.push_str(if dark { WHITE_ON_BLACK } else { BLACK_ON_WHITE });
            painted = Some(dark);
        }
        text.push_str(if colours || dark { "  " } else { "##" });
    }
    if colours {
        text.push_str(PLAIN);
    }
    text.push('\n');
}

/// Whether a terminal of this type takes colours.
#[must_use]
pub fn takes_colours(terminal_type: Option<&str>) -> bool {
    match terminal_type {
        None | Some("" | "dumb" | "unknown") => false,
        Some(name) => {
            !(name.starts_with("vt1")
                || name.starts_with("vt2")
                || name.ends_with("-m")
                || name.ends_with("-mono"))
        }
    }
}

#[cfg(test)]
mod tests;
