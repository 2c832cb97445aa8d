//! The command line: which strings to read, and in which form to show them.

use std::io::{self, BufRead, BufReader, Read, Write};

use bolt12::{Offer, Preimage, UnixTime};

use super::input::{Input, Message};
use super::{input, json, link, people, refusal};

const USAGE: &str = "\
Shows what a BOLT 12 string is: an offer (lno1…), an invoice request or refund (lnr1…), an invoice
(lni1…), or a payer proof (lnp1…).

  decode STRING…          for people
  decode --json STRING…   as JSON
  decode --json --lines   as JSON: one string per line of standard input, one object per line of
                          output, in order

  --preimage HEX          says whether that is the preimage of the invoice

A string may be upper case, split with `+`, or part of a `lightning:` or `bitcoin:` link. It may also be
what `dig` prints of a name's TXT records, or the bytes of a message in hexadecimal: hex:offer:…,
hex:invoice_request:…, hex:invoice:…, hex:payer_proof:…, hex:invoice_error:…, hex:static_invoice:… The
last two have no text form, so that is how they are shown. Without a STRING, one is read from standard
input.

Exit code: 0; 1 if a string was refused, or the preimage is another (with --lines the objects tell);
2 for a mistake in the command.

An offer has three ids: offer_id is the SHA-256 of its fields, as Core Lightning and others print it;
offer_merkle_root is what the library calls OfferId (SIG-6); LDK's is a tagged hash of the fields.
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
    let (mut options, mut strings, mut preimage) = (Vec::new(), Vec::new(), None);
    let mut before = before.into_iter();
    while let Some(word) = before.next() {
        match word {
            "--preimage" => preimage = Some(before.next().unwrap_or_default()),
            option if option.starts_with('-') && option != "-" => options.push(option),
            string => strings.push(string),
        }
    }
    strings.extend(words);
    let preimage = match preimage.map(read_preimage) {
        Some(None) => {
            writeln!(complaints, "--preimage takes 64 hexadecimal digits.")?;
            return Ok(MISUSED);
        }
        preimage => preimage.flatten(),
    };
    let has = |option| options.contains(&option);
    let code = if has("--help") || has("-h") {
        out.write_all(USAGE.as_bytes())?;
        OK
    } else if let Some(option) = options.iter().find(|option| !matches!(**option, "--json" | "--lines")) {
        writeln!(complaints, "There is no option {option:?}; --help tells which there are.")?;
        MISUSED
    } else if has("--lines") {
        if !has("--json") || !strings.is_empty() || preimage.is_some() {
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
        show(&[&String::from_utf8_lossy(&bytes)], has("--json"), preimage, now, out)?
    } else {
        show(&strings, has("--json"), preimage, now, out)?
    };
    out.flush()?;
    Ok(code)
}

fn read_preimage(digits: &str) -> Option<Preimage> {
    let bytes = hex::decode(digits.trim()).ok()?;
    bytes.try_into().ok().map(Preimage)
}

/// Whether it is the preimage of a message's payment hash, if that has one.
fn is_preimage(read: &Input, preimage: &Preimage) -> Option<bool> {
    let hash = read.message.views()?.invoice?.payment_hash()?;
    Some(preimage.payment_hash() == hash)
}

fn show(
    strings: &[&str],
    as_json: bool,
    preimage: Option<Preimage>,
    now: UnixTime,
    out: &mut impl Write,
) -> io::Result<u8> {
    let mut code = OK;
    for (place, string) in strings.iter().enumerate() {
        let read = input::read(string);
        let is_preimage = preimage.as_ref().zip(read.as_ref().ok()).map(|(preimage, read)| is_preimage(read, preimage));
        if read.is_err() || matches!(is_preimage, Some(None | Some(false))) {
            code = REFUSED;
        }
        if as_json {
            let mut object = json::object(&read);
            if let Some(is_preimage) = is_preimage {
                object["preimage_valid"] = is_preimage.into();
            }
            writeln!(out, "{}", json::harmless(&format!("{object:#}")))?;
            continue;
        }
        if place > 0 {
            writeln!(out)?;
        }
        match read {
            Ok(read) => {
                if let Some(link) = &read.link {
                    writeln!(out, "{}", link::page(link, offer_of(&read.message)))?;
                }
                write!(out, "{}", people::page(&read.message, now))?;
            }
            Err(refused) => write!(out, "{}", refusal::page(&refused))?,
        }
        if let Some(is_preimage) = is_preimage {
            writeln!(
                out,
                "\n{}",
                match is_preimage {
                    Some(true) =>
                        "The preimage is that of its payment hash: whoever knows it has paid, or is the payee.",
                    Some(false) => "The preimage is NOT that of its payment hash: it proves nothing.",
                    None => "The preimage belongs to an invoice, and this is none.",
                }
            )?;
        }
    }
    Ok(code)
}

/// The offer that a message is.
fn offer_of(message: &Message) -> Option<&Offer> {
    match message {
        Message::Offer(offer) => Some(offer),
        _ => None,
    }
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
        writeln!(out, "{}", json::harmless(&json::object(&input::read(&text)).to_string()))?;
    }
}
