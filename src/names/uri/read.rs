//! Text to a URI.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::cell::Cell;
use core::str::FromStr;

use super::{BitcoinUri, Instruction, ProofOfPayment};
use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::KnownFeatures;
use crate::names::percent;
use crate::offer::Offer;
use crate::text::{behind_scheme, characters_before, looks_like, trim};
use crate::units::Msat;

/// The most characters of an amount that are looked at: more than any amount has.
const MAX_AMOUNT_LEN: usize = 32;

/// The most characters of an unknown key that an error repeats.
const MAX_KEY_LEN: usize = 40;

/// Letters that on-chain addresses begin with, which are keys too.
const ADDRESS_KEYS: [&str; 3] = ["bc", "tb", "bcrt"];

impl FromStr for BitcoinUri {
    type Err = Error;

    /// As [`BitcoinUri::read_text`], with the default features known.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read_text(text, KnownFeatures::default_ref())
    }
}

impl BitcoinUri {
    /// Reads a URI, knowing more features of offers than the default ones. White space and quotation marks around it
    /// are ignored, and so is a fragment (`#…`).
    ///
    /// # Errors
    ///
    /// `NotBolt12` for a text that does not begin with `bitcoin:`. Otherwise a [`LinkFault`], with the column where
    /// there is one: a key that must be understood (URI-2), a repeated key (URI-4, URI-5), an amount (URI-5), an
    /// address or an encoding (URI-1) that cannot be read. An offer that cannot be read is not a fault of the URI.
    pub fn read_text(text: &str, known: &'static KnownFeatures) -> Result<Self, Error> {
        let Some(rest) = behind_scheme(trim(text), "bitcoin:") else {
            return Err(Error::new(ErrorKind::NotBolt12(looks_like(text)), Rule::Uri1).in_column(1));
        };
        let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
        let (path, query) = split(rest, '?');
        let mut reader = Reader { text, counted: Cell::new((text, 0)), known, uri: Self::EMPTY };
        reader.path(path)?;
        query.split('&').try_for_each(|parameter| reader.parameter(parameter))?;
        Ok(reader.uri)
    }
}

struct Reader<'a> {
    /// All that was pasted.
    text: &'a str,
    /// What was counted last: a part that begins there is so many characters behind the start.
    counted: Cell<(&'a str, usize)>,
    known: &'static KnownFeatures,
    uri: BitcoinUri,
}

impl<'a> Reader<'a> {
    /// The column at which a part of the text stands.
    fn column(&self, part: &'a str) -> usize {
        // Parts come in order, so that a text of many faults is counted once.
        let (last, before) = self.counted.get();
        let before = before.saturating_add(characters_before(last, part));
        let at = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.counted.set((self.text.get(at..).unwrap_or_default(), before));
        before.saturating_add(1)
    }

    fn fault(&self, part: &'a str, fault: LinkFault, rule: Rule) -> Error {
        Error::new(ErrorKind::Link(fault), rule).in_column(self.column(part))
    }

    /// A part without its percent-encoding.
    fn decoded(&self, part: &'a str) -> Result<String, Error> {
        match percent::decode(part) {
            Ok(text) => Ok(text.into_owned()),
            Err(at) => {
                let error = Error::new(ErrorKind::Link(LinkFault::InvalidEncoding), Rule::Uri1);
                Err(error.in_column(self.column(part).saturating_add(at)))
            }
        }
    }

    /// The same, for what does not spoil the rest: as it stands if it is damaged.
    fn kept(part: &str) -> String {
        percent::decode(part).map_or_else(|_| part.to_string(), Cow::into_owned)
    }

    fn path(&mut self, path: &'a str) -> Result<(), Error> {
        let address = self.decoded(path)?;
        if !address.is_empty() {
            let fault = if is_offer(&address) { LinkFault::OfferAsAddress } else { LinkFault::InvalidAddress };
            let address = address.parse().map_err(|_| self.fault(path, fault, Rule::Uri1))?;
            self.uri.address = Some(address);
        }
        Ok(())
    }

