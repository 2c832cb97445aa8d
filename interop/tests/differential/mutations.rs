//! Mutated messages: both accept and see the same, or both refuse, or the difference is known.

use std::collections::BTreeMap;

use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::offer::Offer;
use lightning::offers::parse::Bolt12ParseError;
use lightning::offers::refund::Refund;
use lightning::offers::static_invoice::StaticInvoice;

use crate::differences::{DIFFERENCES, Difference, Dispute, known_difference};
use crate::material::{ISSUER, PAYER, key};
use crate::mutate::{Random, mutate, vary};
use crate::reading::{same_error, same_invoice, same_offer, same_refund, same_request, same_static_invoice};
use crate::wire::{Kind, Record, records, sign, signer, value, write};
use crate::{ours, theirs};

/// How often each message of the corpus is mutated. Without optimisation a mutation takes about a
/// millisecond; `DIFFERENTIAL_ROUNDS` asks for more.
pub(crate) fn rounds() -> usize {
    std::env::var("DIFFERENTIAL_ROUNDS").map_or(60, |rounds| rounds.parse().expect("a number of rounds"))
}

/// What the two say about a message.
pub(crate) enum Verdict {
    Accepted,
    Refused,
    Differ(&'static str),
    Unknown(String),
}

/// Compares what the two say about `bytes`, which came as bytes or as text.
pub(crate) fn judge<O, T>(
    kind: Kind,
    bytes: &[u8],
    ours: Result<O, bolt12::Error>,
    theirs: Result<T, Bolt12ParseError>,
    same: fn(&O, &T),
) -> Verdict {
    let (ours, theirs) = match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            same(&ours, &theirs);
            return Verdict::Accepted;
        }
        (Err(_), Err(_)) => return Verdict::Refused,
        (ours, theirs) => (ours.err(), theirs.err()),
    };
    let unknown = format!("{kind:?} {}: we say {ours:?}, they say {theirs:?}", hex::encode(bytes));
    let known = known_difference(&Dispute::new(kind, bytes, ours, theirs));
    known.map_or(Verdict::Unknown(unknown), |difference| Verdict::Differ(difference.name))
}

fn compare(kind: Kind, bytes: &[u8]) -> Verdict {
    let vec = || bytes.to_vec();
    match kind {
        Kind::Offer => judge(kind, bytes, bolt12::Offer::try_from(bytes), Offer::try_from(vec()), same_offer),
        Kind::Request => {
            judge(kind, bytes, bolt12::InvoiceRequest::try_from(bytes), InvoiceRequest::try_from(vec()), same_request)
        }
        Kind::Refund => judge(kind, bytes, bolt12::Refund::try_from(bytes), Refund::try_from(vec()), same_refund),
        Kind::Invoice => {
            judge(kind, bytes, bolt12::Invoice::try_from(bytes), Bolt12Invoice::try_from(vec()), same_invoice)
        }
        Kind::StaticInvoice => {
            let (ours, theirs) = (bolt12::StaticInvoice::try_from(bytes), StaticInvoice::try_from(vec()));
            judge(kind, bytes, ours, theirs, same_static_invoice)
        }
        Kind::Error => {
            let theirs = theirs::read_error(bytes).map_err(Bolt12ParseError::Decode);
            judge(kind, bytes, bolt12::InvoiceError::try_from(bytes), theirs, same_error)
        }
    }
}

/// Valid messages of both crates. Where the signer's secret is not known, it becomes one that is.
fn corpus() -> Vec<(Kind, Vec<Record>)> {
    let mut corpus = Vec::new();
    let mut add = |kind, bytes: &[u8]| {
        let mut records = records(bytes).unwrap();
        if kind == Kind::Request && signer(kind, &records).is_none() {
            let payer_id = records.iter_mut().find(|record| record.0 == 88).unwrap();
            payer_id.1 = key(PAYER).serialize().to_vec();
            assert!(sign(kind, &mut records));
        }
        if kind == Kind::StaticInvoice && signer(kind, &records).is_none() {
            // Also the offer names it.
            for record in records.iter_mut().filter(|record| [22, 176].contains(&record.0)) {
                record.1 = key(ISSUER).serialize().to_vec();
            }
            assert!(sign(kind, &mut records));
        }
        corpus.push((kind, records));
    };
    ours::offers().iter().for_each(|offer| add(Kind::Offer, offer.as_bytes()));
    theirs::offers().iter().for_each(|offer| add(Kind::Offer, offer.as_ref()));
    ours::requests().iter().for_each(|request| add(Kind::Request, request.as_bytes()));
    theirs::requests().iter().for_each(|request| add(Kind::Request, &theirs::bytes(request)));
    ours::refunds().iter().for_each(|refund| add(Kind::Refund, refund.as_bytes()));
    theirs::refunds().iter().for_each(|refund| add(Kind::Refund, refund.as_ref()));
    ours::invoices().iter().for_each(|invoice| add(Kind::Invoice, invoice.as_bytes()));
    theirs::invoices().iter().for_each(|invoice| add(Kind::Invoice, &theirs::bytes(invoice)));
    ours::static_invoices().iter().for_each(|invoice| add(Kind::StaticInvoice, invoice.as_bytes()));
    theirs::static_invoices().iter().for_each(|invoice| add(Kind::StaticInvoice, &theirs::bytes(invoice)));
    // STA-1: with the draft's number, which we do not write.
    let mut draft = records(ours::static_invoices()[0].as_bytes()).unwrap();
    draft.iter_mut().filter(|record| record.0 == 236).for_each(|record| record.0 = 178);
    assert!(sign(Kind::StaticInvoice, &mut draft));
    add(Kind::StaticInvoice, &write(&draft));
    ours::errors().iter().for_each(|error| add(Kind::Error, error.as_bytes()));
    theirs::errors().iter().for_each(|error| add(Kind::Error, &theirs::error_bytes(error)));
    corpus
}

