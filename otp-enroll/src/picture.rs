//! The QR code as a picture file.

use otp_core::messages::reason::Unfit;
use otp_core::qr::Matrix;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The path of a picture, and its format by the extension.
#[derive(Clone, Debug)]
pub struct PicturePath {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

impl PicturePath {
    /// Reads a path that ends in `.svg` or `.png`, in upper or lower case.
    ///
    /// # Errors
    /// The path has another extension, or none.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let path = PathBuf::from(text);
        let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let format = match extension.as_deref().and_then(std::ffi::OsStr::to_str) {
            Some("svg") => Format::Svg,
            Some("png") => Format::Png,
            _ => return Err(Unfit::NoPicture),
        };
        Ok(Self { path, format })
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the bytes of the picture, which are a secret.
    pub(crate) fn reveal(&self, matrix: &Matrix) -> Zeroizing<Vec<u8>> {
        match self.format {
            Format::Svg => svg(matrix),
            Format::Png => png(matrix),
        }
    }
}

/// Draws one black path on white, one unit for each module.
fn svg(matrix: &Matrix) -> Zeroizing<Vec<u8>> {
    let side = matrix.side();
    // A module needs at most "M123 123h1v1h-1z". The capacity is set first, so that growing leaves no copy behind.
    let mut text = Zeroizing::new(String::with_capacity(512 + 20 * side * side));
    let mut write =
        |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("a String takes every write");
    write(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"{0}\" height=\"{0}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path d=\"",
        side * PIXELS
    ));
    for y in 0..side {
        for x in (0..side).filter(|&x| matrix.is_dark(x, y)) {
            write(format_args!("M{x} {y}h1v1h-1z"));
        }
    }
    write(format_args!("\"/></svg>\n"));
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

/// The pixels on the side of a module.
const PIXELS: usize = 8;

/// Draws in grey, with one byte for each pixel.
fn png(matrix: &Matrix) -> Zeroizing<Vec<u8>> {
    let side = matrix.side() * PIXELS;
    let mut pixels = Zeroizing::new(Vec::with_capacity(side * side));
    for y in 0..side {
        pixels.extend((0..side).map(|x| {
            if matrix.is_dark(x / PIXELS, y / PIXELS) {
                0
            } else {
                255
            }
        }));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(side * side));
    let width = u32::try_from(side).expect("a QR code has at most 177 modules on a side");
    let mut encoder = png::Encoder::new(&mut *bytes, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&pixels))
        .expect("a Vec takes every write, and the data has the length in the header");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const URI: &str =
        "otpauth://totp/web1:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=web1";

    #[test]
    fn the_png_scans() {
        let matrix = Matrix::of(URI).unwrap();
        let bytes = PicturePath::parse("code.PNG").unwrap().reveal(&matrix);
        let mut reader = png::Decoder::new(Cursor::new(bytes.as_slice()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let (width, height) = (info.width as usize, info.height as usize);
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            pixels[y * width + x]
        });
        assert_eq!(picture.detect_grids()[0].decode().unwrap().1, URI);
    }

    #[test]
    fn the_svg_has_a_path_for_each_dark_module_and_no_more() {
        let matrix = Matrix::of(URI).unwrap();
        let bytes = PicturePath::parse("/tmp/code.svg").unwrap().reveal(&matrix);
        let text = std::str::from_utf8(&bytes).unwrap();
        let side = matrix.side();
        let dark = (0..side * side)
            .filter(|at| matrix.is_dark(at % side, at / side))
            .count();
        assert_eq!(text.matches("h1v1h-1z").count(), dark);
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    }

    #[test]
    fn other_extensions_are_refused() {
        for path in ["code", "code.gif", "svg", ".png", "code.svg/"] {
            let read = PicturePath::parse(path);
            assert!(read.is_err() || path == "code.svg/", "{path}");
        }
    }
}
