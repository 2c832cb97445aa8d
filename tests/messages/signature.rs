//! Merkle roots, digests and signatures, compared with a second implementation.

use super::messages::{invoice, issuer, key, offer, offers, path, payer, refund, request, request_for, unknown};
use super::messages::{text_of, unsigned_invoice};
use super::naive::{self, Record, concat, record};
use bolt12::secp256k1::{Keypair, Message, Secp256k1, schnorr};
use bolt12::{
    Error, ErrorKind, Field, Invoice, InvoiceRequest, MAX_LEN, Msat, Offer, OfferBuilder, OfferId, Refund,
    RefundBuilder, Rule, SignedMessage, Unsigned, Unverified,
};
use proptest::prelude::*;

/// The key that signs requests in this file.
fn request_key() -> Keypair {
    key(0x31)
}

fn value(records: &[Record], number: u64) -> Option<&[u8]> {
    records.iter().find(|record| record.number == number).map(|record| &record.value[..])
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| record.number);
    records
}

/// What a payer adds to an offer, and the same with what nobody knows.
fn requests() -> impl Strategy<Value = Vec<Record>> {
    // Between them are two odd types that are known.
    let unknown = (unknown(92..=159), unknown(2_000_000_000..=2_999_999_999));
    (offers(), unknown, 1..=u64::MAX).prop_map(|(offer, (near, far), amount)| {
        let mut records = [offer.clone(), near, far].concat();
        records.push(record(0, b"sixteen of bytes"));
        records.extend(value(&offer, 2).map(|chains| record(80, &chains[..32])));
        let in_bitcoin = value(&offer, 8).filter(|_| value(&offer, 6).is_none());
        records.push(record(82, in_bitcoin.unwrap_or(&naive::truncated(amount))));
        records.extend(value(&offer, 20).map(|_| record(86, &[1])));
        records.push(record(88, &request_key().public_key().serialize()));
        sorted(records)
    })
}

/// Who signs the invoices of an offer of [`offers`].
fn invoice_key(request: &[Record]) -> Keypair {
    let issuer_id = value(request, 22).map(<[u8]>::to_vec);
    let keys = (1..9).map(key).find(|key| Some(key.public_key().serialize().to_vec()) == issuer_id);
    keys.unwrap_or_else(|| key(0x32))
}

/// What an issuer adds to a request.
fn invoices() -> impl Strategy<Value = Vec<Record>> {
    let unknown = (unknown(178..=239), unknown(3_000_000_000..=3_999_999_999));
    (requests(), unknown).prop_map(|(request, (near, far))| {
        let own = [
            record(160, path(1).as_bytes()),
            record(162, &[0; 28]),
            record(164, &[1, 2, 3, 4]),
            record(168, &[7; 32]),
            record(170, value(&request, 82).unwrap()),
            record(176, &invoice_key(&request).public_key().serialize()),
        ];
        sorted([request, own.to_vec(), near, far].concat())
    })
}

/// The records of an offer in any message (SIG-6).
fn offer_part(records: &[Record]) -> Vec<Record> {
    let is_offer = |number| matches!(number, 1..=79 | 1_000_000_000..=1_999_999_999);
    records.iter().filter(|record| is_offer(record.number)).cloned().collect()
}

