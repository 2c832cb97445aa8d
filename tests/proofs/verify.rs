//! What a verifier asks: was this offer, or this key, paid at least so much, with this challenge in the note?
//! Whole exchanges, and each condition that may not hold, alone and together with others.

use super::messages::{NOW, issuer, key, path, payer, payinfo, request_for};
use super::naive;
use bolt12::secp256k1::Secp256k1;
use bolt12::{
    ChainHash, ErrorKind, Expectation, ExpectedPayee, Field, Invoice, InvoiceBuilder, InvoiceRequest, Msat, Offer,
    OfferBuilder, PayerProof, PayerProofBuilder, Preimage, RequestArrival, RequestContext, Rule, Unmet, Unsigned,
};

const PREIMAGE: Preimage = Preimage([0x77; 32]);
const PAID: Msat = Msat(100_000);

fn tea() -> OfferBuilder {
    OfferBuilder::new(issuer().public_key()).description("tea").amount_msat(PAID).issuer("a shop")
}

/// The invoice for an offer that is paid what it costs, signed with a key.
fn paid_to(offer: &Offer, request: &InvoiceRequest, payee: u8) -> Invoice {
    let arrival = match offer.paths() {
        Some(_) => RequestArrival::OfferPath(key(payee_path(payee)).public_key().into()),
        None => RequestArrival::Direct,
    };
    let context =
        RequestContext { offer, now: NOW, chains: &[ChainHash::BITCOIN], arrival, rate: None, max_amount: None };
    let accepted = request.accept(&context).unwrap();
    InvoiceBuilder::new(accepted, NOW, PREIMAGE.payment_hash())
        .add_path(path(1), &payinfo())
        .build()
        .unwrap()
        .sign(&key(payee))
        .unwrap()
}

/// The path over which the request came: the one that leads to the payee, or the one there is.
fn payee_path(payee: u8) -> u8 {
    if payee == ISSUER { 2 } else { payee }
}

/// The number of the issuer's key.
const ISSUER: u8 = 0x41;

fn paid(offer: &Offer) -> Invoice {
    let request = request_for(offer).build().unwrap().sign(&payer()).unwrap();
    paid_to(offer, &request, ISSUER)
}

/// A proof with a change, as the verifier gets it.
fn proof(invoice: &Invoice, change: impl FnOnce(PayerProofBuilder<'_>) -> PayerProofBuilder<'_>) -> PayerProof {
    let proof = change(PayerProofBuilder::without_paths(invoice, PREIMAGE)).note("challenge 17");
    proof.build().unwrap().sign(&payer()).unwrap().to_string().parse().unwrap()
}

/// What a check finds wanting.
fn unmet(proof: &PayerProof, expectation: &Expectation<'_>) -> Result<(), Vec<Unmet>> {
    proof.check(expectation).map_err(|unmet| unmet.as_slice().to_vec())
}

fn of(offer: &Offer) -> Expectation<'_> {
    Expectation {
        payee: ExpectedPayee::Offer(offer),
        chain: ChainHash::BITCOIN,
        min_amount: PAID,
        note: Some("challenge 17"),
    }
}

#[test]
fn a_proof_shows_that_this_offer_was_paid() {
    let offer = tea().build().unwrap();
    let proof = proof(&paid(&offer), |proof| proof);
    assert_eq!(unmet(&proof, &of(&offer)), Ok(()));
    assert_eq!(unmet(&proof, &Expectation { note: None, ..of(&offer) }), Ok(()));
    assert_eq!(unmet(&proof, &Expectation { min_amount: Msat(1), ..of(&offer) }), Ok(()));
    assert_eq!(unmet(&proof, &Expectation { min_amount: Msat(0), ..of(&offer) }), Ok(()));
    let node = ExpectedPayee::NodeId(issuer().public_key());
    assert_eq!(unmet(&proof, &Expectation { payee: node, ..of(&offer) }), Ok(()));
}

