//! Links the unwinder in, where the compiler has it as a static library: of the module, of the helper and of
//! what hands events on. And has the module stay loaded.
//!
//! A panic is caught with the unwinder of libgcc. As a shared library it would be loaded with the module in every login,
//! which takes longer than the login: when it is loaded it asks the processor what it can do, and each
//! such question of a virtual one goes to the hypervisor.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    stay_loaded();
    let of_target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // The C compiler of this machine tells only where the library for this machine is.
    let is_for_here = env::var_os("TARGET") == env::var_os("HOST");
    if of_target("OS") != "linux" || of_target("ENV") != "gnu" || !is_for_here {
        return Ok(());
    }
    let Some(library) = static_unwinder() else {
        println!("cargo::warning=no libgcc_eh.a: libgcc_s.so.1 will be loaded in every login");
        return Ok(());
    };
    // Another release of the compiler has it elsewhere.
    println!("cargo::rerun-if-changed={}", library.display());
    // What asks the linker for libgcc_s is the standard library. It finds this first: a file of that name that is a script.
    let directory = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("unwinder");
    fs::create_dir_all(&directory)?;
    fs::write(
        directory.join("libgcc_s.so"),
        format!("INPUT({})\n", library.display()),
    )?;
    println!("cargo::rustc-link-search=native={}", directory.display());
    Ok(())
}

/// A program that goes on to another service on the same PAM handle has libpam unload the modules of the first one, and at
/// the end call what they have left to be called: so the module stays where it is.
fn stay_loaded() {
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "pam_otp") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}

/// Where the C compiler, which links the module, has its unwinder as a static library.
fn static_unwinder() -> Option<PathBuf> {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    // A compiler that has none gives the name back as it is.
    let path = Path::new(path.trim_end()).to_owned();
    (path.is_absolute() && path.is_file()).then_some(path)
}
