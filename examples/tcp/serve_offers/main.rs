//! An issuer without a node, for tests and demonstrations: listens, prints an offer, answers requests with invoices,
//! and says what it refuses.
//!
//! `cargo run --example serve_offers`, and `--help` for the rest.

#[path = "../channel/mod.rs"]
mod channel;
mod door;
#[path = "../net/mod.rs"]
mod net;
pub(crate) mod options;
pub(crate) mod shop;

use std::process::ExitCode;
use std::thread;

use net::{complain, say};
use options::{Options, USAGE};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        say(USAGE.trim_end());
        return ExitCode::SUCCESS;
    }
    let options = match Options::read(&words) {
        Ok(options) => options,
        Err(error) => {
            complain(format_args!("serve_offers: {error}"));
            return ExitCode::from(2);
        }
    };
    let open = match shop::open(&options, Box::new(|line| say(line))) {
        Ok(open) => open,
        Err(error) => {
            complain(format_args!("serve_offers: {error}"));
            return ExitCode::FAILURE;
        }
    };
    say(format_args!("peer    {}", open.peer()));
    say(format_args!("offer   {}", open.offer));
    if let Some(refund) = &open.refund {
        say(format_args!("refund  {refund}"));
    }
    if let Some(refund) = &open.signed_refund {
        say(format_args!("the same, for a payee with Core Lightning or LND:\nrefund  {refund}"));
    }
    // Until somebody ends it.
    loop {
        thread::park();
    }
}
