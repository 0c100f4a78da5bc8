//! Reads the manuals as lines of roff.

use std::fs;
use std::path::PathBuf;

/// One manual.
pub struct Manual {
    /// The name of its file, `pam_otp.8`.
    pub file: String,
    pub roff: String,
}

/// A heading and the lines below it.
pub struct Section<'a> {
    pub heading: String,
    pub lines: Vec<&'a str>,
}

/// A paragraph with a tag before it.
pub struct Tagged {
    pub tag: String,
    pub body: String,
}

impl Manual {
    /// Reads the manuals in English.
    pub fn all() -> Vec<Self> {
        Self::of_language("")
    }

    /// Reads the manuals in the language of this tag; "" is English.
    pub fn of_language(tag: &str) -> Vec<Self> {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/man");
        let entries = fs::read_dir(directory.join(tag)).expect("the directory of the manuals");
        entries
            .map(|entry| entry.expect("a file in it"))
            .filter(|entry| !entry.path().is_dir())
            .map(|entry| {
                let file = entry.file_name().into_string().expect("a plain name");
                let roff = fs::read_to_string(entry.path()).expect("a text");
                Self { file, roff }
            })
            .collect()
    }

    pub fn of(file: &str) -> Self {
        let found = Self::all().into_iter().find(|one| one.file == file);
        found.expect("the manual is there")
    }

    /// Returns name and section as other manuals write them, `pam_otp(8)`.
    pub fn reference(&self) -> String {
        let (name, section) = self.file.rsplit_once('.').expect("a section");
        format!("{name}({section})")
    }

    /// Returns the lines below a heading, including its subsections.
    pub fn section(&self, heading: &str) -> Vec<&str> {
        let start = format!(".SH {heading}");
        let mut lines = self.roff.lines();
        assert!(lines.any(|line| line == start), "{}: {start}", self.file);
        lines.take_while(|line| !line.starts_with(".SH ")).collect()
    }

    /// Returns the paragraphs with tags below a heading.
    pub fn tagged(&self, heading: &str) -> Vec<Tagged> {
        paragraphs(self.section(heading))
    }

    /// Returns the paragraphs with tags of one subsection.
    pub fn tagged_below(&self, heading: &str, subheading: &str) -> Vec<Tagged> {
        let start = format!(".SS {subheading}");
        let mut lines = self.section(heading).into_iter();
        assert!(lines.any(|line| line == start), "{}: {start}", self.file);
        paragraphs(lines.take_while(|line| !line.starts_with(".SS ")).collect())
    }

    /// Returns each heading with the lines below it, from the top.
    pub fn sections(&self) -> Vec<Section<'_>> {
        let mut found: Vec<Section> = Vec::new();
        for line in self.roff.lines() {
            if line.starts_with(".SH ") {
                let (heading, lines) = (plain(line), Vec::new());
                found.push(Section { heading, lines });
            } else if let Some(last) = found.last_mut() {
                last.lines.push(line);
            }
        }
        found
    }

    /// Returns all bold text, piece by piece.
    pub fn bold(&self) -> Vec<String> {
        bold(self.roff.lines())
    }

    /// Returns the lines of examples.
    pub fn examples(&self) -> Vec<&str> {
        examples(self.roff.lines())
    }

    pub fn plain(&self) -> String {
        self.roff.lines().map(|line| plain(line) + "\n").collect()
    }
}

/// Returns every piece of bold text in some lines.
pub fn bold<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in lines {
        let arguments = arguments(line);
        let every_other = |from| arguments.iter().skip(from).step_by(2).cloned();
        match line.split(' ').next() {
            Some(".B") => pieces.push(arguments.join(" ")),
            Some(".BR" | ".BI") => pieces.extend(every_other(0)),
            Some(".RB" | ".IB") => pieces.extend(every_other(1)),
            _ => {}
        }
        // A hyphen is written with a backslash too.
        let spelled = line.replace("\\-", "-");
        let parts = spelled.split("\\fB").skip(1);
        pieces.extend(parts.filter_map(|part| part.split('\\').next().map(str::to_owned)));
    }
    pieces.iter().map(|piece| unescaped(piece)).collect()
}

/// Returns the lines of examples among some lines.
pub fn examples<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut within = false;
    for line in lines {
        match line {
            ".EX" => within = true,
            _ if line.starts_with(".EE") => within = false,
            _ if within => found.push(line),
            _ => {}
        }
    }
    found
}

/// Returns the arguments of a macro; words in quotes are one argument.
pub fn arguments(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (at, part) in line.split('"').enumerate() {
        if at % 2 == 1 {
            arguments.push(part.to_owned());
        } else {
            arguments.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    if arguments.is_empty() {
        return arguments;
    }
    arguments.split_off(1)
}

/// Returns the paragraphs with tags among these lines.
pub fn paragraphs(lines: Vec<&str>) -> Vec<Tagged> {
    let mut found: Vec<Tagged> = Vec::new();
    let mut lines = lines.into_iter();
    let mut within = false;
    while let Some(line) = lines.next() {
        match (line, found.last_mut()) {
            (".TP", _) => {
                let tag = plain(lines.next().expect("a tag"));
                let body = String::new();
                found.push(Tagged { tag, body });
                within = true;
            }
            (".PP", _) => within = false,
            (line, Some(last)) if within => last.body += &(plain(line) + "\n"),
            _ => {}
        }
    }
    found
}

/// Returns a line as a reader sees it, without macros and fonts.
pub fn plain(line: &str) -> String {
    let text = match line.split(' ').next() {
        Some(".BR" | ".RB" | ".IR" | ".RI" | ".BI" | ".IB") => arguments(line).concat(),
        Some(".B" | ".I" | ".SH" | ".SS" | ".TH") => arguments(line).join(" "),
        Some(word) if word.starts_with('.') => String::new(),
        _ => line.to_owned(),
    };
    unescaped(&text)
}

pub fn unescaped(text: &str) -> String {
    let fonts = ["\\fB", "\\fI", "\\fR"];
    let text = fonts
        .iter()
        .fold(text.to_owned(), |text, font| text.replace(font, ""));
    text.replace("\\-", "-")
}
