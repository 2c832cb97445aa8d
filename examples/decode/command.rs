//! The command line: which strings to read, and in which form to show them.

use std::io::{self, BufRead, BufReader, Read, Write};

use bolt12::UnixTime;

use super::{input, json, people, refusal};

const USAGE: &str = "\
Shows what a BOLT 12 string is: an offer (lno1…), an invoice request or refund (lnr1…), an invoice
(lni1…), or a payer proof (lnp1…).

  decode STRING…          for people
  decode --json STRING…   as JSON
  decode --json --lines   as JSON: one string per line of standard input, one object per line of
                          output, in order

A string may be upper case, split with `+`, or part of a `lightning:` or `bitcoin:` link. It may also be
the bytes of a message in hexadecimal: hex:offer:…, hex:invoice_request:…, hex:invoice:…,
hex:payer_proof:…, hex:invoice_error:… Without a STRING, one is read from standard input.

Exit code: 0; 1 if a string was refused (with --lines the objects tell); 2 for a mistake in the
command.
";

/// All strings are valid.
pub(crate) const OK: u8 = 0;
/// A string was refused.
pub(crate) const REFUSED: u8 = 1;
/// The command makes no sense.
pub(crate) const MISUSED: u8 = 2;

/// Does what the arguments say, and returns the exit code. Only answers go to `out`.
pub(crate) fn run(
    arguments: &[String],
    now: UnixTime,
    stdin: impl Read,
    stdin_is_terminal: bool,
    out: &mut impl Write,
    complaints: &mut impl Write,
) -> io::Result<u8> {
    // Behind `--`, everything is a string.
    let mut words = arguments.iter().map(String::as_str);
    let before: Vec<&str> = words.by_ref().take_while(|word| *word != "--").collect();
    let (options, mut strings): (Vec<_>, Vec<_>) =
        before.into_iter().partition(|word| word.starts_with('-') && *word != "-");
    strings.extend(words);
    let has = |option| options.contains(&option);
    let code = if has("--help") || has("-h") {
        out.write_all(USAGE.as_bytes())?;
        OK
    } else if let Some(option) = options.iter().find(|option| !matches!(**option, "--json" | "--lines")) {
        writeln!(complaints, "There is no option {option:?}; --help tells which there are.")?;
        MISUSED
    } else if has("--lines") {
        if !has("--json") || !strings.is_empty() {
            writeln!(complaints, "--lines goes with --json, and reads its strings from standard input.")?;
            return Ok(MISUSED);
        }
        lines(BufReader::new(stdin), out)?;
        OK
    } else if strings.is_empty() && stdin_is_terminal {
        complaints.write_all(USAGE.as_bytes())?;
        MISUSED
    } else if strings.is_empty() {
        let mut bytes = Vec::new();
        BufReader::new(stdin).read_to_end(&mut bytes)?;
        show(&[&String::from_utf8_lossy(&bytes)], has("--json"), now, out)?
    } else {
        show(&strings, has("--json"), now, out)?
    };
    out.flush()?;
    Ok(code)
}

fn show(strings: &[&str], as_json: bool, now: UnixTime, out: &mut impl Write) -> io::Result<u8> {
    let mut code = OK;
    for (place, string) in strings.iter().enumerate() {
        let read = input::read(string);
        if read.is_err() {
            code = REFUSED;
        }
        if as_json {
            writeln!(out, "{:#}", json::object(&read))?;
            continue;
        }
        if place > 0 {
            writeln!(out)?;
        }
        match read {
            Ok(message) => write!(out, "{}", people::page(&message, now))?,
            Err(refused) => write!(out, "{}", refusal::page(&refused))?,
        }
    }
    Ok(code)
}

/// One object for each line, whatever bytes it holds.
///
/// What was written is flushed whenever the next line is not there yet, so that a program can ask and
/// wait for the answer, and a whole file is not slowed down.
fn lines(mut input: BufReader<impl Read>, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        if !input.buffer().contains(&b'\n') {
            out.flush()?;
        }
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        // What is not UTF-8 becomes U+FFFD, which is no character of any message.
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        writeln!(out, "{}", json::object(&input::read(&text)))?;
    }
}
