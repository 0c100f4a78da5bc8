//! Server exports: a list of otpauth URIs or of keys, as plain lines, comma-separated values or JSON.

use crate::csv::{Row, Rows};
use crate::json::{self, Value};
use crate::table::{Column, Fields};
use crate::{Entry, Unreadable, uri};
use otp_core::messages::import::Flaw;
use zeroize::Zeroizing;

/// Reads an export in any of the three forms.
///
/// # Errors
/// The bytes are not text, or the form cannot be read as a whole: then the meaning of its lines is unknown.
pub fn uris(bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    let text = text.ok_or(Unreadable {
        line: 1,
        flaw: Flaw::NotText,
    })?;
    let entries = match text.trim_start().chars().next() {
        Some('[' | '{') => of_json(text)?,
        Some('o' | 'O') if lines(text).all(|(_, line)| uri::is_uri(line)) => of_lines(text),
        _ => of_table(text)?,
    };
    if entries.is_empty() {
        return Err(Unreadable {
            line: 1,
            flaw: Flaw::Empty,
        });
    }
    Ok(entries)
}

/// Returns the lines that are not empty and do not begin with `#`.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn of_lines(text: &str) -> Vec<Entry> {
    let entry = |(line, text)| {
        let uri::Read { owner, device } = uri::read(text);
        Entry {
            line,
            owner,
            label: None,
            device,
        }
    };
    lines(text).map(entry).collect()
}

fn of_table(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let unreadable = |(line, flaw)| Unreadable { line, flaw };
    let comment = |row: &Row| row.cells[0].starts_with('#');
    let mut rows = Rows::of(text, separator(text))
        .filter(|row| !row.as_ref().is_ok_and(comment))
        .peekable();
    let mut columns: Option<Vec<Option<Column>>> = None;
    if let Some(Ok(first)) = rows.peek()
        && !first.cells.iter().any(|cell| uri::is_uri(cell))
        && !is_of_the_janitor(first)
    {
        let named: Vec<_> = first.cells.iter().map(|cell| Column::named(cell)).collect();
        if named.iter().all(Option::is_none) {
            let line = first.line;
            let flaw = Flaw::Columns;
            return Err(Unreadable { line, flaw });
        }
        columns = Some(named);
        rows.next();
    }
    let mut entries = Vec::new();
    for row in rows {
        let Row { line, cells } = row.map_err(unreadable)?;
        let row = Row { line, cells };
        let mut fields = Fields::default();
        match &columns {
            Some(columns) => {
                for (at, cell) in row.cells.into_iter().enumerate() {
                    fields.take(columns.get(at).copied().flatten(), cell);
                }
            }
            None if is_of_the_janitor(&row) => {
                for (column, cell) in JANITOR.into_iter().zip(row.cells) {
                    fields.take(Some(column), cell);
                }
            }
            None => {
                // Without a heading: the user comes first, and a URI somewhere after it.
                for (at, cell) in row.cells.into_iter().enumerate() {
                    fields.take((at == 0).then_some(Column::Owner), cell);
                }
            }
        }
        entries.push(fields.entry(line));
    }
    Ok(entries)
}

/// The columns that `privacyidea-token-janitor` and `pi-tokenjanitor` export as CSV, without a heading.
const JANITOR: [Column; 6] = [
    Column::Owner,
    Column::Label,
    Column::Secret,
    Column::Type,
    Column::Digits,
    Column::Step,
];

fn is_of_the_janitor(row: &Row) -> bool {
    let is_kind = |cell: &Zeroizing<String>| {
        cell.eq_ignore_ascii_case("totp") || cell.eq_ignore_ascii_case("hotp")
    };
    matches!(row.cells.len(), 5 | 6) && is_kind(&row.cells[3])
}

/// Finds the separator: spreadsheets in many languages write semicolons.
fn separator(text: &str) -> char {
    let first = lines(text).next().map_or("", |(_, line)| line);
    let count = |c| first.matches(c).count();
    if first.contains('\t') && count(',') == 0 {
        '\t'
    } else if count(';') > count(',') {
        ';'
    } else {
        ','
    }
}

fn of_json(text: &str) -> Result<Vec<Entry>, Unreadable> {
    let unreadable = |line| Unreadable {
        line,
        flaw: Flaw::Json,
    };
    let mut entries = Vec::new();
    for (line, value) in json::values(text).map_err(unreadable)? {
        look_into(value, line, &mut entries);
    }
    Ok(entries)
}

