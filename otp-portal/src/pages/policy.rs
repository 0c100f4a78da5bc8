//! What browsers are told about pages.

/// The `Content-Security-Policy` of every page: nothing inline, nothing from elsewhere, in no frame.
///
/// `origins` are those that a form may lead to besides the portal, each as `https://wiki.example.org`: a browser checks where
/// the answer to a form redirects to as well, so the pages of a login name the site that the login leads to.
#[must_use]
pub fn content_security_policy<'a>(origins: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
                    frame-ancestors 'none'; form-action 'self'"
        .to_owned();
    for origin in origins {
        text.push(' ');
        text.push_str(origin);
    }
    text
}