/// For a key, the offer need not be shown.
#[test]
fn a_proof_shows_that_this_key_was_paid() {
    let invoice = paid(&tea().build().unwrap());
    let proof = PayerProofBuilder::receipt(&invoice, PREIMAGE).hide(Field::OFFER_ISSUER).build().unwrap();
    let proof = proof.sign(&payer()).unwrap();
    let payee = ExpectedPayee::NodeId(issuer().public_key());
    let expected = Expectation { payee, chain: ChainHash::BITCOIN, min_amount: PAID, note: None };
    assert_eq!(unmet(&proof, &expected), Ok(()));
    for other in [payer().public_key(), key(9).public_key(), issuer().public_key().negate(&Secp256k1::new())] {
        let expected = Expectation { payee: ExpectedPayee::NodeId(other), ..expected };
        assert_eq!(unmet(&proof, &expected), Err(vec![Unmet::WrongNodeId]));
    }
}

#[test]
fn each_condition_is_named_alone() {
    let offer = tea().build().unwrap();
    let invoice = paid(&offer);
    let whole = proof(&invoice, |proof| proof);
    let hidden = |field| proof(&invoice, |proof| proof.hide(field));
    for (what, proof, expected, wanting) in [
        (
            "too little",
            &whole,
            Expectation { min_amount: Msat(100_001), ..of(&offer) },
            Unmet::AmountTooLow { paid: PAID },
        ),
        ("no amount", &hidden(Field::INVOICE_AMOUNT), of(&offer), Unmet::AmountHidden),
        ("another note", &whole, Expectation { note: Some("challenge 18"), ..of(&offer) }, Unmet::NoteDiffers),
        ("a longer note", &whole, Expectation { note: Some("challenge 17 "), ..of(&offer) }, Unmet::NoteDiffers),
        ("an empty challenge", &whole, Expectation { note: Some(""), ..of(&offer) }, Unmet::NoteDiffers),
        ("a hidden price", &hidden(Field::OFFER_AMOUNT), of(&offer), Unmet::OfferHidden(Field::OFFER_AMOUNT)),
    ] {
        assert_eq!(unmet(proof, &expected), Err(vec![wanting]), "{what}");
    }
    // What is hidden just before the place of `invreq_chain` could be that.
    let wanting = vec![Unmet::OfferHidden(Field::OFFER_ISSUER_ID), Unmet::ChainHidden];
    assert_eq!(unmet(&hidden(Field::OFFER_ISSUER_ID), &of(&offer)), Err(wanting));
    let elsewhere = Expectation { chain: ChainHash::TESTNET4, ..of(&offer) };
    assert_eq!(unmet(&whole, &elsewhere), Err(vec![Unmet::WrongChain]));
    let silent = PayerProofBuilder::without_paths(&invoice, PREIMAGE).build().unwrap().sign(&payer()).unwrap();
    assert_eq!(unmet(&silent, &of(&offer)), Err(vec![Unmet::NoteMissing]));
    assert_eq!(unmet(&silent, &Expectation { note: None, ..of(&offer) }), Ok(()));
}

#[test]
fn every_condition_that_does_not_hold_is_named() {
    let offer = tea().build().unwrap();
    let invoice = paid(&offer);
    let proof = PayerProofBuilder::minimal(&invoice, PREIMAGE).build().unwrap().sign(&payer()).unwrap();
    let hidden = [Field::OFFER_AMOUNT, Field::OFFER_DESCRIPTION, Field::OFFER_ISSUER, Field::OFFER_ISSUER_ID];
    let mut expected: Vec<Unmet> = hidden.map(Unmet::OfferHidden).to_vec();
    expected.extend([Unmet::ChainHidden, Unmet::AmountHidden, Unmet::NoteMissing]);
    assert_eq!(unmet(&proof, &of(&offer)), Err(expected));
    // Another key's offer.
    let other = OfferBuilder::new(key(9).public_key()).build().unwrap();
    let whole = self::proof(&invoice, |proof| proof);
    let found = unmet(&whole, &Expectation { min_amount: Msat(u64::MAX), note: Some("?"), ..of(&other) });
    let differs = [Field::OFFER_ISSUER_ID, Field::OFFER_AMOUNT, Field::OFFER_DESCRIPTION, Field::OFFER_ISSUER];
    let mut expected: Vec<Unmet> = differs.map(Unmet::OfferDiffers).to_vec();
    expected.extend([Unmet::WrongNodeId, Unmet::AmountTooLow { paid: PAID }, Unmet::NoteDiffers]);
    assert_eq!(found, Err(expected));
}

