//! DNSSEC proofs: what a name stands for, proved from the root of the DNS down.

use alloc::string::String;
use alloc::vec::Vec;

use dnssec_prover::rr::{Name, RR};
use dnssec_prover::ser::parse_rr_stream;
use dnssec_prover::validation::{VerifiedRRStream, verify_rr_stream};

use super::txt::txt_records;
use super::uri::BitcoinUri;
use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::HumanReadableName;
use crate::units::UnixTime;

/// The longest proof that is looked at, in bytes: the longest that an onion message has room to name (DNS-2).
const MAX_PROOF_LEN: usize = 65_535;

/// The fewest bits of an RSA key whose signatures count (NAM-6).
const MIN_RSA_BITS: usize = 1_024;

/// What a name stands for, as its DNSSEC proof shows.
///
/// Pay within the time that it may be kept, and show the name ([`HumanReadableName`], as `₿user@domain`) beside what
/// is paid (NAM-9). The request carries the name: see
/// [`InvoiceRequestBuilder::bip_353_name`](crate::InvoiceRequestBuilder::bip_353_name).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedName {
    text: String,
    keep_until: UnixTime,
}

impl ResolvedName {
    /// Verifies a proof for a name: RFC 9102 `AuthenticationChain` records in any order, CNAME and DNAME followed,
    /// signed from the root keys of the DNS that are built in (2017 and 2024) down (NAM-6, NAM-7).
    ///
    /// `now` is the caller's clock. Costs at most 20 signature checks.
    ///
    /// # Errors
    ///
    /// - [`InvalidProof`](LinkFault::InvalidProof) for a proof that does not parse, does not verify, is signed with
    ///   SHA-1, or holds an RSA key of fewer than 1024 bits; `TooLong` above 65535 bytes
    /// - [`ProofTooEarly`](LinkFault::ProofTooEarly) and [`ProofExpired`](LinkFault::ProofExpired) (NAM-7)
    /// - [`UnprovedName`](LinkFault::UnprovedName) for a proof of something else (DNS-4)
    /// - as for [`txt_records`] (NAM-4)
    pub fn verify(name: &HumanReadableName<'_>, proof: &[u8], now: UnixTime) -> Result<Self, Error> {
        if proof.len() > MAX_PROOF_LEN {
            let kind = ErrorKind::TooLong { len: proof.len(), max: MAX_PROOF_LEN };
            return Err(Error::new(kind, Rule::Dns2));
        }
        let refused = |fault, rule| Error::new(ErrorKind::Link(fault), rule);
        let records = parse_rr_stream(proof).map_err(|()| refused(LinkFault::InvalidProof, Rule::Nam7))?;
        if records.iter().any(is_weak) {
            return Err(refused(LinkFault::InvalidProof, Rule::Nam6));
        }
        let verified = verify_rr_stream(&records).map_err(|_| refused(LinkFault::InvalidProof, Rule::Nam6))?;
        if now.0 < verified.valid_from {
            let from = UnixTime(verified.valid_from);
            return Err(refused(LinkFault::ProofTooEarly { from }, Rule::Nam7));
        }
        if now.0 > verified.expires {
            return Err(refused(LinkFault::ProofExpired { at: UnixTime(verified.expires) }, Rule::Nam7));
        }
        // NAM-8
        let keep_until = verified.expires.min(now.0.saturating_add(verified.max_cache_ttl.into()));
        Ok(Self { text: text_of(name, &verified)?, keep_until: UnixTime(keep_until) })
    }

    /// The URI as its owner wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI, read.
    ///
    /// # Errors
    ///
    /// As for [`BitcoinUri::read_text`].
    pub fn uri(&self) -> Result<BitcoinUri, Error> {
        self.text.parse()
    }

    /// The last second at which it counts: after that it has to be resolved again (NAM-8).
    pub const fn keep_until(&self) -> UnixTime {
        self.keep_until
    }
}

/// The URI among the verified records of a name.
fn text_of(name: &HumanReadableName<'_>, verified: &VerifiedRRStream<'_>) -> Result<String, Error> {
    let unproved = || Error::new(ErrorKind::Link(LinkFault::UnprovedName), Rule::Dns4);
    let name = Name::try_from(alloc::format!("{}", name.dns_name())).map_err(|()| unproved())?;
    let found = verified.resolve_name(&name);
    let texts: Vec<Vec<u8>> = found
        .into_iter()
        .filter_map(|record| match record {
            RR::Txt(txt) => Some(txt.data.as_vec()),
            _ => None,
        })
        .collect();
    if texts.is_empty() {
        return Err(unproved());
    }
    // What is not UTF-8 is no URI.
    txt_records(texts.iter().filter_map(|text| core::str::from_utf8(text).ok()))
}

/// Whether a record is a key that anybody could forge signatures of by now.
fn is_weak(record: &RR) -> bool {
    let RR::DnsKey(key) = record else { return false };
    // RSA with SHA-256 or SHA-512 (RFC 5702); with SHA-1 it is not verified at all.
    matches!(key.alg, 8 | 10) && rsa_bits(&key.pubkey).is_none_or(|bits| bits < MIN_RSA_BITS)
}

/// The length of the modulus in an RSA key (RFC 3110): the exponent with its length stands before it.
fn rsa_bits(key: &[u8]) -> Option<usize> {
    let (exponent_len, rest) = match key.split_first()? {
        (0, rest) => rest.split_first_chunk::<2>().map(|(len, rest)| (u16::from_be_bytes(*len), rest))?,
        (len, rest) => (u16::from(*len), rest),
    };
    let modulus = rest.get(usize::from(exponent_len)..)?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let top = modulus.get(zeros)?;
    let bits = modulus.len().checked_sub(zeros)?.checked_mul(8)?;
    bits.checked_sub(top.leading_zeros().try_into().ok()?)
}
