//! DNSSEC proofs: what a name stands for, proved from the root of the DNS down.

use alloc::vec::Vec;

use dnssec_prover::rr::{Name, RR};
use dnssec_prover::ser::parse_rr_stream;
use dnssec_prover::validation::{VerifiedRRStream, verify_rr_stream};

use super::resolved::ResolvedName;
use crate::error::{Error, ErrorKind, LinkFault, Rule};
use crate::field::HumanReadableName;
use crate::units::UnixTime;

/// The longest proof that is looked at, in bytes: the longest that an onion message has room to name (DNS-2).
const MAX_PROOF_LEN: usize = 65_535;

/// The fewest bits of an RSA key whose signatures count (NAM-6).
const MIN_RSA_BITS: usize = 1_024;

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
    /// - as for [`from_records`](Self::from_records) (NAM-3, NAM-4)
    pub fn verify(name: &HumanReadableName<'_>, proof: &[u8], now: UnixTime) -> Result<Self, Error> {
        name.check_labels()?;
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
        Self::from_records(name, records_of(name, &verified)?, UnixTime(keep_until))
    }
}

/// The verified TXT records of a name.
fn records_of(name: &HumanReadableName<'_>, verified: &VerifiedRRStream<'_>) -> Result<Vec<Vec<u8>>, Error> {
    let unproved = || Error::new(ErrorKind::Link(LinkFault::UnprovedName), Rule::Dns4);
    let name = Name::try_from(alloc::format!("{}", name.dns_name())).map_err(|()| unproved())?;
    let found = verified.resolve_name(&name);
    let records: Vec<Vec<u8>> = found
        .into_iter()
        .filter_map(|record| match record {
            RR::Txt(txt) => Some(txt.data.as_vec()),
            _ => None,
        })
        .collect();
    if records.is_empty() { Err(unproved()) } else { Ok(records) }
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

/// Zones of our own: what is verified is not asked here, only what it means.
#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use dnssec_prover::rr::{A, CName, DName, Txt, TxtBytes};

    use super::*;

    const NAME: &str = "alice.user._bitcoin-payment.example.com.";

    fn txt(name: &str, text: impl AsRef<[u8]>) -> RR {
        let data = TxtBytes::new(text.as_ref()).unwrap();
        RR::Txt(Txt { name: name.try_into().unwrap(), data })
    }

    fn found(records: &[RR]) -> Result<String, LinkFault> {
        let verified_rrs = records.iter().collect();
        let stream = VerifiedRRStream { verified_rrs, valid_from: 0, expires: u64::MAX, max_cache_ttl: 0 };
        let name = HumanReadableName::parse("alice@example.com").unwrap();
        let records = records_of(&name, &stream);
        let found = records.and_then(|records| ResolvedName::from_records(&name, records, UnixTime(0)));
        found.map(|found| found.as_str().into()).map_err(|error| {
            let ErrorKind::Link(fault) = error.kind() else { panic!("{error:?}") };
            fault.clone()
        })
    }

    // NAM-4, NAM-5
    #[test]
    fn one_record_counts() {
        let long = alloc::format!("bitcoin:?lno=lno1{}", "q".repeat(600));
        assert_eq!(found(&[txt(NAME, "v=spf1"), txt(NAME, &long)]), Ok(long));
        assert_eq!(found(&[txt(NAME, "BitCoin:?x=1")]), Ok("BitCoin:?x=1".into()));
        let twice = [txt(NAME, "bitcoin:?x=1"), txt(NAME, "BITCOIN:?x=2")];
        assert_eq!(found(&twice), Err(LinkFault::SeveralPaymentRecords));
        // What is no text counts as much, and spoils nothing where it does not count.
        assert_eq!(found(&[txt(NAME, b"\xff\xfe"), txt(NAME, "bitcoin:?x=1")]), Ok("bitcoin:?x=1".into()));
        let no_text = [txt(NAME, "bitcoin:?x=1"), txt(NAME, b"Bitcoin:\xff")];
        assert_eq!(found(&no_text), Err(LinkFault::SeveralPaymentRecords));
        // Nor does what is no TXT record.
        let address = || RR::A(A { name: NAME.try_into().unwrap(), address: [192, 0, 2, 1] });
        assert_eq!(found(&[address(), txt(NAME, "bitcoin:?x=1")]), Ok("bitcoin:?x=1".into()));
        assert_eq!(found(&[address()]), Err(LinkFault::UnprovedName));
        // Nobody printed these: a quotation mark is one.
        for other in ["v=spf1", " bitcoin:?x=1", "\"bitcoin:?x=1\"", "TXT \"bitcoin:?x=1\"", "bitcoin", "bitcoin\u{e9}"]
        {
            assert_eq!(found(&[txt(NAME, other)]), Err(LinkFault::NoPaymentRecord), "{other}");
        }
        assert_eq!(
            found(&[txt("bob.user._bitcoin-payment.example.com.", "bitcoin:?x=1")]),
            Err(LinkFault::UnprovedName)
        );
    }

    // NAM-6
    #[test]
    fn aliases_are_followed_and_loops_end() {
        let name = |name: &str| Name::try_from(name).unwrap();
        let alias = |from: &str, to: &str| RR::CName(CName { name: name(from), canonical_name: name(to) });
        let there = "alice.pay.example.net.";
        assert_eq!(found(&[alias(NAME, there), txt(there, "bitcoin:?x=1")]), Ok("bitcoin:?x=1".into()));
        let delegation =
            DName { name: name("user._bitcoin-payment.example.com."), delegation_name: name("pay.example.net.") };
        assert_eq!(found(&[RR::DName(delegation), txt(there, "bitcoin:?x=1")]), Ok("bitcoin:?x=1".into()));
        let round = [alias(NAME, there), alias(there, NAME), txt(there, "bitcoin:?x=1")];
        assert_eq!(found(&round), Err(LinkFault::UnprovedName));
    }

    #[test]
    fn the_length_of_a_key_is_that_of_its_modulus() {
        assert_eq!(rsa_bits(&[1, 3, 0x80, 0]), Some(16));
        assert_eq!(rsa_bits(&[0, 0, 1, 3, 0, 1, 0]), Some(9));
        for bad in [vec![], vec![0], vec![1], vec![1, 3], vec![2, 3], vec![1, 3, 0]] {
            assert_eq!(rsa_bits(&bad), None);
        }
    }
}