#[test]
fn another_offer_of_the_same_issuer_is_another_offer() {
    let offer = tea().build().unwrap();
    let of_paid = proof(&paid(&offer), |proof| proof);
    for (other, wanting) in [
        (tea().description("coffee").build().unwrap(), vec![Unmet::OfferDiffers(Field::OFFER_DESCRIPTION)]),
        (tea().metadata([1; 4]).build().unwrap(), vec![Unmet::OfferDiffers(Field::OFFER_METADATA)]),
        (
            tea().custom_field(1_000_000_001, [1]).build().unwrap(),
            vec![Unmet::OfferDiffers(Field::numbered(1_000_000_001))],
        ),
        (tea().issuer("").build().unwrap(), vec![Unmet::OfferDiffers(Field::OFFER_ISSUER)]),
    ] {
        assert_eq!(unmet(&of_paid, &of(&other)), Err(wanting), "{other:?}");
        // Nor the other way round.
        let of_other = proof(&paid(&other), |proof| proof);
        assert_eq!(unmet(&of_other, &of(&other)), Ok(()));
        assert!(unmet(&of_other, &of(&offer)).is_err(), "{other:?}");
    }
}

/// An invoice for an offer with one field more, which the proof hides, is not for this offer.
#[test]
fn a_hidden_field_makes_it_another_offer() {
    let offer = tea().build().unwrap();
    for (other, field) in [
        (tea().metadata([1; 4]).build().unwrap(), Field::OFFER_METADATA),
        (tea().absolute_expiry(NOW).build().unwrap(), Field::OFFER_ABSOLUTE_EXPIRY),
        (tea().custom_field(1_000_000_001, [1]).build().unwrap(), Field::numbered(1_000_000_001)),
    ] {
        let proof = proof(&paid(&other), |proof| proof.hide(field));
        assert_eq!(unmet(&proof, &of(&offer)), Err(vec![Unmet::OfferMayHaveMore]), "{field}");
        assert_eq!(unmet(&proof, &of(&other)), Err(vec![Unmet::OfferHidden(field)]), "{field}");
    }
}