/// Takes the keys in a value: a URI, an object with a key, or the keys in nested values.
fn look_into(value: Value, line: usize, entries: &mut Vec<Entry>) {
    match value {
        Value::Text(text) if uri::is_uri(&text) => {
            let mut fields = Fields::default();
            fields.take(None, text);
            entries.push(fields.entry(line));
        }
        Value::List(values) => {
            for value in values {
                look_into(value, line, entries);
            }
        }
        Value::Object(object) => {
            let mut fields = Fields::default();
            let mut inner = Vec::new();
            for (name, value) in object {
                match value {
                    Value::Text(text) => fields.take(Column::named(&name), text),
                    // LDAP has lists with one element: {"ipatokenowner": ["alice"]}.
                    Value::List(mut list)
                        if list.len() == 1 && matches!(list[0], Value::Text(_)) =>
                    {
                        if let Some(Value::Text(text)) = list.pop() {
                            fields.take(Column::named(&name), text);
                        }
                    }
                    value => inner.push(value),
                }
            }
            if fields.have_a_key() {
                entries.push(fields.entry(line));
            } else {
                for value in inner {
                    look_into(value, line, entries);
                }
            }
        }
        Value::Text(_) | Value::Nothing => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Past;
    use otp_core::Step;
    use otp_core::messages::import::{Field, Obstacle, Remark};
    use otp_core::record::{Algorithm, Kind, Period};

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    const HEX: &str = "3132333435363738393031323334353637383930";

    fn read(text: &str) -> Vec<Entry> {
        uris(text.as_bytes()).unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"))
    }

    fn owners(text: &str) -> Vec<(usize, Option<String>)> {
        let named = |entry: Entry| {
            assert!(
                entry
                    .device
                    .is_ok_and(|device| device.secret.reveal_bytes() == b"12345678901234567890")
            );
            (entry.line, entry.owner.map(|owner| owner.written))
        };
        read(text).into_iter().map(named).collect()
    }

    fn some(names: &[(usize, &str)]) -> Vec<(usize, Option<String>)> {
        names
            .iter()
            .map(|(line, name)| (*line, Some((*name).to_owned())))
            .collect()
    }

    fn fault(text: &str) -> Option<(usize, Flaw)> {
        uris(text.as_bytes())
            .err()
            .map(|fault| (fault.line, fault.flaw))
    }

    #[test]
    fn plain_lines_are_read() {
        let text = format!(
            "otpauth://totp/alice?secret={KEY}\r\n\n# x\n  otpauth://totp/web1:bobby?secret={KEY}\n"
        );
        assert_eq!(owners(&text), some(&[(1, "alice"), (4, "bobby")]));
        assert_eq!(
            owners(&format!("\u{feff}otpauth://totp/alice?secret={KEY}")),
            some(&[(1, "alice")])
        );
    }

    #[test]
    fn tables_with_a_heading_are_read() {
        let text = format!(
            "User,Token,URI\nalice,phone,otpauth://totp/x?secret={KEY}\n\"bobby\",,\"otpauth://totp/y?secret={KEY}\"\n"
        );
        assert_eq!(owners(&text), some(&[(2, "alice"), (3, "bobby")]));
        let text = format!("login;otpauth\nalice;otpauth://totp/x?secret={KEY}\n");
        assert_eq!(owners(&text), some(&[(2, "alice")]));
        // Hardware tokens in the form that Microsoft Entra reads.
        let text = format!(
            "upn,serial number,secret key,time interval,manufacturer,model\nalice@corp.example,1234567,{KEY},60,Contoso,HardwareKey\n"
        );
        let one = read(&text).remove(0);
        assert_eq!(one.owner.unwrap().written, "alice@corp.example");
        assert_eq!(one.label.as_deref(), Some("1234567"));
        let device = one.device.ok().unwrap();
        assert_eq!(device.kind, Kind::Totp(Period::SIXTY));
        assert_eq!(
            (device.past, device.remarks),
            (Past::Unknown, vec![Remark::AssumedSha1])
        );
    }

    #[test]
    fn tables_without_a_heading_are_read() {
        let text =
            format!("alice,otpauth://totp/x?secret={KEY}\nbobby,otpauth://totp/y?secret={KEY}\n");
        assert_eq!(owners(&text), some(&[(1, "alice"), (2, "bobby")]));
    }

    #[test]
    fn an_export_of_privacyidea_is_read() {
        let text = format!(
            "alice@corp, TOTP0001, {HEX}, totp, 6, 30\nn/a, TOTP0002, {KEY}, totp, 8, 60\n"
        );
        let mut entries = read(&text);
        let nobody = entries.remove(1);
        assert_eq!(nobody.owner, None);
        let device = nobody.device.ok().unwrap();
        assert_eq!(
            (device.kind, device.digits.count()),
            (Kind::Totp(Period::SIXTY), 8)
        );
        let alice = entries.remove(0);
        assert_eq!(
            (
                alice.label.as_deref(),
                alice.owner.unwrap().written.as_str()
            ),
            (Some("TOTP0001"), "alice@corp")
        );
        // Some releases write no length of the step, and none writes the counter.
        for (line, field) in [("totp, 6, None", Field::Step), ("hotp, 6", Field::Counter)] {
            let one = read(&format!("alice@corp, OATH1, {HEX}, {line}\n")).remove(0);
            assert_eq!(
                one.device.err(),
                Some(Obstacle::Unreadable(Flaw::Number(field))),
                "{line}"
            );
        }
    }

    #[test]
    fn json_is_read_in_the_forms_of_different_servers() {
        let uri = format!("otpauth://totp/x?secret={KEY}");
        assert_eq!(
            owners(&format!("[\"{uri}\", \"{uri}\"]")),
            some(&[(1, "x"), (1, "x")])
        );
        assert_eq!(
            owners(&format!("[\n{{\"user\": \"alice\", \"uri\": \"{uri}\"}}]")),
            some(&[(2, "alice")])
        );
        assert_eq!(
            owners(&format!(
                "{{\"user\":\"alice\",\"uri\":\"{uri}\"}}\n{{\"user\":\"bobby\",\"uri\":\"{uri}\"}}"
            )),
            some(&[(1, "alice"), (2, "bobby")])
        );
        let escaped = uri.replace('/', "\\/");
        let ipa = format!(
            "{{\"result\": {{\"result\": {{\"ipatokenowner\": [\"alice\"], \"ipatokenuniqueid\": [\"u1\"], \"uri\": \"{escaped}\"}}}}, \"error\": null}}"
        );
        assert_eq!(owners(&ipa), some(&[(1, "alice")]));
        let keys = format!(
            "{{\"tokens\": [{{\"username\": \"alice\", \"secret\": \"{KEY}\", \"type\": \"hotp\", \"counter\": 7, \"digits\": 8, \"algorithm\": \"SHA512\"}}]}}"
        );
        let device = read(&keys).remove(0).device.ok().unwrap();
        assert_eq!(
            (device.kind, device.past, device.algorithm),
            (Kind::Hotp, Past::UpTo(Step(6)), Algorithm::Sha512)
        );
        assert_eq!(device.digits.count(), 8);
    }

    #[test]
    fn the_name_of_a_freeipa_key_is_not_taken_for_a_user() {
        let text = format!(
            "otpauth://totp/alice@EXAMPLE.COM:b2a1c0de-1111?issuer=alice%40EXAMPLE.COM&secret={KEY}"
        );
        assert_eq!(owners(&text), some(&[(1, "alice@EXAMPLE.COM")]));
    }

    #[test]
    fn one_bad_line_does_not_hide_the_others() {
        let text = format!("otpauth://totp/alice?secret={KEY}\notpauth://totp/bobby?secret=1\n");
        let entries = read(&text);
        assert!(entries[0].device.is_ok());
        assert_eq!(
            entries[1].device.as_ref().err(),
            Some(&Obstacle::Unreadable(Flaw::Key))
        );
        let text = format!("user,uri\nalice,\nbobby,otpauth://totp/x?secret={KEY}\n");
        assert_eq!(
            read(&text)[0].device.as_ref().err(),
            Some(&Obstacle::Unreadable(Flaw::NoKey))
        );
    }

    #[test]
    fn a_file_of_no_known_form_is_reported_with_its_line() {
        assert_eq!(fault(""), Some((1, Flaw::Empty)));
        assert_eq!(fault("[]"), Some((1, Flaw::Empty)));
        assert_eq!(fault("[{\"a\": 1}]"), Some((1, Flaw::Empty)));
        assert_eq!(fault("user,uri\n"), Some((1, Flaw::Empty)));
        assert_eq!(fault("[\n{]"), Some((2, Flaw::Json)));
        assert_eq!(fault("\nsome,thing\n"), Some((2, Flaw::Columns)));
        assert_eq!(fault("user,uri\n\"alice,x\n"), Some((2, Flaw::Quotes)));
        assert_eq!(fault("user\0,uri"), Some((1, Flaw::NotText)));
        assert_eq!(
            uris(b"\xff").err().map(|fault| fault.flaw),
            Some(Flaw::NotText)
        );
    }
}
