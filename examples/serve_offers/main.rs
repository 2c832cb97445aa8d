//! An issuer without a node, for tests and demonstrations: listens, prints an offer, answers requests with invoices,
//! and says what it refuses.
//!
//! `cargo run --example serve_offers --features lightning`, and `--help` for the rest.

pub(crate) mod options;
pub(crate) mod shop;
#[path = "../tcp/mod.rs"]
mod tcp;

use std::process::ExitCode;

use options::{Options, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match Options::read(&words) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("serve_offers: {error}");
            return ExitCode::from(2);
        }
    };
    let open = match shop::open(&options, Box::new(|line| println!("{line}"))).await {
        Ok(open) => open,
        Err(error) => {
            eprintln!("serve_offers: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("peer    {}", open.peer());
    println!("offer   {}", open.offer);
    if let Some(refund) = &open.refund {
        println!("refund  {refund}");
    }
    let _ = tokio::signal::ctrl_c().await;
    open.close();
    println!("closed");
    ExitCode::SUCCESS
}