/// STA-1, STA-2: whatever 0.3.0-rc3 says about a static invoice, 0.2.7 says too, and builds what we read.
#[test]
fn both_versions_judge_static_invoices_alike() {
    let corpus: Vec<_> = corpus().into_iter().filter(|(kind, _)| *kind == Kind::StaticInvoice).collect();
    let others: Vec<Record> = corpus.iter().flat_map(|message| message.1.clone()).collect();
    let (mut accepted, mut refused) = (0, 0);
    for (at, (kind, message)) in corpus.iter().enumerate() {
        let mut random = Random(1_000 + at as u64);
        let varied = vary(&mut random, *kind, message);
        let mutated = (0..rounds()).map(|_| mutate(&mut random, *kind, message, &others)).collect::<Vec<_>>();
        for bytes in varied.into_iter().chain(mutated).chain([write(message)]) {
            let newer = StaticInvoice::try_from(bytes.clone());
            let older = ldk::offers::static_invoice::StaticInvoice::try_from(bytes.clone());
            assert_eq!(newer.is_ok(), older.is_ok(), "{}: {newer:?}, {older:?}", hex::encode(&bytes));
            if newer.is_ok() { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted > 50 && refused > 50, "{accepted} {refused}");
    for older in theirs::older_static_invoices() {
        let bytes = ldk::util::ser::Writeable::encode(&older);
        let ours = bolt12::StaticInvoice::try_from(bytes.clone()).unwrap();
        assert_eq!(ours.message_paths().unwrap().count(), older.message_paths().len());
        assert_eq!((ours.node_id(), ours.signature()), (older.signing_pubkey(), older.signature()));
        assert_eq!(ours.relative_expiry(), older.relative_expiry());
        same_static_invoice(&ours, &StaticInvoice::try_from(bytes).unwrap());
    }
}

/// What happened to mutations.
#[derive(Default)]
pub(crate) struct Tally {
    differences: BTreeMap<&'static str, usize>,
    accepted: Vec<Kind>,
    refused: Vec<Kind>,
    unknown: Vec<String>,
}

impl Tally {
    pub(crate) fn note(&mut self, kind: Kind, verdict: Verdict) {
        match verdict {
            Verdict::Accepted => self.accepted.push(kind),
            Verdict::Refused => self.refused.push(kind),
            Verdict::Differ(name) => *self.differences.entry(name).or_default() += 1,
            Verdict::Unknown(what) => self.unknown.push(what),
        }
    }

    fn add(&mut self, other: Self) {
        other.differences.into_iter().for_each(|(name, count)| *self.differences.entry(name).or_default() += count);
        self.accepted.extend(other.accepted);
        self.refused.extend(other.refused);
        self.unknown.extend(other.unknown);
    }

    /// All differences are known, and enough was accepted and refused to mean something.
    pub(crate) fn check(&self, kinds: &[Kind]) {
        let unknown = &self.unknown;
        assert!(unknown.is_empty(), "{} differences that are not listed:\n{}", unknown.len(), unknown.join("\n"));
        for kind in kinds {
            let count = |noted: &[Kind]| noted.iter().filter(|noted| *noted == kind).count();
            let (accepted, refused) = (count(&self.accepted), count(&self.refused));
            println!("{kind:?}: both accepted {accepted}, both refused {refused}");
            assert!(accepted * 9 > refused && refused > accepted, "the mutations of {kind:?} are too tame or too wild");
        }
    }
}

#[test]
fn mutations_are_judged_alike() {
    let corpus = corpus();
    let others: Vec<Record> = corpus.iter().flat_map(|message| message.1.clone()).collect();
    let run = |half: usize| {
        let mut tally = Tally::default();
        for (at, (kind, message)) in corpus.iter().enumerate().filter(|(at, _)| at % 2 == half) {
            let mut random = Random(at as u64);
            for bytes in vary(&mut random, *kind, message) {
                tally.note(*kind, compare(*kind, &bytes));
            }
            for _ in 0..rounds() {
                tally.note(*kind, compare(*kind, &mutate(&mut random, *kind, message, &others)));
            }
            // D7: an unknown field that makes the message too long.
            let mut long = message.clone();
            let end = long.iter().position(|record| record.0 > 79).unwrap_or(long.len());
            long.insert(end, (79, vec![0; 65_536]));
            if value(&long, 240).is_some() {
                sign(*kind, &mut long);
            }
            tally.note(*kind, compare(*kind, &write(&long)));
        }
        tally
    };
    let tally = std::thread::scope(|scope| {
        let other_half = scope.spawn(|| run(1));
        let mut tally = run(0);
        tally.add(other_half.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        tally
    });
    tally.check(&[Kind::Offer, Kind::Request, Kind::Refund, Kind::Invoice, Kind::StaticInvoice, Kind::Error]);
    for Difference { name, refuses, rule, reason, .. } in DIFFERENCES {
        let count = tally.differences.get(name).copied().unwrap_or_default();
        println!("{count} times {refuses:?} refuse: {name} ({rule}): {reason}");
        assert!(count > 0, "no mutation shows this difference any more: {name}");
    }
}
