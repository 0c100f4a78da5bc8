//! The language that a browser prefers.

use otp_core::record::Language;

/// Returns the available language that `Accept-Language` (RFC 9110 section 12.5.4) prefers, or English if it names
/// none.
#[must_use]
pub fn preferred(accept_language: Option<&str>) -> Language {
    // Compare qualities in thousandths. Of equals, the first wins.
    let mut best = (0, Language::English);
    for range in accept_language.unwrap_or_default().split(',') {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let primary = tag.split('-').next().unwrap_or_default();
        let Some(language) = Language::from_tag(&primary.to_ascii_lowercase()) else {
            continue;
        };
        let quality = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1000, thousandths);
        if quality > best.0 {
            best = (quality, language);
        }
    }
    best.1
}

/// Parses a quality into thousandths; 0 if it is not valid.
fn thousandths(text: &str) -> u32 {
    match text.trim().parse::<f32>() {
        Ok(quality) if (0.0..=1.0).contains(&quality) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 1000"
            )]
            let thousandths = (quality * 1000.0).round() as u32;
            thousandths
        }
        _ => 0,
    }
}
