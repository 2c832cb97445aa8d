//! Shows what a BOLT 12 string is: to people, or as JSON in the form of Core Lightning's `decode`.
//!
//! `cargo run --example decode -- lno1…`, and `--help` for the rest.

mod command;
#[cfg(feature = "contacts")]
mod contacts;
mod dates;
mod input;
mod json;
mod link;
mod people;
mod phrases;
mod proof;
#[cfg(feature = "recurrence")]
mod recurrence;
mod refusal;
mod remains;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::SystemTime;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let run =
        command::run(&arguments, SystemTime::now().into(), stdin.lock(), is_terminal, &mut out, &mut io::stderr());
    match run {
        Ok(code) => code.into(),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("decode: {error}");
            ExitCode::FAILURE
        }
    }
}
