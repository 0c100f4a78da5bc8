//! A guide as plain text for 80 columns.

use super::played::{Line, Played};
use otp_core::layout::wrap;
use otp_core::messages::guide::{Guide, Part, Picture, Run, runs};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const COLUMNS: usize = 80;

/// What stands to the left of each line of a picture.
const FRAME: &str = "    | ";

/// Returns the whole text.
pub fn render(guide: &Guide, played: &Played) -> String {
    let mut blocks = vec![underlined(&guide.title, "=")];
    for section in &guide.sections {
        let parts = section.parts.iter().map(|part| match part {
            Part::Paragraph(sentences) => ended(sentences),
            Part::Steps(steps) => numbered(steps),
            Part::Picture(picture, caption) => {
                let drawn = framed(guide, played.of(*picture));
                format!("{}\n{drawn}", ended(caption))
            }
        });
        let parts: Vec<String> = parts.collect();
        blocks.push(underlined(&section.heading, "-") + &parts.join("\n"));
    }
    blocks.push(ended(&guide.footer));
    blocks.join("\n")
}

fn ended(sentences: &str) -> String {
    folded(&plain(sentences), COLUMNS) + "\n"
}

fn underlined(heading: &str, line: &str) -> String {
    let heading = folded(heading, COLUMNS);
    let width = heading.lines().map(UnicodeWidthStr::width).max();
    format!("{heading}\n{}\n", line.repeat(width.unwrap_or(0)))
}

/// Returns a sentence without marks; commands stand in quotes.
fn plain(sentence: &str) -> String {
    let words = runs(sentence).into_iter().map(|run| match run {
        Run::Words(words) => words.to_owned(),
        Run::Typed(typed) => format!("'{typed}'"),
        Run::Address(url) => url.to_owned(),
    });
    words.collect()
}

fn numbered(steps: &[String]) -> String {
    let lines = steps.iter().enumerate().map(|(at, step)| {
        let step = folded(&plain(step), COLUMNS - 4).replace('\n', "\n    ");
        format!("{:2}. {step}\n", at + 1)
    });
    lines.collect()
}

fn framed(guide: &Guide, lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let shown = match line {
            Line::Text { shown, typed } => format!("{shown}{typed}"),
            Line::QrCode(_) => guide.qr_code.clone(),
        };
        for row in folded(&shown, COLUMNS - FRAME.len()).split('\n') {
            text.push_str(format!("{FRAME}{row}").trim_end());
            text.push('\n');
        }
    }
    text
}

/// Breaks a line at spaces, and where there is none in time, anywhere, as a terminal does.
fn folded(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let mut text = String::new();
    let mut used = 0;
    for letter in wrap(line, columns).chars() {
        let width = letter.width().unwrap_or(0);
        if letter != '\n' && used + width > columns {
            text.push('\n');
            used = 0;
        }
        text.push(letter);
        used = if letter == '\n' { 0 } else { used + width };
    }
    text
}

impl Played {
    /// Returns the lines of a picture.
    pub fn of(&self, picture: Picture) -> &[Line] {
        match picture {
            Picture::Enrolment => &self.enrolment,
            Picture::RecoveryCodes => &self.codes,
            Picture::Login => &self.login,
        }
    }
}
