//! An invoice that somebody else fetched, checked against the offer alone: nobody but the offer's payee is paid.

use std::ops::RangeInclusive;

use super::raw::*;
use bolt12::{ChainHash, ErrorKind, FetchedContext, Field, Invoice, Msat, Offer, Rule, UnixTime};
use proptest::prelude::*;

fn wanted() -> FetchedContext {
    FetchedContext { now: NOW, chain: ChainHash::BITCOIN, amount: just(PRICE), quantity: None }
}

fn just(msat: u64) -> RangeInclusive<Msat> {
    Msat(msat)..=Msat(msat)
}

fn fetched(offer: Raw, signer: &bolt12::secp256k1::Keypair) -> Invoice {
    invoice_for(request_for(offer), signer.public_key()).sign_invoice(signer).read()
}

#[track_caller]
fn refused(offer: &Raw, invoice: &Invoice, wanted: &FetchedContext) -> (ErrorKind, Rule, Option<Field>) {
    let offer: Offer = offer.read();
    let error = offer.check_invoice(invoice, wanted).unwrap_err();
    (error.kind().clone(), error.rule(), error.field())
}

#[test]
fn an_honest_invoice_can_be_paid() {
    for (offer, signer) in [(offer(), issuer()), (hidden_offer(), recipient())] {
        let invoice = fetched(offer.clone(), &signer);
        let read: Offer = offer.read();
        let payable = read.check_invoice(&invoice, &wanted()).unwrap();
        assert_eq!((payable.amount(), payable.paths().count()), (Msat(PRICE), 1));
        // The last second is still good.
        let last = FetchedContext { now: invoice.expires_at(), ..wanted() };
        assert!(read.check_invoice(&invoice, &last).is_ok());
    }
}

// IVR-9: a service that signs with a key of its own, for an offer that names none.
#[test]
fn nobody_else_is_paid() {
    let service = key(0x66);
    let forged = fetched(hidden_offer(), &service);
    let wrong_key = (ErrorKind::WrongKey, Rule::Ivr9, Some(Field::INVOICE_NODE_ID));
    assert_eq!(refused(&hidden_offer(), &forged, &wanted()), wrong_key);
    // Not even a node on the way is.
    let relay = fetched(hidden_offer(), &key(0x46));
    assert_eq!(refused(&hidden_offer(), &relay, &wanted()), wrong_key);
    // A last key of any of the paths will do: only who asked knows which was used.
    let two = offer().without(22).with(16, [path(), path_over(&[point(0x47)])].concat());
    for signer in [recipient(), key(0x47)] {
        assert!(two.read::<Offer>().check_invoice(&fetched(two.clone(), &signer), &wanted()).is_ok());
    }
    // With an issuer id, the end of a path does not.
    let both = offer().with(16, path());
    assert!(both.read::<Offer>().check_invoice(&fetched(both.clone(), &issuer()), &wanted()).is_ok());
}

// IVR-8: an offer of the same payee that is cheaper, or for something else.
#[test]
fn it_is_for_this_offer_byte_for_byte() {
    let others = [
        (offer().with(10, "coffee"), Field::OFFER_DESCRIPTION),
        (offer().with_number(8, PRICE - 1), Field::OFFER_AMOUNT),
        (offer().with(4, [1]), Field::OFFER_METADATA),
        (offer().with(79, [1]), Field::numbered(79)),
        (offer().with(1_000_000_001, [1]), Field::numbered(1_000_000_001)),
    ];
    for (other, field) in others {
        let invoice = fetched(other.clone(), &issuer());
        assert_eq!(refused(&offer(), &invoice, &wanted()), (ErrorKind::Differs, Rule::Ivr8, Some(field)));
        let invoice = fetched(offer(), &issuer());
        assert_eq!(refused(&other, &invoice, &wanted()), (ErrorKind::Differs, Rule::Ivr8, Some(field)));
    }
}

