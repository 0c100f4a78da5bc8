//! A guide as one file of HTML: no script, nothing from elsewhere, and a policy of its own that lets nothing else in.

use super::played::{Line, Played};
use super::text;
use data_encoding::BASE64;
use otp_core::messages::guide::{Guide, Part, Picture, Run, runs};
use otp_core::qr::Matrix;
use otp_core::record::Language;
use sha2::{Digest, Sha256};
use std::fmt::Write;

const STYLE: &str = include_str!("guide.css");

/// The lines of a guide as text from which on it is printed in smaller letters, to stay on one page.
const MANY_LINES: usize = 125;

/// Returns the whole document.
pub fn render(guide: &Guide, played: &Played, language: Language) -> String {
    let title = escaped(&guide.title);
    let hash = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    let lines = text::render(guide, played).lines().count();
    let class = if lines < MANY_LINES {
        ""
    } else {
        " class=\"long\""
    };
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body{class}>\n<main>\n<h1>{title}</h1>\n",
        language.tag()
    );
    for section in &guide.sections {
        let has_steps = section
            .parts
            .iter()
            .any(|part| matches!(part, Part::Steps(_)));
        let class = if has_steps { " class=\"steps\"" } else { "" };
        let (words, pictures): (Vec<_>, Vec<_>) = section
            .parts
            .iter()
            .partition(|part| !matches!(part, Part::Picture(..)));
        let heading = escaped(&section.heading);
        write(
            &mut html,
            format_args!("<section{class}>\n<div>\n<h2>{heading}</h2>\n"),
        );
        for part in words {
            push_part(&mut html, guide, played, part);
        }
        html.push_str("</div>\n");
        for part in pictures {
            push_part(&mut html, guide, played, part);
        }
        html.push_str("</section>\n");
    }
    let footer = marked(&guide.footer);
    write(
        &mut html,
        format_args!("</main>\n<footer><p>{footer}</p></footer>\n</body>\n</html>\n"),
    );
    html
}

fn push_part(html: &mut String, guide: &Guide, played: &Played, part: &Part) {
    match part {
        Part::Paragraph(sentences) => {
            write(html, format_args!("<p>{}</p>\n", marked(sentences)));
        }
        Part::Steps(steps) => {
            html.push_str("<ol>\n");
            for step in steps {
                write(html, format_args!("<li>{}</li>\n", marked(step)));
            }
            html.push_str("</ol>\n");
        }
        Part::Picture(picture, caption) => {
            let caption = marked(caption);
            let class = match picture {
                Picture::Enrolment | Picture::RecoveryCodes => "",
                Picture::Login => " class=\"small\"",
            };
            write(
                html,
                format_args!("<figure{class}>\n<figcaption>{caption}</figcaption>\n"),
            );
            push_screen(html, guide, played.of(*picture));
            html.push_str("</figure>\n");
        }
    }
}

/// Adds a screen: its lines as text, which a browser breaks where a narrower terminal would.
fn push_screen(html: &mut String, guide: &Guide, lines: &[Line]) {
    html.push_str("<div class=\"screen\">");
    let mut is_open = false;
    for line in lines {
        match line {
            Line::Text { shown, typed } => {
                html.push_str(if is_open { "\n" } else { "<pre>" });
                is_open = true;
                html.push_str(&escaped(shown));
                if !typed.is_empty() {
                    write(html, format_args!("<kbd>{}</kbd>", escaped(typed)));
                }
            }
            Line::QrCode(matrix) => {
                if std::mem::take(&mut is_open) {
                    html.push_str("</pre>");
                }
                push_qr_code(html, guide, matrix);
            }
        }
    }
    html.push_str(if is_open {
        "</pre></div>\n"
    } else {
        "</div>\n"
    });
}

/// Draws a QR code that no camera reads: a word across it says that it is an example.
fn push_qr_code(html: &mut String, guide: &Guide, matrix: &Matrix) {
    let side = matrix.side();
    let label = escaped(&format!("{} {}", guide.qr_code, guide.example));
    write(
        html,
        format_args!(
            "<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{label}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path fill=\"#000\" d=\""
        ),
    );
    for (x, y, run) in matrix.dark_runs() {
        write(html, format_args!("M{x} {y}h{run}v1h-{run}z"));
    }
    let (high, middle) = (side / 4, side / 2);
    write(
        html,
        format_args!(
            "\"/><path fill=\"#fff\" stroke=\"#a61b1b\" d=\"M2 {}h{}v{high}h-{1}z\"/>\
             <text x=\"{middle}\" y=\"{}\" font-size=\"{}\" font-weight=\"700\" text-anchor=\"middle\" \
             fill=\"#a61b1b\">{}</text></svg>",
            middle - high / 2,
            side - 4,
            middle + high / 4,
            high * 2 / 3,
            escaped(&guide.example)
        ),
    );
}

/// Returns a sentence with its commands and addresses as elements.
fn marked(sentence: &str) -> String {
    let parts = runs(sentence).into_iter().map(|run| match run {
        Run::Words(words) => escaped(words),
        Run::Typed(typed) => format!("<kbd>{}</kbd>", escaped(typed)),
        Run::Address(url) => {
            let url = escaped(url);
            format!("<a href=\"{url}\">{url}</a>")
        }
    });
    parts.collect()
}

/// Returns a text in which nothing is markup, inside an element or an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

fn write(html: &mut String, part: std::fmt::Arguments<'_>) {
    html.write_fmt(part).expect("a String takes every write");
}
