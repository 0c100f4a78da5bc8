//! The Korean pages say what the English ones say: the same commands, options, files and figures, in the same places, and no
//! others. Only a reader can tell whether the sentences mean the same.

#[allow(dead_code, reason = "another test reads all manuals")]
mod roff;
#[allow(dead_code, reason = "another test reads the sources")]
mod tree;

use otp_core::messages::{enrol, protect};
use roff::{Manual, arguments, bold, examples, paragraphs, plain, unescaped};
use std::collections::BTreeSet;

const README: [&str; 2] = [
    include_str!("../../README.md"),
    include_str!("../../README.ko.md"),
];

/// Numbers that English writes as words, and Korean may write as figures.
const WORDS: [(&str, &str); 11] = [
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("hundred", "100"),
];

/// Of these, the numbers that Korean may say in other words, or not at all.
const OFTEN_NO_NUMBER: [&str; 2] = ["1", "2"];

/// The name of the whole feature has a figure in Korean.
const FEATURE: &str = "2단계 인증";

/// A part of a page between empty lines: a heading, a paragraph, a table, or lines to type.
struct Block {
    kind: String,
    lines: Vec<&'static str>,
}

fn blocks(page: &'static str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut apart = true;
    for line in page.lines() {
        let kind = match line.trim_start_matches('#') {
            "" => String::new(),
            rest if rest != line => format!("heading {}", line.len() - rest.len()),
            _ if line.starts_with("    ") => "code".to_owned(),
            _ if line.starts_with('|') => format!("table of {}", line.matches('|').count() - 1),
            _ => "paragraph".to_owned(),
        };
        match found.last_mut() {
            Some(last) if !apart && last.kind == kind => last.lines.push(line),
            _ if kind.is_empty() => {}
            _ => found.push(Block {
                kind: kind.clone(),
                lines: vec![line],
            }),
        }
        apart = kind.is_empty() || kind.starts_with("heading");
    }
    for block in &mut found {
        if block.kind.starts_with("table") {
            block.kind = format!("{} by {}", block.kind, block.lines.len());
        }
    }
    found
}

/// Returns the texts between two marks.
fn between<'a>(text: &'a str, open: &str, close: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = text.split(open).skip(1).collect::<Vec<_>>().into_iter();
    parts.filter_map(move |part| part.split(close).next())
}

/// Returns the texts in quotes of one kind.
fn quoted(text: &str, quote: char) -> impl Iterator<Item = &str> {
    text.split(quote).skip(1).step_by(2)
}

/// Names a page or picture as both languages do: without the language.
fn of_both(link: &str) -> String {
    ["/ko/", ".ko.", ".en."]
        .iter()
        .fold(link.to_owned(), |link, part| {
            link.replace(part, &part[part.len() - 1..])
        })
}

fn is_korean(text: &str) -> bool {
    text.contains(|c: char| ('가'..='힣').contains(&c))
}

/// Returns the figures of a text.
fn figures(text: &str) -> BTreeSet<String> {
    let text = text.replace(FEATURE, "");
    let figures = text.split(|c: char| !c.is_ascii_digit() && c != ',' && c != '.');
    figures
        .map(|one| one.trim_matches([',', '.']).to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

/// Returns the numbers that an English text writes as words, as figures.
fn numbers_in_words(text: &str) -> BTreeSet<String> {
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphabetic()).collect();
    let is_there = |word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    let found = WORDS.iter().filter(|(word, _)| is_there(word));
    found.map(|(_, figure)| (*figure).to_owned()).collect()
}

/// Asserts that a Korean text has the figures of the English one and no others.
fn compare_figures(english: &str, korean: &str) {
    let (expected, found) = (figures(english), figures(korean));
    let lost: Vec<_> = expected.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?} is not in: {korean}");
    let in_words = numbers_in_words(english);
    for number in in_words
        .iter()
        .filter(|one| !OFTEN_NO_NUMBER.contains(&one.as_str()))
    {
        assert!(found.contains(number), "{number} is not in: {korean}");
    }
    let allowed = &expected | &in_words;
    let more: Vec<_> = found.difference(&allowed).collect();
    assert!(more.is_empty(), "{more:?} is only in: {korean}");
}

/// Returns the texts in double quotes of a Korean page: those in Korean, then the others. Asserts that a message of the catalogue
/// begins with each Korean one.
fn words_of<'a>(catalogue: &str, text: &'a str) -> [BTreeSet<&'a str>; 2] {
    let quoted = quoted(text, '"');
    let (ours, others): (BTreeSet<&str>, BTreeSet<&str>) = quoted.partition(|one| is_korean(one));
    for one in &ours {
        // A colon may follow a label.
        let message = format!("\"{}", one.trim_end_matches(':'));
        assert!(catalogue.contains(&message), "no message is {message}\"");
    }
    [ours, others]
}

