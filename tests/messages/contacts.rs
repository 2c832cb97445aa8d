//! Who pays, in a request and in what repeats it (CON-1 to CON-4), and the secret of two contacts (CON-5, CON-9).

use std::path::Path;

use super::naive;
use super::raw::*;
use bolt12::bitcoin::secp256k1::{Message, Scalar, Secp256k1, SecretKey};
use bolt12::secp256k1::{Keypair, PublicKey};
use bolt12::*;
use proptest::prelude::*;

const SECRET: u64 = 2_000_001_729;
const PAYER_OFFER: u64 = 2_000_001_731;
const NAME: u64 = 2_000_001_733;
const SIGNATURE: u64 = 2_000_001_735;

/// The key of the payer's own offer.
fn own() -> Keypair {
    key(0x55)
}

fn own_offer() -> Raw {
    Raw::empty().with(22, own().public_key().serialize())
}

fn name_value() -> Vec<u8> {
    [&[5][..], b"alice", &[11], b"example.com"].concat()
}

fn digest(request: &Raw) -> [u8; 32] {
    let signed = request.only(|number| number != SIGNATURE);
    naive::tagged(b"lightninginvoice_requestinvreq_payer_bip_353_signature", &signed.root())
}

/// A request under a name, for which a key signs, and then the payer.
fn named(by: &Keypair, change: impl FnOnce(Raw) -> Raw) -> Raw {
    let raw = change(request_for(offer()).with(SECRET, [9; 32]).with(NAME, name_value()));
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest(&raw)), by);
    let value = [&by.public_key().serialize()[..], signature.as_ref()].concat();
    raw.with(SIGNATURE, value).sign_request(&payer())
}

fn secret(byte: u8) -> ContactSecret {
    ContactSecret::from_byte_array([byte; 32])
}

/// What, then for Alice and for Bob: offer, key, node id; and the secret.
type Row<'a> = [&'a str; 8];

fn check_row([what, alice, alice_key, alice_id, bob, bob_key, bob_id, expected]: Row<'_>) {
    let side = |offer: &str, key: &str, id: &str| {
        let offer: Offer = offer.parse().unwrap();
        let key = SecretKey::from_slice(&hex::decode(key).unwrap()).unwrap();
        let id: PublicKey = id.parse().unwrap();
        assert_eq!(offer.offer_node_id(), Some(id), "{what}");
        assert!(offer.is_signed_by(id.into()), "{what}");
        assert_eq!(key.public_key(&Secp256k1::new()), id, "{what}");
        (key, id)
    };
    let ((alice, alice_id), (bob, bob_id)) = (side(alice, alice_key, alice_id), side(bob, bob_key, bob_id));
    let expected = ContactSecret::from_byte_array(hex::decode(expected).unwrap().try_into().unwrap());
    let product = alice_id.mul_tweak(&Secp256k1::new(), &Scalar::from(bob)).unwrap();
    let found = [
        ContactSecret::derive(&alice, &bob_id),
        ContactSecret::derive(&bob, &alice_id),
        ContactSecret::from_shared_point(&product),
    ];
    assert_eq!(found, [expected; 3], "{what}");
}

// CON-5
#[test]
fn both_sides_derive_the_secret_of_the_vectors() {
    let rows: Vec<Row<'_>> = include_str!("../data/contacts.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>().try_into().unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    rows.iter().for_each(|row| check_row(*row));

    // Where the vectors themselves are at hand, the facts are theirs.
    let shared = std::env::var("BOLT12_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared").to_owned());
    let Ok(file) = std::fs::read_to_string(Path::new(&shared).join("vectors/contacts.json")) else { return };
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&file).unwrap();
    assert_eq!(vectors.len(), rows.len());
    for (vector, row) in vectors.iter().zip(&rows) {
        let names = ["alice_offer", "alice_offer_priv_key", "alice_offer_node_id", "bob_offer", "bob_offer_priv_key"];
        let names = names.into_iter().chain(["bob_offer_node_id", "contact_secret"]);
        for (name, fact) in names.zip(&row[1..]) {
            assert_eq!(vector[name], *fact, "{name}");
        }
    }
}