fn verifies(signature: &schnorr::Signature, digest: [u8; 32], key: &Keypair) -> bool {
    let key = key.x_only_public_key().0;
    Secp256k1::new().verify_schnorr(signature, &Message::from_digest(digest), &key).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    // SIG-1, SIG-2, SIG-3, SIG-6
    #[test]
    fn an_offer_s_id_is_the_root_of_its_records(records in offers()) {
        let offer = Offer::try_from(concat(&records)).unwrap();
        prop_assert_eq!(offer.id(), OfferId::from_byte_array(naive::root(&records)));
        prop_assert_eq!(offer.id().to_string(), hex::encode(naive::root(&records)));
    }

    // SIG-4, SIG-5, SIG-6
    #[test]
    fn a_request_signed_elsewhere_is_read(records in requests()) {
        let signed = concat(&naive::sign("invoice_request", records.clone(), &request_key()));
        let request = InvoiceRequest::try_from(signed.clone()).unwrap();
        prop_assert_eq!(request.as_bytes(), &signed[..]);
        prop_assert_eq!(&text_of("lnr", &signed).parse::<InvoiceRequest>().unwrap(), &request);
        let id = OfferId::from_byte_array(naive::root(&offer_part(&records)));
        prop_assert_eq!(request.offer().id(), Some(id));
        // Signed as another message, or with another key, it is refused.
        for (name, key) in [("invoice", request_key()), ("invoice_request", key(0x33))] {
            let error = InvoiceRequest::try_from(concat(&naive::sign(name, records.clone(), &key))).unwrap_err();
            prop_assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, Rule::Rqr3));
        }
    }

    // SIG-4, SIG-5, SIG-6
    #[test]
    fn an_invoice_signed_elsewhere_is_read(records in invoices()) {
        let key = invoice_key(&records);
        let signed = concat(&naive::sign("invoice", records.clone(), &key));
        let invoice = Invoice::try_from(signed.clone()).unwrap();
        prop_assert_eq!(invoice.as_bytes(), &signed[..]);
        let offer = Offer::try_from(concat(&offer_part(&records))).unwrap();
        prop_assert_eq!(invoice.offer().id(), Some(offer.id()));
        for (name, key) in [("invoice_request", key), ("invoice", request_key())] {
            let error = Invoice::try_from(concat(&naive::sign(name, records.clone(), &key))).unwrap_err();
            prop_assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, Rule::Ivr10));
        }
    }
}

// SIG-3
#[test]
fn both_ways_to_see_the_tree_are_the_same() {
    let nodes: Vec<_> = (0..100u8).map(|number| naive::sha256(&[number])).collect();
    for count in 1..=nodes.len() {
        let by_halves = naive::root_by_halves(&nodes[..count], &mut Vec::new());
        assert_eq!(naive::root_by_levels(&nodes[..count]), by_halves, "{count} nodes");
    }
}

// SIG-1, SIG-2, SIG-3, SIG-4, SIG-6
#[test]
fn roots_of_any_number_of_records_are_as_naively() {
    // Lengths around those at which SHA-256 needs another block.
    let lens = [0, 1, 52, 53, 54, 55, 56, 57, 61, 62, 63, 64, 65, 116, 117, 118, 119, 120, 121, 253, 300];
    for count in 1..=70 {
        let custom = |number: usize| vec![number as u8; lens[(number + count) % lens.len()]];
        let fields = |start: u64| (1..count).map(move |number| (start + 1 + 38 * number as u64, custom(number)));
        let offer = fields(1_000_000_000)
            .fold(OfferBuilder::new(issuer().public_key()), |offer, (number, value)| offer.custom_field(number, value));
        let offer = offer.build().unwrap();
        let records = naive::parse(offer.as_bytes()).unwrap();
        assert_eq!(records.len(), count);
        assert_eq!(offer.id().to_byte_array(), naive::root(&records), "{count} records");

        let request = fields(2_000_000_000)
            .fold(request_for(&offer), |request, (number, value)| request.custom_field(number, value))
            .amount(Msat(1_000));
        let unsigned = request.build().unwrap();
        let records = naive::parse(unsigned.as_bytes()).unwrap();
        assert_eq!(unsigned.digest(), naive::digest("invoice_request", &records), "{} records", records.len());

        let request = unsigned.sign(&payer()).unwrap();
        assert!(verifies(&request.signature(), naive::digest("invoice_request", &records), &payer()));
        let unsigned = unsigned_invoice(&offer, &request);
        let records = naive::parse(unsigned.as_bytes()).unwrap();
        assert_eq!(unsigned.digest(), naive::digest("invoice", &records), "{} records", records.len());
        let invoice = unsigned.sign(&issuer()).unwrap();
        assert!(verifies(&invoice.signature(), naive::digest("invoice", &records), &issuer()));

        // What the crate wrote, it reads.
        assert_eq!(InvoiceRequest::try_from(request.as_bytes()).as_ref(), Ok(&request));
        assert_eq!(Invoice::try_from(invoice.as_bytes()).as_ref(), Ok(&invoice));
        assert_eq!(request.offer().id(), Some(offer.id()));
        assert_eq!(invoice.offer().id(), Some(offer.id()));
    }
}

