//! The address of the portal, which another package of ours may have set up on this machine.

use crate::{Error, policy};
use otp_file::{Source, Unparsed, text};
use std::path::Path;

/// The configuration of the portal.
pub const DEFAULT_FILE: &str = "/etc/security/pam_otp-portal.conf";

/// Returns the address at which browsers reach the portal; `None`: there is no portal, or it is not set up yet.
///
/// Only the address is read. `otp-portal --check` examines the rest.
///
/// # Errors
/// The file cannot be trusted or read, or its `url` is no address of a host.
pub fn address(path: &Path) -> Result<Option<String>, Error> {
    let shown = path.display().to_string();
    let Some(bytes) = policy::bytes(path, &shown)? else {
        return Ok(None);
    };
    let read =
        || -> Result<Option<String>, Unparsed> { Source::new(&bytes)?.root()?.take("url", url) };
    read().map_err(|why| Error::unparsed(&shown, why))
}

fn url(value: &toml::de::DeValue<'_>) -> Result<String, &'static str> {
    let url = text(value)?;
    let host = url.strip_prefix("https://").unwrap_or_default();
    let host = host.strip_suffix('/').unwrap_or(host);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return Err("must be https:// and a host, without a path");
    }
    Ok(format!("https://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(content: &str) -> Result<Option<String>, Error> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portal.conf");
        fs::write(&path, content).unwrap();
        address(&path)
    }

    #[test]
    fn only_a_portal_with_an_address_has_one() {
        let found = |content| read(content).unwrap();
        let url = Some("https://login.example.org:8443".to_owned());
        assert_eq!(
            found("url = \"https://login.example.org:8443/\"\n[tls]\nport = 1\n"),
            url
        );
        assert_eq!(found("#url = \"https://login.example.org\"\n"), None);
        assert_eq!(
            address(Path::new("/nonexistent/portal.conf")).unwrap(),
            None
        );
    }

    #[test]
    fn what_is_no_address_is_refused_by_its_line() {
        for url in [
            "\"http://login.example.org\"",
            "\"https://\"",
            "\"https://login.example.org/page\"",
            "\"https://a\\\"><b\"",
            "7",
        ] {
            let error = read(&format!("\nurl = {url}\n")).unwrap_err();
            assert!(error.to_string().contains(", line 2: must be"), "{error}");
        }
        assert!(read("url =").is_err());
    }
}