/// Asserts that a Korean page quotes the words to type, and the words to look for, that the English page quotes.
fn compare_quotes(english: &str, korean: &str, catalogue: &str) -> usize {
    let [ours, others] = words_of(catalogue, korean);
    let expected: BTreeSet<&str> = quoted(english, '"').collect();
    assert_eq!(others, expected, "{korean}");
    // If a word may be typed in either language, the page names both.
    for [english, korean] in [enrol::KEPT, enrol::LATER, enrol::INVERTED, protect::KEEP] {
        assert_eq!(others.contains(english), ours.contains(korean), "{english}");
    }
    ours.len()
}

/// The sources of all messages.
fn catalogue() -> String {
    let sources = tree::sources().into_iter();
    let sources = sources.filter(|(name, _)| name.contains("/src/") && !name.contains("/tests"));
    sources.map(|(_, source)| source).collect()
}

impl Block {
    /// Returns the lines to type, each with whether a comment follows.
    fn commands(&self) -> Vec<(&str, bool)> {
        let lines = self.lines.iter().map(|line| {
            line.split_once("# ")
                .map_or((*line, false), |(command, _)| (command, true))
        });
        lines
            .map(|(command, is_explained)| (command.trim_end(), is_explained))
            .collect()
    }

    fn comments(&self) -> impl Iterator<Item = &str> {
        let parts = self.lines.iter().filter_map(|line| line.split_once("# "));
        parts.map(|(_, comment)| comment)
    }

    /// Returns the texts to compare one by one: each cell of a table, or the whole paragraph or heading.
    fn pieces(&self) -> Vec<String> {
        if self.kind.starts_with("table") {
            let cells = self.lines.iter().flat_map(|line| line.split('|'));
            return cells.map(str::to_owned).collect();
        }
        vec![self.lines.join(" ")]
    }
}

/// Returns the links of a text, without their language, sorted.
fn links(text: &str) -> Vec<String> {
    let mut links: Vec<String> = between(text, "](", ")").map(of_both).collect();
    links.sort_unstable();
    links
}

#[test]
fn the_korean_readme_has_the_parts_of_the_english_one() {
    let [english, korean] = README.map(blocks);
    assert!(english.len() > 60, "parts are found at all");
    for (at, part) in english.iter().enumerate() {
        let kind = korean.get(at).map(|one| &one.kind);
        assert_eq!(kind, Some(&part.kind), "{}", part.lines[0]);
    }
    assert_eq!(korean.len(), english.len());
}

#[test]
fn the_korean_readme_has_the_commands_links_and_figures_of_the_english_one() {
    let catalogue = catalogue();
    let [english, korean] = README.map(blocks);
    for (english, korean) in english.iter().zip(&korean) {
        if english.kind == "code" {
            assert_eq!(korean.commands(), english.commands());
            for comment in korean.comments() {
                words_of(&catalogue, comment);
            }
            continue;
        }
        for (english, korean) in english.pieces().iter().zip(&korean.pieces()) {
            assert_eq!(links(korean), links(english), "{korean}");
            let spans = |text| quoted(text, '`').collect::<BTreeSet<_>>();
            assert_eq!(spans(korean), spans(english), "{korean}");
            compare_figures(english, korean);
            compare_quotes(english, korean, &catalogue);
        }
    }
}

#[test]
fn the_readmes_link_to_each_other_and_to_files_that_exist() {
    for (page, other) in [(README[0], "README.ko.md"), (README[1], "README.md")] {
        let (head, _) = page.split_once("\n## ").expect("a heading");
        assert!(head.contains(&format!("]({other})\n")), "{other}");
        for link in between(page, "](", ")") {
            let is_there = link.contains("://") || tree::root().join(link).is_file();
            assert!(is_there, "{link}");
        }
    }
}

#[test]
fn the_korean_readme_shows_korean_pictures_and_manuals() {
    for link in between(README[1], "](", ")") {
        let path = tree::root().join(link);
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name");
        assert!(!name.contains(".en."), "{link}");
        let (stem, end) = name.rsplit_once('.').expect("an ending");
        let of_its_own = [format!("{stem}.ko.{end}"), format!("ko/{name}")];
        for translated in of_its_own.map(|name| path.with_file_name(name)) {
            // The link at the top leads back to English.
            assert!(name == "README.md" || !translated.exists(), "{link}");
        }
    }
}

/// Returns each manual that exists in Korean, as [English, Korean].
fn manuals() -> Vec<[Manual; 2]> {
    let korean = Manual::of_language("ko").into_iter();
    korean
        .map(|korean| [Manual::of(&korean.file), korean])
        .collect()
}

