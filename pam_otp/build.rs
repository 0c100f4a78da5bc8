//! Links the unwinder statically, if the compiler has it as a static library: into the module, the helper and
//! `otp-notify`. Also keeps the module loaded.
//!
//! The unwinder of libgcc catches panics. As a shared library it would be loaded with the module in every login, which
//! takes longer than the login itself: on loading, it asks the processor for its features, and on a virtual processor
//! each such question goes to the hypervisor.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed=RUSTC_LINKER");
    stay_loaded();
    let of_target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    // The C compiler of this machine knows only the library for this machine.
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
    // The standard library asks the linker for libgcc_s. The linker finds this first: a file of that name that is a
    // script.
    let directory = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("unwinder");
    fs::create_dir_all(&directory)?;
    fs::write(
        directory.join("libgcc_s.so"),
        format!("INPUT({})\n", library.display()),
    )?;
    println!("cargo::rustc-link-search=native={}", directory.display());
    Ok(())
}

/// Keeps the module loaded until the process ends. If a program switches to another service on the same PAM handle,
/// libpam unloads the modules of the first one, and later calls the functions that they have registered.
fn stay_loaded() {
    if env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "pam_otp") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}

/// Returns the path of the static unwinder of the C compiler, which links the module.
fn static_unwinder() -> Option<PathBuf> {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(linker)
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    // A compiler without one prints the bare name.
    let path = Path::new(path.trim_end()).to_owned();
    (path.is_absolute() && path.is_file()).then_some(path)
}