/// The bits that can be flipped in a message without its being refused: byte and bit.
fn accepted_flips<T: TryFrom<Vec<u8>, Error = Error>>(bytes: &[u8]) -> Vec<(usize, usize)> {
    let flips = (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    flips
        .filter(|(at, bit)| {
            let mut flipped = bytes.to_vec();
            flipped[*at] ^= 1 << bit;
            T::try_from(flipped).is_ok()
        })
        .collect()
}

// SIG-5, IVR-10, RQR-3
#[test]
fn every_bit_of_a_signed_message_counts() {
    assert_eq!(accepted_flips::<InvoiceRequest>(request().as_bytes()), []);
    assert_eq!(accepted_flips::<Invoice>(invoice().as_bytes()), []);
}

// D1
#[test]
fn a_bit_can_only_take_the_signature_from_a_refund() {
    let unsigned = RefundBuilder::new("a cup that broke", Msat(5_000), payer().public_key(), [0x24; 16]);
    let refund = unsigned.build_to_sign().unwrap().sign(&payer()).unwrap();
    let bytes = refund.as_bytes();
    let signature = refund.tlvs().get(240).unwrap().offset();
    // It becomes an unknown odd field in the range of signatures.
    assert_eq!(accepted_flips::<Refund>(bytes), [(signature, 0)]);
    let mut flipped = bytes.to_vec();
    flipped[signature] ^= 1;
    assert_eq!(Refund::try_from(flipped).unwrap().signature(), None);
}

// SIG-1: signatures are not signed.
#[test]
fn odd_fields_in_the_range_of_signatures_are_left_out_of_the_root() {
    let more = |bytes: &[u8], numbers: &[u64], byte: u8| {
        let mut records = naive::parse(bytes).unwrap();
        records.extend(numbers.iter().map(|number| record(*number, &[byte; 64])));
        concat(&sorted(records))
    };
    let (offer, request, invoice) = (offer(), request(), invoice());
    for numbers in [&[241][..], &[999], &[241, 243, 777]] {
        for byte in [0, 1, 0xff] {
            let bytes = more(request.as_bytes(), numbers, byte);
            let extended = InvoiceRequest::try_from(bytes.clone()).unwrap();
            assert_eq!(extended.as_bytes(), bytes);
            assert_eq!(extended.signature(), request.signature());
            assert_eq!(extended.offer().id(), Some(offer.id()));
            // IVW-1: and they are not repeated in the invoice.
            let answer = unsigned_invoice(&offer, &extended);
            assert_eq!(answer.as_bytes(), unsigned_invoice(&offer, &request).as_bytes());

            let bytes = more(invoice.as_bytes(), numbers, byte);
            let extended = Invoice::try_from(bytes.clone()).unwrap();
            assert_eq!(extended.as_bytes(), bytes);
            assert_eq!(extended.signature(), invoice.signature());
        }
    }
    // Right outside the range, an odd field is signed, or does not belong in a message.
    let signed_too = more(invoice.as_bytes(), &[239], 0);
    assert_eq!(Invoice::try_from(signed_too).unwrap_err().rule(), Rule::Ivr10);
    let beyond = more(invoice.as_bytes(), &[1001], 0);
    assert_eq!(Invoice::try_from(beyond).unwrap_err().rule(), Rule::D11);
}

/// A message signed elsewhere is the one signed here; whatever else is offered as its signature is
/// refused.
fn check_external<T>(unsigned: &Unsigned<T>, name: &str, key: &Keypair, signer: Field, rule: Rule)
where
    T: SignedMessage + AsRef<[u8]> + PartialEq + std::fmt::Debug,
    Unsigned<T>: Clone,
{
    let records = naive::parse(unsigned.as_bytes()).unwrap();
    assert_eq!(unsigned.digest(), naive::digest(name, &records));
    let sign = |digest, key: &Keypair| Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), key);
    let signature = sign(unsigned.digest(), key);
    let complete = unsigned.clone().complete(&signature).unwrap();
    assert_eq!(&complete, &unsigned.clone().sign(key).unwrap());
    assert_eq!(complete.as_ref(), concat(&naive::sign(name, records.clone(), key)));
    // Another signer may use randomness.
    let message = Message::from_digest(unsigned.digest());
    let other = Secp256k1::new().sign_schnorr_with_aux_rand(&message, key, &[9; 32]);
    assert_ne!(other, signature);
    let completed = unsigned.clone().complete(&other).unwrap();
    assert_eq!(value(&naive::parse(completed.as_ref()).unwrap(), 240), Some(&other.as_ref()[..]));

    // Another key, another message, the root itself, and another name.
    let wrong_key = self::key(0x77);
    let other_name = if name == "invoice" { "invoice_request" } else { "invoice" };
    let mut wrong = vec![
        sign(unsigned.digest(), &wrong_key),
        sign([7; 32], key),
        sign(naive::root(&records), key),
        sign(naive::digest(other_name, &records), key),
    ];
    wrong.extend((0..64).map(|at| {
        let mut bytes = signature.serialize();
        bytes[at] ^= 1;
        schnorr::Signature::from_slice(&bytes).unwrap()
    }));
    for wrong in wrong {
        let error = unsigned.clone().complete(&wrong).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, rule));
        assert_eq!(error.field(), Some(Field::SIGNATURE));
    }
    let error = unsigned.clone().sign(&wrong_key).unwrap_err();
    assert_eq!((error.kind(), error.rule(), error.field()), (&ErrorKind::WrongKey, rule, Some(signer)));
}

