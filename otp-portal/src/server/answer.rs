//! Answers, as they go to a browser.

use super::Answer;
use crate::pages::{assets::Asset, policy::content_security_policy};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use zeroize::Zeroizing;

/// A page.
pub(super) fn page(status: StatusCode, html: &str) -> Answer {
    of(status, "text/html; charset=utf-8", html.to_owned())
}

/// A line of text, for what no person asks for.
pub(super) fn text(status: StatusCode, line: &str) -> Answer {
    of(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

fn of(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A text to be kept in a file. A secret.
pub(super) fn download(name: &'static str, text: &Zeroizing<String>) -> Answer {
    let mut answer = of(
        StatusCode::OK,
        "text/plain; charset=utf-8",
        text.as_str().to_owned(),
    );
    let value = format!("attachment; filename=\"{name}\"");
    if let Ok(value) = HeaderValue::from_str(&value) {
        answer
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}

/// Sends a browser on, by GET.
pub(super) fn see_other(location: &str) -> Answer {
    redirect(StatusCode::SEE_OTHER, location)
}

/// Sends a browser on.
pub(super) fn redirect(status: StatusCode, location: &str) -> Answer {
    let Ok(location) = HeaderValue::from_str(location) else {
        return text(StatusCode::BAD_REQUEST, "an address that is none");
    };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::LOCATION, location);
    answer
}

/// A method that there is not.
pub(super) fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "not allowed");
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

/// The last answer of its connection.
pub(super) fn closing(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// A cookie for this host alone. `lasts`: in seconds; else until the browser is closed.
pub(super) fn with_cookie(
    mut answer: Answer,
    name: &str,
    value: &str,
    lasts: Option<u32>,
) -> Answer {
    let mut cookie = Zeroizing::new(format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"
    ));
    if let Some(seconds) = lasts {
        cookie.push_str("; Max-Age=");
        cookie.push_str(&seconds.to_string());
    }
    let mut value = HeaderValue::from_str(&cookie).expect("names and values are plain");
    value.set_sensitive(true);
    answer.headers_mut().append(header::SET_COOKIE, value);
    answer
}

/// Takes a cookie away.
pub(super) fn without_cookie(answer: Answer, name: &str) -> Answer {
    with_cookie(answer, name, "", Some(0))
}

/// The policy for a page whose forms may lead to these sites as well.
pub(super) fn policy<'a>(origins: impl IntoIterator<Item = &'a str>) -> HeaderValue {
    HeaderValue::from_str(&content_security_policy(origins)).expect("hosts are plain")
}

/// Lets the forms of a page lead to a site.
pub(super) fn leading_to(mut answer: Answer, origin: Option<&str>) -> Answer {
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy(origin));
    answer
}

/// A file of the pages.
pub(super) fn asset(asset: &'static Asset, query: &str) -> Answer {
    let mut answer = of(StatusCode::OK, asset.content_type, asset.bytes);
    let kept = if super::is_current(asset, query) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    answer
}