proptest! {
    // CON-5: whatever the keys.
    #[test]
    fn a_secret_is_the_same_from_both_sides(alice in 1u8..255, bob in 1u8..255) {
        let (alice, bob) = (key(alice), key(bob));
        let one = ContactSecret::derive(&alice.secret_key(), &bob.public_key());
        prop_assert_eq!(one, ContactSecret::derive(&bob.secret_key(), &alice.public_key()));
        let product = bob.public_key().mul_tweak(&Secp256k1::new(), &Scalar::from(alice.secret_key())).unwrap();
        prop_assert_eq!(one, ContactSecret::from_shared_point(&product));
    }

    // CON-9: equal exactly if every byte is.
    #[test]
    fn secrets_are_equal_if_their_bytes_are(bytes: [u8; 32], at in 0usize..32, bit in 0u32..8) {
        let mut other = bytes;
        other[at] ^= 1 << bit;
        prop_assert_eq!(ContactSecret::from_byte_array(bytes), ContactSecret::from_byte_array(bytes));
        prop_assert_ne!(ContactSecret::from_byte_array(bytes), ContactSecret::from_byte_array(other));
    }

    // CON-4: no bit of a request under a name can be changed by whoever signs the request.
    #[test]
    fn a_name_is_signed_for_with_the_whole_request(at in 0usize..3, by in 1u8..) {
        let changed = |raw: Raw| match at {
            0 => raw.with(0, [0x24 ^ by; 16]),
            1 => raw.with_number(82, PRICE + u64::from(by)),
            _ => raw.with(2_000_000_001, [by]),
        };
        let raw = changed(named(&own(), |raw| raw)).sign_request(&payer());
        let error = raw.refusal::<InvoiceRequest>();
        assert_error(&error, ErrorKind::InvalidSignature, Rule::Con4, Field::INVREQ_PAYER_BIP_353_SIGNATURE);
    }
}

// TLV-3, TLV-7: the fields in their form, wherever they stand.
#[test]
fn what_is_malformed_is_refused() {
    use ErrorKind::*;
    let point = own().public_key().serialize();
    let signed = |rest: &[u8]| [&point[..], rest].concat();
    let off_curve = [&[2][..], &[0xff; 32], &[1; 64]].concat();
    let cases: [(u64, Vec<u8>, ErrorKind, Rule, Field); 10] = [
        (SECRET, vec![1; 31], InvalidLength, Rule::Tlv7, Field::INVREQ_CONTACT_SECRET),
        (SECRET, vec![1; 33], InvalidLength, Rule::Tlv7, Field::INVREQ_CONTACT_SECRET),
        (PAYER_OFFER, vec![22, 33, 2], Truncated, Rule::Tlv3, Field::INVREQ_PAYER_OFFER),
        (PAYER_OFFER, vec![4, 0, 2, 0], NotAscending, Rule::Tlv1, Field::INVREQ_PAYER_OFFER),
        (NAME, vec![5, b'a'], Truncated, Rule::Rqr14, Field::INVREQ_PAYER_BIP_353_NAME),
        (NAME, vec![1, b'a', 0], EmptyValue, Rule::D12, Field::INVREQ_PAYER_BIP_353_NAME),
        (NAME, name_value(), Missing, Rule::Con4, Field::INVREQ_PAYER_BIP_353_SIGNATURE),
        (SIGNATURE, vec![2; 32], Truncated, Rule::Tlv3, Field::INVREQ_PAYER_BIP_353_SIGNATURE),
        (SIGNATURE, signed(&[1; 63]), InvalidLength, Rule::Tlv7, Field::INVREQ_PAYER_BIP_353_SIGNATURE),
        (SIGNATURE, off_curve, InvalidPoint, Rule::Tlv7, Field::INVREQ_PAYER_BIP_353_SIGNATURE),
    ];
    for (number, value, kind, rule, field) in cases {
        let raw = request_for(offer()).with(number, value.clone());
        let error = raw.clone().sign_request(&payer()).refusal::<InvoiceRequest>();
        assert_error(&error, kind.clone(), rule, field);
        // D10
        let error = invoice_for(raw, issuer().public_key()).sign_invoice(&issuer()).refusal::<Invoice>();
        assert_error(&error, kind.clone(), rule, field);
        let error = refund().with(number, value).refusal::<Refund>();
        assert_error(&error, kind, rule, field);
    }
}

