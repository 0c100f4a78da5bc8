//! Writes every page in every language into a directory, to be looked at in a browser:
//! `cargo run -p otp-portal --example pages DIRECTORY`.

#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/pages/samples.rs"]
mod samples;

use otp_core::record::Language;
use otp_portal::pages::{Frame, assets};
use samples::{NOW, World, each};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let directory = env::args_os().nth(1).map(PathBuf::from);
    let directory = directory.ok_or_else(|| io::Error::other("name a directory"))?;
    fs::create_dir_all(directory.join("assets"))?;
    for asset in assets::ALL {
        let path = asset.path.trim_start_matches('/');
        fs::write(directory.join(path), asset.bytes)?;
    }
    for language in Language::ALL {
        write_all(&directory, language)?;
    }
    Ok(())
}

/// Writes the pages of a language. The assets are in the same directory.
fn write_all(directory: &Path, language: Language) -> io::Result<()> {
    let zone = otp_site::zone::of_this_machine();
    let world = World::usual(language);
    let mut written = Ok(());
    each(&world, language, &mut |name, is_in, _, page| {
        let here = format!("/{name}");
        let frame = Frame {
            language,
            site: "login.example.org",
            user: is_in.then_some(world.user.as_str()),
            csrf: "0123456789abcdef",
            here: Some(&here),
            zone: &zone,
            now: NOW,
        };
        let html = page.render(&frame);
        // A file is opened without a server, so the paths of assets must be relative.
        let html = html.replace("\"/assets/", "\"assets/");
        let path = directory.join(format!("{name}.{}.html", language.tag()));
        if written.is_ok() {
            written = fs::write(path, html);
        }
    });
    written
}
