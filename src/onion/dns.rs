//! bLIP 32: a name's DNSSEC proof, asked for and given in onion messages.
//!
//! A payer without a DNS client sends a [query](DnssecQuery) with a reply path to a node that announces
//! [`dns_resolver`](crate::Feature::DNS_RESOLVER_OPTIONAL), and gets a [proof](DnssecProof) over that path (DNS-3).
//! Nothing in it is to be believed before it is verified: see `ResolvedName::verify` (feature `dnssec`).
//!
//! The resolver's side is short: it reads the query, gets a proof from elsewhere, and [answers](DnssecQuery::answer)
//! over the query's reply path. Without a reply path, or without a proof, it sends nothing (DNS-5).
//!
//! Both sides are in `exchange`: `NameLookup` asks, `ReceivedQuery` answers.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::{Cursor, HumanReadableName};

/// The longest name with its length in front of it.
const MAX_NAME_LEN: usize = 255;

/// What a payer asks a resolver: the proof for a DNS name (`dnssec_query`, TLV 65536).
///
/// ```
/// use bolt12::HumanReadableName;
/// use bolt12::onion::DnssecQuery;
///
/// let name = HumanReadableName::parse("₿alice@example.com")?;
/// let query = DnssecQuery::new(&name)?;
/// assert_eq!(DnssecQuery::read(&query.to_bytes())?.name(), "alice.user._bitcoin-payment.example.com.");
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnssecQuery<'a> {
    name: Cow<'a, str>,
}

/// What a resolver answers: the name that was asked for, and its proof (`dnssec_proof`, TLV 65538).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnssecProof<'a> {
    name: Cow<'a, str>,
    proof: Cow<'a, [u8]>,
}

impl<'a> DnssecQuery<'a> {
    /// The query for what a name stands for.
    ///
    /// # Errors
    ///
    /// [`InvalidLabel`](LinkFault::InvalidLabel) for a name that the DNS cannot hold (NAM-3), and `TooLong` for one
    /// whose DNS name is longer than 255 bytes (DNS-1).
    pub fn new(name: &HumanReadableName<'_>) -> Result<DnssecQuery<'static>, Error> {
        name.check_labels()?;
        let name = alloc::format!("{}", name.dns_name());
        check_len(name.len(), MAX_NAME_LEN, Rule::Dns1)?;
        Ok(DnssecQuery { name: name.into() })
    }

    /// Reads a query.
    ///
    /// # Errors
    ///
    /// `Truncated`, `InvalidLength` for bytes after the end (TLV-3), `InvalidName` for what is not printable ASCII,
    /// and [`RelativeName`](LinkFault::RelativeName) without the period at the end (DNS-1).
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes);
        let name = read_name(&mut cursor, Rule::Dns1)?;
        check_end(&cursor)?;
        Ok(Self { name: name.into() })
    }

    /// The DNS name whose TXT records are asked for, with a period at the end.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The query on its own, independent of the bytes it came from.
    pub fn into_owned(self) -> DnssecQuery<'static> {
        DnssecQuery { name: Cow::Owned(self.name.into_owned()) }
    }

    /// The bytes, as TLV 65536 holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        with_name(&self.name, 0)
    }

    /// The answer to this query. The proof is not looked at: whoever asked verifies it (DNS-5).
    ///
    /// # Errors
    ///
    /// `TooLong` for a proof of more than 65535 bytes (DNS-2). An onion message holds about half as many.
    pub fn answer<'b>(&'b self, proof: &'b [u8]) -> Result<DnssecProof<'b>, Error> {
        check_len(proof.len(), u16::MAX.into(), Rule::Dns2)?;
        Ok(DnssecProof { name: Cow::Borrowed(&self.name), proof: proof.into() })
    }

    /// The proof in an answer, if it is for the name of this query, in either case (DNS-4). It is not verified yet.
    pub fn proof_in<'b>(&self, answer: &'b DnssecProof<'_>) -> Option<&'b [u8]> {
        self.name.eq_ignore_ascii_case(&answer.name).then_some(&answer.proof)
    }
}

impl<'a> DnssecProof<'a> {
    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// `Truncated`, `InvalidLength` for bytes after the end (TLV-3), `InvalidName` for a name that is not printable
    /// ASCII, and [`RelativeName`](LinkFault::RelativeName) for one without a period at its end (DNS-2).
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes);
        let name = read_name(&mut cursor, Rule::Dns2)?;
        let len = cursor.u16()?;
        let proof = cursor.take(len.into())?;
        check_end(&cursor)?;
        Ok(Self { name: name.into(), proof: proof.into() })
    }

    /// The DNS name that the proof is said to be for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// RFC 9102 `AuthenticationChain` records, which nobody has looked at.
    pub fn proof(&self) -> &[u8] {
        &self.proof
    }

    /// The answer on its own, independent of the bytes it came from.
    pub fn into_owned(self) -> DnssecProof<'static> {
        DnssecProof { name: Cow::Owned(self.name.into_owned()), proof: Cow::Owned(self.proof.into_owned()) }
    }

    /// The bytes, as TLV 65538 holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = with_name(&self.name, self.proof.len().saturating_add(2));
        // Both were checked to fit when this was made.
        bytes.extend_from_slice(&u16::try_from(self.proof.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(&self.proof);
        bytes
    }
}

fn check_len(len: usize, max: usize, rule: Rule) -> Result<(), Error> {
    if len > max { Err(Error::new(ErrorKind::TooLong { len, max }, rule)) } else { Ok(()) }
}

fn check_end(cursor: &Cursor<'_>) -> Result<(), Error> {
    match cursor.is_at_end() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(cursor.offset())),
    }
}

/// A name with its length before it, which fits a byte, and room for so many bytes more.
fn with_name(name: &str, more: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len().saturating_add(1).saturating_add(more));
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name.as_bytes());
    bytes
}

fn read_name(cursor: &mut Cursor<'_>, rule: Rule) -> Result<String, Error> {
    let len = cursor.u8()?;
    let at = cursor.offset();
    let name = cursor.take(len.into())?;
    if let Some(bad) = name.iter().position(|byte| !byte.is_ascii_graphic()) {
        let c = name.get(bad).copied().filter(u8::is_ascii).map_or(char::REPLACEMENT_CHARACTER, char::from);
        return Err(Error::new(ErrorKind::InvalidName(c), rule).at(bad).within(at));
    }
    if name.last() != Some(&b'.') {
        return Err(Error::new(ErrorKind::Link(LinkFault::RelativeName), rule).at(at));
    }
    Ok(name.iter().copied().map(char::from).collect())
}