// CON-4
#[test]
fn a_name_needs_a_valid_signature() {
    let raw = named(&own(), |raw| raw);
    let request: InvoiceRequest = raw.read();
    let by = request.payer_bip_353_signature().unwrap();
    assert_eq!(by.key, own().public_key());
    assert_eq!(request.payer_bip_353_name().unwrap().to_string(), "₿alice@example.com");
    // In an invoice it still is.
    let raw_invoice = invoice_for(raw.clone(), issuer().public_key());
    let invoice: Invoice = raw_invoice.clone().sign_invoice(&issuer()).read();
    assert_eq!(invoice.request().payer_bip_353_signature(), Some(by));
    // Another key's does not do, neither does one for another message, or for the request's own signature.
    let stranger = named(&key(0x56), |raw| raw);
    let mut forged = raw.get(SIGNATURE).to_vec();
    forged[33..].copy_from_slice(&stranger.get(SIGNATURE)[33..]);
    let mut other_tag = raw.get(SIGNATURE).to_vec();
    let own_digest = Message::from_digest(raw.clone().without(240).without(SIGNATURE).digest("invoice_request"));
    other_tag[33..].copy_from_slice(Secp256k1::new().sign_schnorr_no_aux_rand(&own_digest, &own()).as_ref());
    for forged in [forged, other_tag] {
        let field = Field::INVREQ_PAYER_BIP_353_SIGNATURE;
        let error = raw.clone().with(SIGNATURE, forged.clone()).sign_request(&payer()).refusal::<InvoiceRequest>();
        let at = raw.clone().with(SIGNATURE, forged.clone()).value_at(SIGNATURE);
        assert_error_at(&error, ErrorKind::InvalidSignature, Rule::Con4, field, at);
        let error = raw_invoice.clone().with(SIGNATURE, forged.clone()).sign_invoice(&issuer()).refusal::<Invoice>();
        assert_error(&error, ErrorKind::InvalidSignature, Rule::Con4, field);
        // Where nothing else is signed, too.
        let unsigned = raw.clone().with(SIGNATURE, forged).without(240);
        let error = Unsigned::<InvoiceRequest>::try_from(unsigned.encode()).unwrap_err();
        assert_error(&error, ErrorKind::InvalidSignature, Rule::Con4, field);
    }
    // In a refund, which nobody has to sign.
    let named_refund = refund().with(SECRET, [9; 32]).with(NAME, name_value());
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest(&named_refund)), &own());
    let by = |signature: &[u8]| [&own().public_key().serialize()[..], signature].concat();
    let signed = named_refund.clone().with(SIGNATURE, by(signature.as_ref()));
    assert_eq!(signed.read::<Refund>().payer_bip_353_name().unwrap().to_string(), "₿alice@example.com");
    let error = named_refund.with(SIGNATURE, by(&[1; 64])).refusal::<Refund>();
    assert_error(&error, ErrorKind::InvalidSignature, Rule::Con4, Field::INVREQ_PAYER_BIP_353_SIGNATURE);
    // Before any signature is looked at.
    let unsigned_name = request_for(offer()).with(NAME, name_value()).sign_request(&payer()).encode();
    let error = Unverified::<InvoiceRequest>::try_from(unsigned_name).unwrap_err();
    assert_error(&error, ErrorKind::Missing, Rule::Con4, Field::INVREQ_PAYER_BIP_353_SIGNATURE);
    let lone = request_for(offer()).with(SIGNATURE, raw.get(SIGNATURE)).sign_request(&payer());
    assert_eq!(lone.read::<InvoiceRequest>().introduction(), None);
}

