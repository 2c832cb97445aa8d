//! Fetches the invoice for an offer over TCP, without a node.
//!
//! `cargo run --example fetch_invoice -- lno1… --peer NODEID@HOST:PORT`, and `--help` for the rest.

mod asking;
pub(crate) mod beside;
#[path = "../channel/mod.rs"]
mod channel;
pub(crate) mod failure;
#[path = "../net/mod.rs"]
pub(crate) mod net;
pub(crate) mod options;
mod peering;
pub(crate) mod progress;
pub(crate) mod summary;
pub(crate) mod wallet;

use std::io::{self, Write};
use std::process::ExitCode;

use bolt12::Invoice;

use beside::beside;
use failure::Failure;
use net::{complain, say};
use options::{Options, Subject, USAGE};
use progress::Progress;
use summary::shown;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        say(USAGE.trim_end());
        return ExitCode::SUCCESS;
    }
    match fetch(&words) {
        Ok((invoice, is_claim, can_be_paid)) => {
            if !can_be_paid {
                complain("fetch_invoice: without --channel nobody finds a way to pay the invoice");
            }
            if is_claim {
                complain("fetch_invoice: the invoice is sent; whether it arrived is not known");
            }
            match io::stdout().write_all(shown(&invoice, is_claim, net::now()).as_bytes()) {
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
            complain(format_args!("fetch_invoice: {}", failure.text()));
            ExitCode::from(if failure.code() == "misuse" { 2 } else { 1 })
        }
    }
}

/// The invoice, whether it is one of ours, for a refund, and whether it can be paid.
fn fetch(words: &[String]) -> Result<(Invoice, bool, bool), Failure> {
    let options = Options::read(words)?;
    if let (Some(link), Subject::Offer(offer)) = (&options.link, &options.subject) {
        if let Some(beside) = beside(link, offer, options.amount) {
            complain(format_args!("fetch_invoice: {beside}; `decode` shows all of it"));
        }
    }
    let invoice = wallet::run(&options, &mut Progress::on_stderr())?;
    let is_claim = wallet::is_claim(&options);
    Ok((invoice, is_claim, !is_claim || options.channel.is_some()))
}
