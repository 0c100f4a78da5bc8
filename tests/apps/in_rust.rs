//! The codes that totp-rs computes: cases on standard input, answers on standard output, as tests/apps/run describes them.

use serde_json::{Value, json};
use totp_rs::Totp;

fn main() {
    let question: Value = serde_json::from_reader(std::io::stdin()).unwrap();
    let time = question["time"].as_u64().unwrap();
    let cases = question["cases"].as_array().unwrap();
    let answers = cases.iter().map(|case| match Totp::from_url(case["uri"].as_str().unwrap()) {
        Ok(totp) => json!({ "code": totp.generate(time).to_string(), "account": totp.account_name() }),
        Err(error) => json!({ "refused": error.to_string() }),
    });
    println!("{}", Value::Array(answers.collect()));
}