#[test]
fn what_is_read_is_what_was_said() {
    let plain: InvoiceRequest = request().read();
    assert_eq!(plain.introduction(), None);
    let raw = request_for(offer()).with(SECRET, [9; 32]);
    let of = |raw: Raw| raw.sign_request(&payer()).read::<InvoiceRequest>();
    let only_secret = of(raw.clone()).introduction().unwrap();
    assert_eq!((only_secret.secret, only_secret.payer), (secret(9), None));
    let with_offer = raw.clone().with(PAYER_OFFER, own_offer().encode());
    let offer: Offer = own_offer().read();
    assert_eq!(of(with_offer.clone()).introduction().unwrap().payer, Some(PayerIdentity::from(offer.clone())));
    // In the invoice too.
    let invoice = invoice_for(with_offer, issuer().public_key()).sign_invoice(&issuer()).read::<Invoice>();
    assert_eq!(invoice.request().payer_offer(), Some(Ok(offer)));
    // What is no offer, or too long, is as good as none: the request is answered all the same.
    for bad in [Raw::empty().with(10, "tea"), own_offer().with(10, vec![b'x'; 300]), Raw::empty()] {
        let read = of(raw.clone().with(PAYER_OFFER, bad.encode()));
        assert_eq!(read.introduction().unwrap().payer, None);
    }
    assert!(of(raw.with(PAYER_OFFER, [])).payer_offer().unwrap().is_err());
    // A name goes before an offer.
    let both = named(&own(), |raw| raw.with(PAYER_OFFER, own_offer().encode())).read::<InvoiceRequest>();
    assert!(matches!(both.introduction().unwrap().payer, Some(PayerIdentity::Name { .. })));
}

fn usable(offer: &Offer) -> UsableOffer<'_> {
    offer.usable(NOW, BITCOIN).unwrap()
}

fn builder(offer: &Offer) -> InvoiceRequestBuilder<'_> {
    InvoiceRequestBuilder::new(usable(offer), payer().public_key(), [0x24; 16])
}

fn alice() -> PayerIdentity {
    let offer: Offer = own_offer().read();
    PayerIdentity::name("alice@example.com".parse().unwrap(), &offer, own().public_key()).unwrap()
}

// CON-3
#[test]
fn a_name_is_signed_for_here_or_elsewhere() {
    let bobs: Offer = offer().read();
    let expected: InvoiceRequest = named(&own(), |raw| raw).read();
    let unsigned = || builder(&bobs).introduce(&secret(9), &alice()).build_named().unwrap();
    assert_eq!(unsigned().signer(), own().public_key());
    assert_eq!(unsigned().sign(&own()).unwrap().sign(&payer()).unwrap(), expected);
    assert_eq!(unsigned().digest(), digest(&Raw::of(expected.as_bytes())));
    let elsewhere = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(unsigned().digest()), &own());
    assert_eq!(unsigned().complete(&elsewhere).unwrap().sign(&payer()).unwrap(), expected);

    let field = Field::INVREQ_PAYER_BIP_353_SIGNATURE;
    assert_error(&unsigned().sign(&payer()).unwrap_err(), ErrorKind::WrongKey, Rule::Con3, field);
    let wrong = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest([1; 32]), &own());
    assert_error(&unsigned().complete(&wrong).unwrap_err(), ErrorKind::InvalidSignature, Rule::Con3, field);
    // Nobody forgets it.
    let forgotten = builder(&bobs).introduce(&secret(9), &alice()).build().unwrap_err();
    assert_error(&forgotten, ErrorKind::Missing, Rule::Con3, field);
    let unnamed = builder(&bobs).build_named().unwrap_err();
    assert_error(&unnamed, ErrorKind::Missing, Rule::Con3, Field::INVREQ_PAYER_BIP_353_NAME);
    // The key is the offer's.
    let own: Offer = own_offer().read();
    let stranger = PayerIdentity::name("alice@example.com".parse().unwrap(), &own, payer().public_key());
    assert_error(&stranger.unwrap_err(), ErrorKind::WrongKey, Rule::Con3, field);
    let by_path: Offer = hidden_offer().read();
    assert!(PayerIdentity::name("a@b".parse().unwrap(), &by_path, recipient().public_key()).is_ok());
}