/// An offer with paths is recognised if they are shown; without an issuer's key, one of them leads to the payee.
#[test]
fn an_offer_with_paths_is_recognised_by_them() {
    // The last hop of this path has the key of that number.
    let with_both = tea().add_path(path(2)).build().unwrap();
    let offers = OfferBuilder::with_paths([path(2), path(1)]);
    let paths_only = offers.description("tea").amount_msat(PAID).build().unwrap();
    for (offer, payee) in [(&with_both, ISSUER), (&paths_only, 1), (&paths_only, 2)] {
        let request = request_for(offer).build().unwrap().sign(&payer()).unwrap();
        let invoice = paid_to(offer, &request, payee);
        let hidden = proof(&invoice, |proof| proof);
        let found = unmet(&hidden, &of(offer)).unwrap_err();
        assert_eq!(found[0], Unmet::OfferHidden(Field::OFFER_PATHS));
        // Beside the hidden paths, the chain may be hidden too.
        assert!(found[1..].iter().all(|unmet| *unmet == Unmet::ChainHidden), "{found:?}");
        let shown = proof(&invoice, |proof| proof.reveal(Field::OFFER_PATHS));
        assert_eq!(unmet(&shown, &of(offer)), Ok(()));
        // The same but for the path.
        let other = OfferBuilder::with_paths([path(3)]).description("tea").amount_msat(PAID).build().unwrap();
        assert!(unmet(&shown, &of(&other)).unwrap_err().contains(&Unmet::OfferDiffers(Field::OFFER_PATHS)));
    }
    // Somebody else's invoice for the offer: the payee need not be who made it.
    let mut records = naive::parse(paid(&tea().build().unwrap()).as_bytes()).unwrap();
    records.retain(|record| ![18, 22, 240].contains(&record.number));
    records.push(naive::record(16, paths_only.tlvs().get(16).unwrap().value()));
    records.sort_by_key(|record| record.number);
    let invoice = Invoice::try_from(naive::concat(&naive::sign("invoice", records, &issuer()))).unwrap();
    let proof = proof(&invoice, |proof| proof.reveal(Field::OFFER_PATHS));
    assert_eq!(unmet(&proof, &of(&paths_only)), Err(vec![Unmet::WrongNodeId]));
}

/// What is shown to people names no Rust, and fits a dialog.
#[test]
fn conditions_are_told_in_sentences() {
    for (unmet, sentence) in [
        (Unmet::OfferDiffers(Field::OFFER_ISSUER), "the issuer's name is not that of the offer"),
        (Unmet::OfferHidden(Field::numbered(33)), "field 33 is not disclosed"),
        (Unmet::OfferMayHaveMore, "hidden fields may make it another offer"),
        (Unmet::WrongNodeId, "somebody else was paid"),
        (Unmet::WrongChain, "it was paid on another chain"),
        (Unmet::ChainHidden, "the chain is not disclosed"),
        (Unmet::AmountTooLow { paid: Msat(1_500) }, "only 1.5 sat were paid"),
        (Unmet::AmountHidden, "the amount is not disclosed"),
        (Unmet::NoteMissing, "the note is missing"),
        (Unmet::NoteDiffers, "the note is another one"),
    ] {
        assert_eq!(unmet.to_string(), sentence);
    }
}

#[test]
fn a_preimage_is_not_logged_by_mistake() {
    assert_eq!(format!("{PREIMAGE:?}"), "Preimage");
    assert_eq!(PREIMAGE.to_string(), "77".repeat(32));
    let invoice = paid(&tea().build().unwrap());
    assert!(!format!("{:?}", PayerProofBuilder::minimal(&invoice, PREIMAGE)).contains("77".repeat(8).as_str()));
}

/// A proof that comes to a signer has been verified but for the payer's signature: nobody can have a proof signed that
/// the payee's signature does not stand behind (PPR-6).
#[test]
fn a_signer_is_shown_no_forged_proof() {
    let invoice = paid(&tea().build().unwrap());
    let unsigned = PayerProofBuilder::receipt(&invoice, PREIMAGE).build().unwrap();
    let bytes = unsigned.as_bytes().to_vec();
    assert_eq!(Unsigned::<PayerProof>::try_from(bytes.clone()).unwrap().digest(), unsigned.digest());
    // A greater amount, another payee, another signature of the payee.
    // The last byte of the amount: the first must not become zero.
    let amount = tlv_value(&unsigned, 170) + 2;
    for at in [amount, tlv_value(&unsigned, 240) + 5, tlv_value(&unsigned, 164)] {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        let error = Unsigned::<PayerProof>::try_from(forged).map(drop).unwrap_err();
        assert_eq!((error.kind(), error.rule()), (&ErrorKind::InvalidSignature, Rule::Ppr6));
    }
}

/// Where the value of a record starts.
fn tlv_value(unsigned: &Unsigned<PayerProof>, number: u64) -> usize {
    unsigned.tlvs().get(number).unwrap().value_offset()
}
