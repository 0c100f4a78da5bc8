//! The difference between two texts, as `diff -u` writes it.

use std::fmt::Write;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// What happens to a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Stays(&'a str),
    Goes(&'a str),
    Comes(&'a str),
}

/// Returns the difference in unified form; a text of `None`: there is no such file. Empty if both texts are equal.
#[must_use]
pub fn unified(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    let lines = compared(before.unwrap_or(""), after.unwrap_or(""));
    let is_change = |line: &Line| !matches!(line, Line::Stays(_));
    if !lines.iter().any(is_change) && before.is_some() == after.is_some() {
        return String::new();
    }
    let name = |text: Option<&str>| text.map_or("/dev/null", |_| path);
    let mut text = format!("--- {}\n+++ {}\n", name(before), name(after));
    let changed: Vec<usize> = (0..lines.len())
        .filter(|&at| is_change(&lines[at]))
        .collect();
    let mut rest = changed.as_slice();
    while let Some(&first) = rest.first() {
        let mut count = 1;
        while count < rest.len() && rest[count] - rest[count - 1] <= 2 * CONTEXT {
            count += 1;
        }
        let last = rest[count - 1];
        let range = first.saturating_sub(CONTEXT)..(last + CONTEXT + 1).min(lines.len());
        write_hunk(&mut text, &lines, range);
        rest = &rest[count..];
    }
    text
}

fn write_hunk(text: &mut String, lines: &[Line<'_>], range: std::ops::Range<usize>) {
    let old = |line: &&Line| !matches!(line, Line::Comes(_));
    let new = |line: &&Line| !matches!(line, Line::Goes(_));
    let before = &lines[..range.start];
    let hunk = &lines[range];
    let place = |start: usize, count: usize| match count {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{count}", start + 1),
    };
    let old = place(
        before.iter().filter(old).count(),
        hunk.iter().filter(old).count(),
    );
    let new = place(
        before.iter().filter(new).count(),
        hunk.iter().filter(new).count(),
    );
    writeln!(text, "@@ -{old} +{new} @@").ok();
    for line in hunk {
        let (sign, line) = match line {
            Line::Stays(line) => (' ', line),
            Line::Goes(line) => ('-', line),
            Line::Comes(line) => ('+', line),
        };
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Returns the lines of both texts, in an order that keeps as many as possible.
fn compared<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (
        before.split_inclusive('\n').collect(),
        after.split_inclusive('\n').collect(),
    );
    let same_start = old.iter().zip(&new).take_while(|(one, other)| one == other);
    let start = same_start.count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let same_end = old_rest.iter().rev().zip(new_rest.iter().rev());
    let end = same_end.take_while(|(one, other)| one == other).count();
    let (olds, news) = (
        &old_rest[..old_rest.len() - end],
        &new_rest[..new_rest.len() - end],
    );
    // The length of the longest common sequence of lines, from each pair of positions on.
    let mut longest = vec![vec![0_usize; news.len() + 1]; olds.len() + 1];
    for at in (0..olds.len()).rev() {
        for to in (0..news.len()).rev() {
            longest[at][to] = if olds[at] == news[to] {
                longest[at + 1][to + 1] + 1
            } else {
                longest[at + 1][to].max(longest[at][to + 1])
            };
        }
    }
    let mut lines: Vec<Line> = old[..start].iter().map(|line| Line::Stays(line)).collect();
    let (mut at, mut to) = (0, 0);
    while at < olds.len() || to < news.len() {
        if at < olds.len() && to < news.len() && olds[at] == news[to] {
            lines.push(Line::Stays(olds[at]));
            (at, to) = (at + 1, to + 1);
        } else if to == news.len()
            || (at < olds.len() && longest[at + 1][to] >= longest[at][to + 1])
        {
            lines.push(Line::Goes(olds[at]));
            at += 1;
        } else {
            lines.push(Line::Comes(news[to]));
            to += 1;
        }
    }
    lines.extend(old_rest[olds.len()..].iter().map(|line| Line::Stays(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_added_line_is_shown_between_its_neighbours() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n";
        let after = before.replace("5\n", "5\nnew\n");
        let expected = "--- /x\n+++ /x\n@@ -3,6 +3,7 @@\n 3\n 4\n 5\n+new\n 6\n 7\n 8\n";
        assert_eq!(unified("/x", Some(before), Some(&after)), expected);
    }

    #[test]
    fn changes_far_apart_are_separate_hunks() {
        let before = (0..30).fold(String::new(), |all, line| format!("{all}{line}\n"));
        let after = before.replace("\n4\n", "\n").replace("\n25\n", "\nx\n");
        let text = unified("/x", Some(&before), Some(&after));
        assert_eq!(text.matches("@@ -").count(), 2, "{text}");
        assert!(
            text.contains("@@ -2,7 +2,6 @@\n 1\n 2\n 3\n-4\n 5\n 6\n 7\n"),
            "{text}"
        );
        assert!(
            text.contains("@@ -23,7 +22,7 @@\n 22\n 23\n 24\n-25\n+x\n 26\n"),
            "{text}"
        );
    }

    #[test]
    fn added_and_removed_files_are_shown_whole() {
        assert_eq!(
            unified("/x", None, Some("a\n")),
            "--- /dev/null\n+++ /x\n@@ -0,0 +1 @@\n+a\n"
        );
        assert_eq!(
            unified("/x", Some("a\nb"), None),
            "--- /x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("/x", Some("a\n"), Some("a\n")), "");
        assert_eq!(unified("/x", None, None), "");
    }
}
