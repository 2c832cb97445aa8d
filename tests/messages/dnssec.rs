//! DNSSEC proofs of names: real ones, and what happens to them on the way (NAM-6, NAM-7, NAM-8, DNS-4).

use bolt12::{ErrorKind, HumanReadableName, LinkFault, ResolvedName, Rule, UnixTime};
use dnssec_prover::rr::{DnsKey, RR};
use dnssec_prover::ser::{parse_rr_stream, write_rr};
use proptest::prelude::*;

struct Sample {
    name: HumanReadableName<'static>,
    from: u64,
    until: u64,
    ttl: u64,
    proof: Vec<u8>,
}

fn samples() -> Vec<Sample> {
    let lines = include_str!("../data/dnssec.tsv").lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &'static str| {
        let [name, from, until, ttl, proof] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let name = HumanReadableName::parse(name).unwrap();
        let number = |text: &str| text.parse().unwrap();
        Sample { name, from: number(from), until: number(until), ttl: number(ttl), proof: hex::decode(proof).unwrap() }
    };
    lines.map(sample).collect()
}

fn fault(sample: &Sample, proof: &[u8], now: u64) -> (LinkFault, Rule) {
    let error = ResolvedName::verify(&sample.name, proof, UnixTime(now)).unwrap_err();
    let ErrorKind::Link(fault) = error.kind() else { panic!("{error:#}") };
    (fault.clone(), error.rule())
}

fn written(records: &[RR]) -> Vec<u8> {
    let mut bytes = Vec::new();
    records.iter().for_each(|record| write_rr(record, 0, &mut bytes));
    bytes
}

// NAM-6: other TXT records of the name are ignored, strings are joined, a CNAME into another zone is followed.
#[test]
fn a_real_proof_gives_the_offer() {
    for sample in samples() {
        let found = ResolvedName::verify(&sample.name, &sample.proof, UnixTime(sample.from + 1)).unwrap();
        assert!(found.as_str().starts_with("bitcoin:bc1q") && found.as_str().len() > 400);
        let uri = found.uri().unwrap();
        assert_eq!(uri.to_string(), found.as_str());
        assert!(uri.address().is_some() && uri.offer(bolt12::ChainHash::BITCOIN).is_ok());
    }
}

// NAM-7, NAM-8
#[test]
fn a_proof_is_good_from_its_last_inception_to_its_first_expiration() {
    for sample in samples() {
        let until = |now: u64| {
            let found = ResolvedName::verify(&sample.name, &sample.proof, UnixTime(now)).unwrap();
            found.keep_until().0
        };
        assert_eq!(until(sample.from), sample.from + sample.ttl);
        assert_eq!(until(sample.until), sample.until);
        assert_eq!(until(sample.until - 1), sample.until);
        let from = UnixTime(sample.from);
        assert_eq!(fault(&sample, &sample.proof, sample.from - 1), (LinkFault::ProofTooEarly { from }, Rule::Nam7));
        let at = UnixTime(sample.until);
        assert_eq!(fault(&sample, &sample.proof, sample.until + 1), (LinkFault::ProofExpired { at }, Rule::Nam7));
    }
}

// DNS-4
#[test]
fn a_proof_is_for_one_name() {
    let samples = samples();
    for other in ["alice@mattcorallo.com", "matt@bitcoin.ninja", "matt@mattcorallo.co"] {
        let other = Sample { name: HumanReadableName::parse(other).unwrap(), ..samples_first() };
        assert_eq!(fault(&other, &other.proof, other.from), (LinkFault::UnprovedName, Rule::Dns4));
    }
    // A name is the same in either case.
    let upper = HumanReadableName::parse("MATT@MattCorallo.com").unwrap();
    assert!(ResolvedName::verify(&upper, &samples[0].proof, UnixTime(samples[0].from)).is_ok());
    // What follows the alias proves what is there, too.
    assert!(ResolvedName::verify(&samples[0].name, &samples[1].proof, UnixTime(samples[1].from)).is_ok());
    let long = format!("{}@mattcorallo.com", "a".repeat(64));
    let (user, domain) = long.split_once('@').unwrap();
    // NAM-3
    for (user, len) in [(user, 64), ("a..b", 0)] {
        let name = HumanReadableName::new(user, domain).unwrap();
        let proven = ResolvedName::verify(&name, &samples[0].proof, UnixTime(samples[0].from));
        let told = ResolvedName::from_records(&name, ["bitcoin:?lno=lno1zz"], UnixTime(samples[0].from));
        for refused in [proven, told] {
            assert_eq!(refused.unwrap_err().kind(), &ErrorKind::Link(LinkFault::InvalidLabel { len }));
        }
    }
}

