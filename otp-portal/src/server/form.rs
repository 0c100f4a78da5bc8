//! Strict parsers for what a browser sends: cookies, queries and forms.

use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

/// The fields of a form or a query, each at most once. Some are passwords and codes: they are wiped on drop and have no
/// `Debug`.
#[derive(Default)]
pub struct Form(Vec<(Held, Held)>);

type Held = Zeroizing<Vec<u8>>;

/// The most fields of a form.
const MOST: usize = 32;

impl Form {
    /// Parses `a=b&c=d`; `None`: a field occurs twice, or there are too many.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        for pair in text
            .split(|&byte| byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let at = pair.iter().position(|&byte| byte == b'=');
            let (name, value) = match at {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let name = decoded(name);
            if form.0.len() == MOST || form.0.iter().any(|(known, _)| *known == name) {
                return None;
            }
            form.0.push((name, decoded(value)));
        }
        Some(form)
    }

    /// Returns the bytes of a field.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        let found = self
            .0
            .iter()
            .find(|(known, _)| known.as_slice() == name.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// Returns the text of a field; `None` also if it is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(name)?).ok()
    }
}

fn decoded(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let spaced: Zeroizing<Vec<u8>> = Zeroizing::new(
        text.iter()
            .map(|&byte| if byte == b'+' { b' ' } else { byte })
            .collect(),
    );
    let mut bytes = Zeroizing::new(Vec::with_capacity(spaced.len()));
    bytes.extend(percent_decode(&spaced));
    bytes
}

/// Returns the value of a cookie; `None`: the cookie is missing, or several have this name and anyone may have set
/// them.
///
/// Other cookies may hold any bytes, because a neighbouring site can set cookies for the whole domain.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut found = None;
    for header in headers.get_all(header::COOKIE) {
        for pair in header.as_bytes().split(|&byte| byte == b';') {
            let pair = pair.trim_ascii();
            let Some(at) = pair.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            if pair[..at] == *name.as_bytes() {
                if found.is_some() {
                    return None;
                }
                found = Some(&pair[at + 1..]);
            }
        }
    }
    std::str::from_utf8(found?).ok()
}

/// Returns a path of a site as the target of a redirect, or `/` if the text is not such a path. No browser reads the
/// result as another host.
#[must_use]
pub fn path_only(text: &str) -> &str {
    let is_path = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 2048
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_form_is_parsed() {
        let form = Form::parse(b"user=al%C3%A9+x&answer=%FF%00&empty=&alone&=x").unwrap();
        assert_eq!(form.text("user"), Some("alé x"));
        assert_eq!(form.bytes("answer"), Some(&b"\xff\0"[..]));
        assert_eq!(form.text("answer"), None);
        assert_eq!(form.text("empty"), Some(""));
        assert_eq!(form.text("alone"), Some(""));
        assert_eq!(form.text("missing"), None);
        assert!(Form::parse(b"").is_some());
        assert_eq!(Form::parse(b"a=%zz%4").unwrap().text("a"), Some("%zz%4"));
    }

    #[test]
    fn a_form_with_a_repeated_field_is_refused() {
        for text in ["csrf=a&csrf=b", "a&a=", "%61=1&a=2"] {
            assert!(Form::parse(text.as_bytes()).is_none(), "{text}");
        }
        let many: String = ["f", "g", "h"]
            .iter()
            .flat_map(|name| (0..11).map(move |it| [*name, &"x".repeat(it), "=1&"].concat()))
            .collect();
        assert!(Form::parse(many.as_bytes()).is_none());
    }

    #[test]
    fn a_repeated_cookie_is_ignored() {
        let mut headers = HeaderMap::new();
        let value = "a=1; __Host-x=2;b=; __Host-xy=3";
        headers.append(header::COOKIE, HeaderValue::from_static(value));
        assert_eq!(cookie(&headers, "__Host-x"), Some("2"));
        assert_eq!(cookie(&headers, "b"), Some(""));
        assert_eq!(cookie(&headers, "__host-x"), None);
        headers.append(
            header::COOKIE,
            HeaderValue::from_bytes(b"__Host-x=\xff").unwrap(),
        );
        assert_eq!(cookie(&headers, "__Host-x"), None);
        assert_eq!(cookie(&headers, "__Host-xy"), Some("3"));
    }

    /// Otherwise any site of the domain could log out all users.
    #[test]
    fn cookies_of_another_site_end_no_session() {
        let mut headers = HeaderMap::new();
        for value in [
            &b"name=\xec\x9d\xb4; __Host-x=1; other=\xff"[..],
            b"\xff; =; ;;",
        ] {
            headers.append(header::COOKIE, HeaderValue::from_bytes(value).unwrap());
        }
        assert_eq!(cookie(&headers, "__Host-x"), Some("1"));
        assert_eq!(cookie(&headers, "other"), None);
    }

    #[test]
    fn a_redirect_leads_only_to_a_path() {
        for path in [
            "/",
            "/a",
            "/a?b=c&d#e",
            "/a//b",
            "/@evil.example.org",
            "/:x",
            "/%0d%0aX:",
        ] {
            assert_eq!(path_only(path), path);
        }
        for text in [
            "",
            "a",
            "//evil.example.org",
            "/\\evil.example.org",
            "\\\\evil.example.org",
            "https://evil.example.org/",
            "javascript:alert(1)",
            "/\t/evil.example.org",
            "/\n/evil.example.org",
            "/a b",
            "/로그인",
            " /a",
            &format!("/{}", "a".repeat(2048)),
        ] {
            assert_eq!(path_only(text), "/", "{text}");
        }
    }
}