/// Calls `look` with the lines of each section of each manual, as [English, Korean]. Where the English lines name a heading,
/// they name the Korean one.
fn each_section(mut look: impl FnMut([&[String]; 2])) {
    let manuals = manuals();
    assert!(!manuals.is_empty(), "manuals are found at all");
    for [english, korean] in &manuals {
        let (english, korean) = (english.sections(), korean.sections());
        assert_eq!(english.len(), korean.len());
        for (ours, theirs) in english.iter().zip(&korean) {
            let translated = |line: &str| {
                let named = arguments(line).into_iter().next();
                let headings = english.iter().map(|section| Some(&section.heading));
                let found = headings
                    .zip(&korean)
                    .find(|(heading, _)| *heading == named.as_ref());
                found.filter(|_| line.starts_with(".B")).map_or_else(
                    || line.to_owned(),
                    |(_, korean)| format!(".B \"{}\"", korean.heading),
                )
            };
            let ours: Vec<String> = ours.lines.iter().map(|line| translated(line)).collect();
            let theirs: Vec<String> = theirs.lines.iter().map(|line| (*line).to_owned()).collect();
            look([&ours, &theirs]);
        }
    }
}

/// Calls `look` as `each_section` does, with each paragraph of each section.
fn each_paragraph(mut look: impl FnMut([&[String]; 2])) {
    let begins = |line: &String| {
        [".SS", ".PP", ".TP", ".IP"]
            .iter()
            .any(|one| line.starts_with(one))
    };
    each_section(|[english, korean]| {
        let starts = |lines: &[String]| {
            let found = lines.iter().enumerate().filter(|(_, line)| begins(line));
            let starts: Vec<usize> = [0]
                .into_iter()
                .chain(found.map(|(at, _)| at))
                .chain([lines.len()])
                .collect();
            starts
        };
        let (ours, theirs) = (starts(english), starts(korean));
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.windows(2).zip(theirs.windows(2)) {
            look([&english[ours[0]..ours[1]], &korean[theirs[0]..theirs[1]]]);
        }
    });
}

/// Returns lines of roff as one line of text.
fn text(lines: &[String]) -> String {
    lines.iter().map(|line| plain(line) + " ").collect()
}

#[test]
fn a_korean_manual_has_the_title_of_the_english_one() {
    for pages in manuals() {
        let [english, korean] = pages.each_ref().map(|page| {
            let title = page.roff.lines().find(|line| line.starts_with(".TH "));
            arguments(title.expect("a title"))
        });
        assert_eq!(korean[..4], english[..4]);
    }
}

#[test]
fn a_korean_manual_has_the_paragraphs_and_tags_of_the_english_one() {
    each_section(|pages| {
        let [english, korean] = pages.map(|lines| {
            let lines = || lines.iter().map(String::as_str);
            let layout = [".SS", ".PP", ".TP", ".IP", ".RS", ".RE", ".EX", ".EE"];
            let first = lines().filter_map(|line| line.split(' ').next());
            let layout: Vec<&str> = first.filter(|one| layout.contains(one)).collect();
            let tags = paragraphs(lines().collect()).into_iter();
            (layout, tags.map(|one| one.tag).collect::<Vec<_>>())
        });
        assert_eq!(korean, english);
    });
}

#[test]
fn a_korean_manual_has_the_commands_and_examples_of_the_english_one() {
    // Each page names the page in the other language.
    let in_both = |piece: String| piece.replace("man -L en", "man -L ko");
    each_paragraph(|pages| {
        let [english, korean] = pages.map(|lines| {
            let lines = || lines.iter().map(String::as_str);
            let bold: BTreeSet<String> = bold(lines()).into_iter().map(in_both).collect();
            let examples: Vec<String> = examples(lines()).into_iter().map(unescaped).collect();
            (bold, examples)
        });
        assert_eq!(korean, english);
    });
}

/// Returns the names in a text: manuals, files, options, and words in capitals, such as variables.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-./()".contains(c);
    let words = text.split(|c| !is_part(c));
    let words = words.map(|word| {
        let word = word.trim_matches(['.', '(']);
        let is_manual = word.contains('(');
        if is_manual {
            word
        } else {
            word.trim_matches(['.', ')'])
        }
    });
    let is_name = |word: &&str| {
        let capitals = word.chars().filter(char::is_ascii_uppercase).count();
        word.contains(['/', '(']) || word.contains("--") || capitals > 1
    };
    words.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn a_korean_manual_has_the_options_and_files_of_the_english_one() {
    let mut seen = 0;
    each_paragraph(|pages| {
        let [english, korean] = pages.map(|lines| names(&text(lines)));
        seen += english.len();
        assert_eq!(korean, english);
    });
    assert!(seen > 50, "names are found at all: {seen}");
}

#[test]
fn a_korean_manual_has_the_figures_and_quotes_of_the_english_one() {
    let catalogue = catalogue();
    let mut seen = 0;
    each_paragraph(|pages| {
        let [english, korean] = pages.map(text);
        compare_figures(&english, &korean);
        seen += compare_quotes(&english, &korean, &catalogue);
    });
    assert!(seen > 2, "quotes are found at all: {seen}");
}