    fn parameter(&mut self, parameter: &'a str) -> Result<(), Error> {
        if parameter.is_empty() {
            return Ok(());
        }
        let (encoded_key, value) = split(parameter, '=');
        // Only letters of ASCII: others may be of another length in the other case.
        let full_key = self.decoded(encoded_key)?.to_ascii_lowercase();
        let (key, is_required) = match full_key.strip_prefix("req-") {
            Some(key) => (key, true),
            None => (full_key.as_str(), false),
        };
        match key {
            "amount" => {
                let amount = amount(&self.decoded(value)?);
                let amount = amount.ok_or_else(|| self.fault(value, LinkFault::InvalidUriAmount, Rule::Uri5))?;
                if self.uri.amount.replace(amount).is_some() {
                    return Err(self.fault(encoded_key, LinkFault::RepeatedKey("amount"), Rule::Uri5));
                }
            }
            "label" => {
                if self.uri.label.replace(self.decoded(value)?).is_some() {
                    return Err(self.fault(encoded_key, LinkFault::RepeatedKey("label"), Rule::Uri4));
                }
            }
            "message" => {
                if self.uri.message.replace(self.decoded(value)?).is_some() {
                    return Err(self.fault(encoded_key, LinkFault::RepeatedKey("message"), Rule::Uri4));
                }
            }
            "pop" => {
                let pop = ProofOfPayment { uri: self.decoded(value)?, is_required };
                if self.uri.pop.replace(pop).is_some() {
                    return Err(self.fault(encoded_key, LinkFault::RepeatedKey("pop"), Rule::Uri4));
                }
            }
            // URI-8
            "lightning" if !is_offer(value) => self.instruct(Instruction::Lightning(Self::kept(value))),
            "lno" | "lightning" => self.instruct(self.offer(value)),
            "sp" => self.instruct(Instruction::SilentPayment(Self::kept(value))),
            "pay" => self.instruct(Instruction::PrivatePayment(Self::kept(value))),
            _ if ADDRESS_KEYS.contains(&key) => {
                let address = Self::kept(value);
                self.instruct(Instruction::Address { key: key.to_string(), address });
            }
            _ if is_required => {
                let key = full_key.chars().take(MAX_KEY_LEN).collect::<String>();
                return Err(self.fault(encoded_key, LinkFault::UnknownRequiredKey(key.into()), Rule::Uri2));
            }
            _ => {
                let value = Self::kept(value);
                self.uri.ignored.push((full_key, value));
            }
        }
        Ok(())
    }

    fn instruct(&mut self, instruction: Instruction) {
        self.uri.instructions.push(instruction);
    }

    fn offer(&self, value: &'a str) -> Instruction {
        let text = match self.decoded(value) {
            Ok(text) => text,
            Err(error) => return Instruction::UnreadableOffer { text: value.to_string(), error: Box::new(error) },
        };
        // White space around it is no more to blame than around a whole text.
        let trimmed = text.trim();
        match Offer::read_text(trimmed, self.known) {
            Ok(offer) => Instruction::Offer(Box::new(offer)),
            Err(error) => {
                let column = error.column().map(|column| {
                    let character = characters_before(&text, trimmed).saturating_add(column.saturating_sub(1));
                    self.column(value).saturating_add(percent::encoded_position(value, &text, character))
                });
                let error = match column {
                    Some(column) => error.in_column(column),
                    None => error,
                };
                Instruction::UnreadableOffer { text, error: Box::new(error) }
            }
        }
    }
}

/// What stands before a character and behind it. Without one the second is empty, and stands at the end.
fn split(text: &str, at: char) -> (&str, &str) {
    text.split_once(at).unwrap_or_else(|| text.split_at(text.len()))
}

/// Whether an offer stands here, whole or not.
fn is_offer(value: &str) -> bool {
    value.trim().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("lno"))
}

/// An amount in bitcoin (URI-5), in decimal digits.
fn amount(text: &str) -> Option<Msat> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    if text.len() > MAX_AMOUNT_LEN || !is_number || fraction.len() > 8 || whole.len().max(fraction.len()) == 0 {
        return None;
    }
    let digits = |text: &str| {
        text.bytes()
            .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(digit.wrapping_sub(b'0').into()))
    };
    // Eight digits, of which those that are not written are zeros.
    let missing = u32::try_from(8usize.checked_sub(fraction.len())?).ok()?;
    let sat = digits(whole)?.checked_mul(100_000_000)?;
    let sat = sat.checked_add(digits(fraction)?.checked_mul(10u64.checked_pow(missing)?)?)?;
    Msat::from_sat(sat).filter(|amount| *amount <= Msat::MAX_MONEY)
}