/// Fields by number, and what is wrong with them.
type Case<'a> = (&'a [(u64, &'a [u8])], Option<(ErrorKind, Rule, Field)>);

// CON-2: also where fields are added by number.
#[test]
fn who_pays_is_said_whole() {
    use ErrorKind::*;
    let bobs: Offer = offer().read();
    let own = own_offer().encode();
    let long = own_offer().with(10, vec![b'x'; 262]).encode();
    let len = long.len();
    assert!(len > 300);
    let fits = own_offer().with(10, vec![b'x'; 300 - own.len() - 4]).encode();
    let cases: [Case<'_>; 9] = [
        (&[(SECRET, &[9; 32]), (PAYER_OFFER, &own)], None),
        (&[(SECRET, &[9; 32]), (PAYER_OFFER, &fits)], None),
        (&[(SECRET, &[9; 32])], Some((Missing, Rule::Con2, Field::INVREQ_PAYER_OFFER))),
        (&[(PAYER_OFFER, &own)], Some((Missing, Rule::Con2, Field::INVREQ_CONTACT_SECRET))),
        (
            &[(SECRET, &[9; 32]), (PAYER_OFFER, &long)],
            Some((TooLong { len, max: 300 }, Rule::Con2, Field::INVREQ_PAYER_OFFER)),
        ),
        (&[(SECRET, &[9; 32]), (PAYER_OFFER, &[10, 1, b'x'])], Some((Missing, Rule::Con2, Field::INVREQ_PAYER_OFFER))),
        (&[(SIGNATURE, &[2; 97])], Some((Unexpected, Rule::Con3, Field::INVREQ_PAYER_BIP_353_SIGNATURE))),
        (
            &[(SECRET, &[9; 32]), (PAYER_OFFER, &own), (SIGNATURE, &own_signature())],
            Some((Unexpected, Rule::Con3, Field::INVREQ_PAYER_BIP_353_SIGNATURE)),
        ),
        (
            &[(SECRET, &[9; 32]), (PAYER_OFFER, &own), (NAME, &name_value()), (SIGNATURE, &own_signature())],
            Some((Unexpected, Rule::Con2, Field::INVREQ_PAYER_BIP_353_NAME)),
        ),
    ];
    for (fields, expected) in cases {
        let request =
            fields.iter().fold(builder(&bobs), |request, (number, value)| request.custom_field(*number, *value));
        match (request.build(), expected) {
            (Ok(_), None) => {}
            (Err(error), Some((kind, rule, field))) => assert_error(&error, kind, rule, field),
            (result, expected) => panic!("{fields:?}: {result:?}, not {expected:?}"),
        }
    }
    // A refund under a name that is not signed for is not made either (CON-4).
    let refund = RefundBuilder::new("tea", Msat(1), payer().public_key(), [1; 16]);
    let refund = refund.custom_field(NAME, name_value()).custom_field(SIGNATURE, own_signature()).build().unwrap_err();
    assert_error(&refund, InvalidSignature, Rule::Con4, Field::INVREQ_PAYER_BIP_353_SIGNATURE);
}

fn own_signature() -> Vec<u8> {
    [&own().public_key().serialize()[..], &[1; 64]].concat()
}

#[test]
fn debug_does_not_show_the_secret() {
    let bobs: Offer = offer().read();
    let me = PayerIdentity::from(own_offer().read::<Offer>());
    let request = builder(&bobs).introduce(&secret(9), &me).build().unwrap();
    let shown = format!("{:?} {:?}", *request, secret(9));
    assert!(shown.contains("invreq_contact_secret: ContactSecret(..)"), "{shown}");
    assert!(!shown.contains("0909"), "{shown}");
}
