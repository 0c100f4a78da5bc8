//! The QR code of a URI, drawn on the server.

use otp_core::qr::Matrix;
use std::fmt::Write;
use zeroize::Zeroizing;

/// Draws the QR code of a URI as an `svg` element; `None`: the URI is too long. A secret.
///
/// The code is dark on light with its quiet zone in every colour scheme, because scanners need both. Its colours are
/// attributes, which the policy about styles permits.
pub(super) fn reveal_svg(uri: &str, name: &str) -> Option<Zeroizing<String>> {
    let matrix = Matrix::of(uri).ok()?;
    let side = matrix.side();
    // A run takes at most "M123 123h123v1h-123z". Reserve it all: a buffer that grows would leave copies behind.
    let mut svg = Zeroizing::new(String::with_capacity(
        512 + 6 * name.len() + 11 * side * side,
    ));
    let mut write = |part: std::fmt::Arguments<'_>| {
        svg.write_fmt(part).expect("a String takes every write");
    };
    write(format_args!(
        "<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{name}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path fill=\"#000\" d=\""
    ));
    for (x, y, run) in matrix.dark_runs() {
        write(format_args!("M{x} {y}h{run}v1h-{run}z"));
    }
    write(format_args!("\"/></svg>"));
    Some(svg)
}