// SIG-4, SIG-5, RQW-7, IVW-6
#[test]
fn messages_can_be_signed_elsewhere() {
    let offer = offer();
    let unsigned = request_for(&offer).payer_note("thank you").build().unwrap();
    check_external(&unsigned, "invoice_request", &payer(), Field::INVREQ_PAYER_ID, Rule::Rqr3);
    let invoice = unsigned_invoice(&offer, &request());
    check_external(&invoice, "invoice", &issuer(), Field::INVOICE_NODE_ID, Rule::Ivr10);
    // D1
    let refund = RefundBuilder::new("a cup that broke", Msat(5_000), payer().public_key(), [0x24; 16]);
    check_external(&refund.build_to_sign().unwrap(), "invoice_request", &payer(), Field::INVREQ_PAYER_ID, Rule::D1);
    // One of the keys is even, the other odd: BIP 340 knows their x alone.
    let parity = |key: Keypair| key.x_only_public_key().1;
    assert_ne!(parity(payer()), parity(issuer()));
}

// SIG-5
#[test]
fn a_signature_is_looked_at_last() {
    fn check<T: SignedMessage + TryFrom<Vec<u8>, Error = Error> + std::fmt::Debug>(bytes: &[u8], rule: Rule) {
        let signature = naive::parse(bytes).unwrap().iter().rposition(|record| record.number == 240).unwrap();
        let mut records = naive::parse(bytes).unwrap();
        records[signature] = record(240, &[1; 64]);
        let forged = concat(&records);
        let unverified = Unverified::<T>::try_from(forged.clone()).unwrap();
        assert_eq!(unverified.tlvs().as_bytes(), forged);
        let error = unverified.verify().unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, rule));
        assert_eq!(error.field(), Some(Field::SIGNATURE));
        let value_at = concat(&records[..signature]).len() + 2;
        assert_eq!(error.offset(), Some(value_at));
        assert_eq!(T::try_from(forged).unwrap_err(), error);
        // The right one is accepted.
        Unverified::<T>::try_from(bytes.to_vec()).unwrap().verify().unwrap();
        // Without any, the first half of reading is enough to refuse an answer to an offer.
        records.remove(signature);
        if rule != Rule::D1 {
            let error = Unverified::<T>::try_from(concat(&records)).unwrap_err();
            assert_eq!((error.kind(), error.rule()), (&ErrorKind::Missing, rule));
            assert_eq!(error.field(), Some(Field::SIGNATURE));
        }
    }
    check::<InvoiceRequest>(request().as_bytes(), Rule::Rqr3);
    check::<Invoice>(invoice().as_bytes(), Rule::Ivr10);
    let refund = naive::sign("invoice_request", naive::parse(refund().as_bytes()).unwrap(), &payer());
    check::<Refund>(&concat(&refund), Rule::D1);
}

// D7
#[test]
fn a_signature_needs_room() {
    let offer = OfferBuilder::new(issuer().public_key()).build().unwrap();
    let request = |note: usize| request_for(&offer).amount(Msat(1_000)).payer_note(&"x".repeat(note)).build();
    let rest = request(60_000).unwrap().as_bytes().len() - 60_000;
    // 66 bytes: type, length and signature.
    let most = MAX_LEN - rest - 66;
    assert_eq!(request(most).unwrap().sign(&payer()).unwrap().as_bytes().len(), MAX_LEN);
    let unsigned = request(most + 1).unwrap();
    let error = unsigned.sign(&payer()).unwrap_err();
    assert!(matches!((error.kind(), error.rule()), (ErrorKind::TooLong { .. }, Rule::D7)));
    assert_eq!(request(most + 67).unwrap_err().rule(), Rule::D7);
}
