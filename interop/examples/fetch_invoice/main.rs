//! Fetches the invoice for an offer over one TCP connection, without a node.
//!
//! `cargo run --example fetch_invoice --features lightning -- lno1… --peer NODEID@HOST:PORT`, and `--help` for the
//! rest.

#[path = "../channel/mod.rs"]
mod channel;
#[path = "../../../examples/decode/contacts.rs"]
mod contacts;
#[allow(dead_code, reason = "what `decode` shows, as far as it is about invoices")]
#[path = "../../../examples/decode/dates.rs"]
mod dates;
pub(crate) mod failure;
#[allow(dead_code, reason = "what `decode` shows, as far as it is about invoices")]
#[path = "../../../examples/decode/input.rs"]
mod input;
#[path = "../../../examples/decode/json.rs"]
mod json;
#[path = "../../../examples/decode/link.rs"]
mod link;
pub(crate) mod options;
#[path = "../../../examples/decode/people.rs"]
mod people;
#[path = "../../../examples/decode/phrases.rs"]
mod phrases;
pub(crate) mod progress;
#[path = "../../../examples/decode/proof.rs"]
mod proof;
#[path = "../../../examples/decode/recurrence.rs"]
mod recurrence;
#[path = "../../../examples/decode/remains.rs"]
mod remains;
#[path = "../tcp/mod.rs"]
mod tcp;
pub(crate) mod wallet;

use std::io::{self, Write};
use std::process::ExitCode;

use bolt12::Invoice;

use failure::Failure;
use input::{Input, Message};
use options::{Options, Subject, USAGE};
use progress::Progress;
use tcp::{complain, say};

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        say(USAGE.trim_end());
        return ExitCode::SUCCESS;
    }
    let count = words.len();
    words.retain(|word| word != "--json");
    let as_json = words.len() < count;
    match fetch(&words) {
        Ok((invoice, is_claim, can_be_paid)) => {
            if !can_be_paid {
                complain("fetch_invoice: without --channel nobody finds a way to pay the invoice");
            }
            if is_claim {
                complain("fetch_invoice: the invoice is sent; whether it arrived is not known");
            }
            match io::stdout().write_all(shown(&invoice, is_claim, as_json).as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                // Whoever read the output has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => {
                    complain(format_args!("fetch_invoice: {error}"));
                    ExitCode::FAILURE
                }
            }
        }
        Err(failure) => {
            if as_json {
                say(serde_json::json!({ "error": { "code": failure.code(), "message": failure.text() } }));
            } else {
                complain(format_args!("fetch_invoice: {}", failure.text()));
            }
            ExitCode::from(if failure.code() == "misuse" { 2 } else { 1 })
        }
    }
}

/// The invoice, whether it is one of ours, for a refund, and whether it can be paid.
fn fetch(words: &[String]) -> Result<(Invoice, bool, bool), Failure> {
    let options = Options::read(words)?;
    if let (Some(link), Subject::Offer(offer)) = (&options.link, &options.subject) {
        complain(link::page(link, Some(offer)).trim_end());
    }
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|error| Failure::new("no_runtime", error.to_string()))?;
    let invoice = runtime.block_on(wallet::run(&options, &mut Progress::on_stderr()))?;
    let is_claim = matches!(options.subject, Subject::Refund(_));
    Ok((invoice, is_claim, !is_claim || options.channel.is_some()))
}

/// The invoice as `decode` shows it. Nobody confirms that one for a refund arrived, which JSON says as well.
pub(crate) fn shown(invoice: &Invoice, is_claim: bool, as_json: bool) -> String {
    let message = Message::Invoice(Box::new(invoice.clone()));
    if as_json {
        let mut object = json::object(&Ok(Input { message, link: None }));
        if is_claim {
            object["arrival"] = "unknown".into();
        }
        json::harmless(&format!("{object:#}\n"))
    } else {
        format!("{invoice}\n\n{}", people::page(&message, tcp::now()))
    }
}
