//! The policy that browsers enforce on pages.

/// Returns the `Content-Security-Policy` of a page: nothing inline, nothing from other sites, no framing.
///
/// `origins` are the other sites that a form may lead to, each as `https://wiki.example.org`. Browsers also check the
/// redirect after a form, so the pages of a login name the site that the login leads to.
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
