//! Fetches the invoice for an offer over one TCP connection, without a node.
//!
//! `cargo run --example fetch_invoice --features lightning -- lno1… --peer NODEID@HOST:PORT`, and `--help` for the
//! rest.

#[allow(dead_code, reason = "what `decode` shows, as far as it is about invoices")]
#[path = "../decode/dates.rs"]
mod dates;
#[allow(dead_code, reason = "what `decode` shows, as far as it is about invoices")]
#[path = "../decode/input.rs"]
mod input;
#[path = "../decode/json.rs"]
mod json;
pub(crate) mod options;
#[path = "../decode/people.rs"]
mod people;
pub(crate) mod progress;
#[path = "../decode/proof.rs"]
mod proof;
#[cfg(feature = "recurrence")]
#[path = "../decode/recurrence.rs"]
mod recurrence;
#[path = "../tcp/mod.rs"]
mod tcp;
pub(crate) mod wallet;

use std::process::ExitCode;

use bolt12::{Error, Invoice};

use input::Message;
use options::{Options, USAGE};
use progress::Progress;

/// Why there is no invoice: a stable code, and a sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    code: &'static str,
    text: String,
}

impl Failure {
    /// For programs.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// For people.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }

    fn misuse(text: impl Into<String>) -> Self {
        Self::new("misuse", text)
    }

    fn of(error: &Error) -> Self {
        Self::new(error.kind().code(), error.to_string())
    }
}

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let count = words.len();
    words.retain(|word| word != "--json");
    let as_json = words.len() < count;
    match fetch(&words) {
        Ok(invoice) => {
            print!("{}", shown(&invoice, as_json));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            if as_json {
                println!("{}", serde_json::json!({ "error": { "code": failure.code(), "message": failure.text() } }));
            } else {
                eprintln!("fetch_invoice: {}", failure.text());
            }
            ExitCode::from(if failure.code() == "misuse" { 2 } else { 1 })
        }
    }
}

fn fetch(words: &[String]) -> Result<Invoice, Failure> {
    let options = Options::read(words)?;
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::new("no_runtime", error.to_string()))?;
    runtime.block_on(wallet::run(&options, &mut Progress::on_stderr()))
}

/// The invoice as `decode` shows it.
pub(crate) fn shown(invoice: &Invoice, as_json: bool) -> String {
    let message = Message::Invoice(Box::new(invoice.clone()));
    if as_json {
        format!("{:#}\n", json::object(&Ok(message)))
    } else {
        format!("{invoice}\n\n{}", people::page(&message, tcp::now()))
    }
}
