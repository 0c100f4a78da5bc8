#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| otp_fuzz::targets::run("zone", bytes));
