//! A document shortened by `in_short` says the same as before.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt::Write;

/// Returns what a document says, without positions; `None` if it is not TOML.
fn said(text: &str) -> Option<String> {
    let mut out = String::new();
    tell(&mut out, DeTable::parse(text).ok()?.get_ref());
    Some(out)
}

fn tell(out: &mut String, table: &DeTable<'_>) {
    for (key, value) in table {
        write!(out, "{:?} = ", key.get_ref()).unwrap();
        tell_value(out, value.get_ref());
    }
}

fn tell_value(out: &mut String, value: &DeValue<'_>) {
    match value {
        DeValue::Table(table) => {
            out.push('{');
            tell(out, table);
            out.push('}');
        }
        DeValue::Array(array) => {
            out.push('[');
            for value in array {
                tell_value(out, value.get_ref());
            }
            out.push(']');
        }
        other => write!(out, "{other:?};").unwrap(),
    }
}

fn in_short(text: &str) -> String {
    Source::of_text(text).in_short()
}

/// Lines of documents, good and bad ones.
const LINES: [&str; 34] = [
    "",
    " ",
    "\t",
    "#",
    "# a comment",
    "  \t# another",
    "a = 1",
    "b = \"#\" # why",
    "[c]",
    "[[d]]",
    "e = [",
    "  1, # one",
    "]",
    "f = \"\"\"",
    "# in a string",
    "\"\"\"",
    "g = '''",
    "'''",
    "'",
    "h = \"\\",
    "\\",
    "#\r",
    "# \u{1}",
    "\u{c}",
    "# \u{7f}",
    "\u{a0}",
    "# \u{a0}",
    "i.j = true",
    "\"k\" = 'l' # '''",
    "m = \"\"",
    "= 1",
    "n",
    "\u{feff}",
    "\u{feff}o = 1",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_shortened_document_says_the_same_as_the_whole(
        lines in vec(select(&LINES[..]), 0..12), ends in any::<bool>(),
    ) {
        let text = lines.join("\n") + if ends { "\n" } else { "" };
        prop_assert_eq!(said(&in_short(&text)), said(&text));
    }
}

proptest! {
    #[test]
    fn a_line_ends_after_its_first_line_feed(bytes in vec(select(&b"\n\x0b\x0c\t*\x7f#a"[..]), 0..40)) {
        let text = std::str::from_utf8(&bytes).unwrap();
        let first = text.split_inclusive('\n').next().unwrap_or("");
        prop_assert_eq!(super::length_of_line(text), first.len());
    }
}

#[test]
fn comments_and_blank_lines_are_left_out() {
    let text = "# why\n\n  # so\na = 1 # one\n\t\n[b]\n# end";
    assert_eq!(in_short(text), "a = 1 # one\n[b]\n");
}

#[test]
fn a_document_that_may_hold_a_multi_line_string_is_left_unchanged() {
    for text in [
        "# a\nb = \"\"\"\n# c\n\"\"\"\n",
        "# a\nb = '''\n# c\n'''\n",
        "# a\r\n",
        "# \0\n",
        // A byte order mark, which may stand only at the start of a document.
        "# a\n\u{feff}b = 1\n",
    ] {
        assert_eq!(in_short(text), text);
    }
}