fn samples_first() -> Sample {
    samples().remove(0)
}

// NAM-6
#[test]
fn a_weak_key_spoils_a_proof() {
    let sample = samples_first();
    let mut records = parse_rr_stream(&sample.proof).unwrap();
    let key_of = |zone: &str, len: usize, first: u8| {
        let modulus = std::iter::once(first).chain(std::iter::repeat_n(0xff, len - 1));
        let pubkey = [3, 1, 0, 1].into_iter().chain(modulus).collect();
        RR::DnsKey(DnsKey { name: zone.try_into().unwrap(), flags: 256, protocol: 3, alg: 8, pubkey })
    };
    let key = |len: usize, first: u8| key_of("com.", len, first);
    for (weak, rule) in [(key(64, 0x80), Rule::Nam6), (key(128, 0x7f), Rule::Nam6), (key(127, 0xff), Rule::Nam6)] {
        records.push(weak);
        assert_eq!(fault(&sample, &written(&records), sample.from), (LinkFault::InvalidProof, rule));
        records.pop();
    }
    // Also where nothing is signed with it.
    records.push(key_of("example.", 128, 0x80));
    assert!(ResolvedName::verify(&sample.name, &written(&records), UnixTime(sample.from)).is_ok());
    records.push(key_of("example.", 128, 0x7f));
    assert_eq!(fault(&sample, &written(&records), sample.from), (LinkFault::InvalidProof, Rule::Nam6));
    records.truncate(records.len() - 2);
    // SHA-1 (RFC 3110, RFC 5155) verifies nothing.
    for record in &mut records {
        if let RR::RRSig(signature) = record {
            signature.alg = if signature.alg == 8 { 5 } else { signature.alg };
        }
    }
    assert_eq!(fault(&sample, &written(&records), sample.from), (LinkFault::InvalidProof, Rule::Nam6));
}

// DNS-2
#[test]
fn a_proof_that_is_too_long_or_no_proof_is_refused_at_once() {
    let sample = samples_first();
    let error = ResolvedName::verify(&sample.name, &vec![0; 65_536], UnixTime(0)).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::TooLong { len: 65_536, max: 65_535 });
    assert_eq!(fault(&sample, &vec![0; 65_535], sample.from).0, LinkFault::InvalidProof);
    for proof in [&b""[..], b"\0", &sample.proof[..100], &sample.proof[1..]] {
        assert_eq!(fault(&sample, proof, sample.from).0, LinkFault::InvalidProof);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    // NAM-7: in any order.
    #[test]
    fn the_order_of_records_means_nothing(order in Just((0..24usize).collect::<Vec<_>>()).prop_shuffle()) {
        let sample = samples_first();
        let records = parse_rr_stream(&sample.proof).unwrap();
        let shuffled: Vec<RR> = order.iter().filter_map(|at| records.get(*at).cloned()).collect();
        prop_assert_eq!(shuffled.len(), records.len());
        let now = UnixTime(sample.from);
        prop_assert_eq!(
            ResolvedName::verify(&sample.name, &written(&shuffled), now),
            ResolvedName::verify(&sample.name, &sample.proof, now)
        );
    }

    // NAM-6: whatever happens to a proof, it shows the same or nothing.
    #[test]
    fn a_proof_shows_what_was_signed_or_nothing(at: prop::sample::Index, bit in 0..8u8, drop in 0..24usize, flips: bool) {
        let sample = samples_first();
        let now = UnixTime(sample.from);
        let whole = ResolvedName::verify(&sample.name, &sample.proof, now).unwrap();
        let mut changed = sample.proof.clone();
        if flips {
            let at = at.index(changed.len());
            changed[at] ^= 1 << bit;
        } else {
            let mut records = parse_rr_stream(&changed).unwrap();
            records.remove(drop % records.len());
            changed = written(&records);
        }
        if let Ok(found) = ResolvedName::verify(&sample.name, &changed, now) {
            prop_assert_eq!(found.as_str(), whole.as_str());
        }
    }

    #[test]
    fn anything_can_be_handed_in(bytes: Vec<u8>, now: u64) {
        let name = HumanReadableName::parse("a@b.c").unwrap();
        prop_assert!(ResolvedName::verify(&name, &bytes, UnixTime(now)).is_err());
    }
}
