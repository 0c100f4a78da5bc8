//! Answers to browsers.

use super::Answer;
use crate::pages::{assets::Asset, policy::content_security_policy};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use zeroize::Zeroizing;

/// Makes an answer with a page.
pub(super) fn page(status: StatusCode, html: &str) -> Answer {
    of(status, "text/html; charset=utf-8", html.to_owned())
}

/// Makes an answer with a line of text, for requests that no person makes.
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

/// Makes an answer that browsers save as a file. A secret.
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

/// Redirects a browser, which then uses GET.
pub(super) fn see_other(location: &str) -> Answer {
    redirect(StatusCode::SEE_OTHER, location)
}

/// Redirects a browser.
pub(super) fn redirect(status: StatusCode, location: &str) -> Answer {
    let Ok(location) = HeaderValue::from_str(location) else {
        return text(StatusCode::BAD_REQUEST, "an address that is none");
    };
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::LOCATION, location);
    answer
}

/// Refuses an unknown method.
pub(super) fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "not allowed");
    answer
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    answer
}

/// Marks an answer as the last of its connection.
pub(super) fn closing(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Sets a cookie for this host alone. It lasts `lasts` seconds, or until the browser is closed.
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

/// Deletes a cookie.
pub(super) fn without_cookie(answer: Answer, name: &str) -> Answer {
    with_cookie(answer, name, "", Some(0))
}

/// Returns the policy for a page whose forms may also lead to these sites.
pub(super) fn policy<'a>(origins: impl IntoIterator<Item = &'a str>) -> HeaderValue {
    HeaderValue::from_str(&content_security_policy(origins)).expect("hosts are plain")
}

/// Allows the forms of a page to lead to a site.
pub(super) fn leading_to(mut answer: Answer, origin: Option<&str>) -> Answer {
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, policy(origin));
    answer
}

/// Makes an answer with a file of the pages.
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
