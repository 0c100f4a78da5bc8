//! `otp-portal`: the web server.

fn main() -> std::process::ExitCode {
    otp_portal::program::main()
}