// IVR-2, IVR-4, IVR-11, EXC-11
#[test]
fn amount_chain_time_and_quantity_are_those_wanted() {
    let invoice = fetched(offer(), &issuer());
    let is = |wanted: FetchedContext| refused(&offer(), &invoice, &wanted);
    let (amount, created) = (Some(Field::INVOICE_AMOUNT), Some(Field::INVOICE_CREATED_AT));
    assert_eq!(
        is(FetchedContext { amount: just(PRICE - 1), ..wanted() }),
        (ErrorKind::AmountTooHigh { max: Msat(PRICE - 1) }, Rule::Ivr11, amount)
    );
    assert_eq!(
        is(FetchedContext { amount: just(PRICE + 1), ..wanted() }),
        (ErrorKind::AmountTooLow { min: Msat(PRICE + 1) }, Rule::Ivr11, amount)
    );
    // What is told about it names what it is about.
    let too_low = offer()
        .read::<Offer>()
        .check_invoice(&invoice, &FetchedContext { amount: just(PRICE + 1), ..wanted() })
        .unwrap_err();
    assert_eq!(bolt12::InvoiceError::answering(&too_low).unwrap().erroneous_field(), amount);
    assert_eq!(is(FetchedContext { chain: ChainHash::SIGNET, ..wanted() }).0, ErrorKind::UnsupportedChain);
    let at = UnixTime(CREATED_AT + 7200);
    assert_eq!(
        is(FetchedContext { now: UnixTime(at.0 + 1), ..wanted() }),
        (ErrorKind::Expired { at }, Rule::Ivr4, created)
    );
    // One item was wanted, and the money would buy three, or the other way round.
    let several = offer().with_number(20, 10);
    let of = |quantity: u64| {
        let request = request_for(several.clone()).with_number(86, quantity).with_number(82, 3 * PRICE);
        let invoice = invoice_for(request, issuer().public_key()).with_number(170, 3 * PRICE);
        invoice.sign_invoice(&issuer()).read::<Invoice>()
    };
    let three = FetchedContext { amount: just(3 * PRICE), quantity: Some(3), ..wanted() };
    assert!(several.read::<Offer>().check_invoice(&of(3), &three).is_ok());
    for (quantity, wanted) in [(1, three.clone()), (3, FetchedContext { quantity: None, ..three })] {
        let field = Some(Field::INVREQ_QUANTITY);
        assert_eq!(refused(&several, &of(quantity), &wanted), (ErrorKind::Differs, Rule::Ivr8, field));
    }
}

// EXC-11
#[test]
fn what_its_paths_cannot_carry_is_not_payable() {
    let mut info = payinfo(&[]);
    info[18..26].fill(0);
    let raw = invoice_for(request_for(offer()), issuer().public_key()).with(162, info).sign_invoice(&issuer());
    let kind = refused(&offer(), &raw.read::<Invoice>(), &wanted()).0;
    assert!(matches!(kind, ErrorKind::CannotCarry { .. }), "{kind:?}");
}

proptest! {
    /// Whoever signs, and whatever is asked for: it is payable exactly if all of it is as wanted.
    #[test]
    fn it_is_payable_exactly_if_all_is_as_wanted(
        is_hidden: bool, signer in 0usize..4, least in 0u64..3, most in 0u64..3, late in 0u64..3,
    ) {
        let keys = [issuer(), recipient(), key(0x46), key(0x66)];
        let (raw, right) = if is_hidden { (hidden_offer(), 1) } else { (offer(), 0) };
        // An invoice for an offer with an issuer id, signed by somebody else, cannot be read (IVR-9).
        prop_assume!(is_hidden || signer == right);
        let invoice = fetched(raw.clone(), &keys[signer]);
        let wanted = FetchedContext {
            now: UnixTime(CREATED_AT + 7199 + late),
            amount: Msat(PRICE - 1 + least)..=Msat(PRICE - 1 + most),
            ..wanted()
        };
        let expected = signer == right && least <= 1 && most >= 1 && late <= 1;
        prop_assert_eq!(raw.read::<Offer>().check_invoice(&invoice, &wanted).is_ok(), expected);
    }
}
