//! The way a request comes and whose key that obliges to sign, and prices in currencies.

use super::raw::{self, *};
use bolt12::{
    Arrival, CurrencyCode, Error, ErrorKind, Field, Invoice, InvoiceContext, InvoiceError, InvoiceRequest,
    InvoiceRequestBuilder, MinorUnits, Msat, MultiPart, Offer, OfferAmount, Point, Rate, RequestArrival,
    RequestContext, Rule, SentTo, UnixTime,
};
use proptest::prelude::*;

fn usd(amount: u64) -> OfferAmount {
    OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(amount) }
}

fn recipient_path() -> RequestArrival {
    RequestArrival::OfferPath(recipient().public_key().into())
}

fn request_of(offer: &Raw) -> InvoiceRequest {
    request_for(offer.clone()).sign_request(&payer()).read()
}

// ---- Arrival ----

// RQR-7, IVW-3
#[test]
fn a_request_comes_over_a_path_of_its_offer_or_directly_if_there_is_none() {
    let second = hidden_offer().with(16, [path_over(&[point(5)]), path()].concat());
    let both = second.clone().with(22, issuer().public_key().serialize());
    let to = |seed| RequestArrival::OfferPath(point(seed).into());
    let (issuer_id, recipient_id) = (issuer().public_key(), recipient().public_key());
    // What no offer's request may come by: another path, ends of no path, a node within or before a path.
    let wrong = [RequestArrival::OtherPath, to(9), to(0x46), to(0x45), to(0x44)];
    for (raw, right) in [
        (offer(), vec![(RequestArrival::Direct, issuer_id)]),
        (hidden_offer(), vec![(recipient_path(), recipient_id)]),
        (second, vec![(to(5), point(5)), (recipient_path(), recipient_id)]),
        (both, vec![(to(5), issuer_id), (recipient_path(), issuer_id)]),
    ] {
        let (offer, request): (Offer, InvoiceRequest) = (raw.read(), request_of(&raw));
        let accept = |arrival| request.accept(&RequestContext { arrival, ..request_context(&offer) });
        for (arrival, node_id) in &right {
            let accepted = accept(*arrival).unwrap();
            assert_eq!((accepted.node_id(), accepted.amount()), (*node_id, Msat(PRICE)));
            assert_eq!(accepted.fields().payer_id(), Some(payer().public_key()));
        }
        let others = [RequestArrival::Direct, to(5), recipient_path()];
        let others = others.into_iter().filter(|other| right.iter().all(|(arrival, _)| arrival != other));
        for arrival in wrong.into_iter().chain(others) {
            let error = accept(arrival).unwrap_err();
            assert_error(&error, ErrorKind::WrongArrival, Rule::Rqr7, None);
            assert!(InvoiceError::answering(&error).is_none());
        }
    }
}

// RQR-7
#[test]
fn the_issuers_key_is_no_path_to_it() {
    for raw in [offer(), offer().with(16, path())] {
        let (offer, request): (Offer, InvoiceRequest) = (raw.read(), request_of(&raw));
        let arrival = RequestArrival::OfferPath(issuer().public_key().into());
        let error = request.accept(&RequestContext { arrival, ..request_context(&offer) }).unwrap_err();
        assert_error(&error, ErrorKind::WrongArrival, Rule::Rqr7, None);
    }
}

// RQR-6, RQR-7
#[test]
fn who_probes_does_not_learn_whether_the_offer_has_expired() {
    let raw = offer().with_number(14, CREATED_AT - 1);
    let (offer, request): (Offer, InvoiceRequest) = (raw.read(), request_of(&raw));
    let context = RequestContext { arrival: RequestArrival::OtherPath, chains: &[], ..request_context(&offer) };
    let error = request.accept(&context).unwrap_err();
    assert_error(&error, ErrorKind::WrongArrival, Rule::Rqr7, None);
    let other = raw::offer().with(10, "coffee").read();
    let error = request.accept(&RequestContext { offer: &other, ..context }).unwrap_err();
    assert_error(&error, ErrorKind::Differs, Rule::Rqr6, None);
    assert!(InvoiceError::answering(&error).is_none());
}

// IVW-3, IVR-9
#[test]
fn the_invoice_is_signed_by_the_key_of_the_path_the_request_came_over() {
    let raw = hidden_offer().with(16, [path_over(&[point(5)]), path()].concat());
    let offer: Offer = raw.read();
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let request = InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16]).build().unwrap();
    let request = request.sign(&payer()).unwrap();
    let ends: Vec<Point> = offer.paths().unwrap().iter().map(|path| path.last_blinded_node_id()).collect();
    for ((over, other), key) in [(ends[0], ends[1]), (ends[1], ends[0])].into_iter().zip([key(5), recipient()]) {
        let arrival = RequestArrival::OfferPath(over);
        let accepted = request.accept(&RequestContext { arrival, ..request_context(&offer) }).unwrap();
        let unsigned = invoice_builder(accepted).build().unwrap();
        assert_eq!(unsigned.signer(), Some(key.public_key()));
        let signed = unsigned.sign(&key).unwrap();
        let invoice = Invoice::try_from(signed.as_bytes()).unwrap();
        assert_eq!(invoice.node_id(), key.public_key());
        let to = |sent_to| invoice.check(&payer_context(&request, sent_to));
        assert_eq!(to(SentTo::Path(over)).unwrap().amount(), Msat(PRICE));
        for sent_to in [SentTo::Path(other), SentTo::Path(point(9).into()), SentTo::IssuerId] {
            let error = to(sent_to).unwrap_err();
            assert_error(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID);
        }
    }
}

fn payer_context(request: &InvoiceRequest, sent_to: SentTo) -> InvoiceContext<'_> {
    InvoiceContext { request, sent_to, arrival: Arrival::OwnPath, now: NOW, chains: BITCOIN, max_amount: MUCH }
}

// IVR-9
#[test]
fn a_request_was_sent_over_a_path_of_the_offer_even_if_the_issuer_has_a_key() {
    for (raw, own) in [(offer(), false), (offer().with(16, path()), true)] {
        let request = request_of(&raw);
        let invoice = invoice_for(request_for(raw), issuer().public_key()).sign_invoice(&issuer());
        let invoice: Invoice = invoice.read();
        let over = |last: Point| invoice.check(&payer_context(&request, SentTo::Path(last)));
        assert_eq!(over(recipient().public_key().into()).is_ok(), own);
        let error = over(issuer().public_key().into()).unwrap_err();
        assert_error(&error, ErrorKind::WrongKey, Rule::Ivr9, Field::INVOICE_NODE_ID);
    }
}

// IVR-4, IVR-7, IVR-14
#[test]
fn what_can_be_paid_says_how() {
    let raw = request_for(offer().with(2, testnet())).with(80, testnet()).sign_request(&payer());
    let invoice = invoice_for(raw.clone(), issuer().public_key())
        .with(160, [path_over(&[point(5)]), path()].concat())
        .with(162, [payinfo(&[1]), payinfo(&[])].concat())
        .with_number(166, 60)
        .with(174, [2, 0, 0])
        .sign_invoice(&issuer());
    let (request, invoice): (InvoiceRequest, Invoice) = (raw.read(), invoice.read());
    let chains = &[bolt12::ChainHash::TESTNET3];
    let context = InvoiceContext { chains, ..payer_context(&request, SentTo::IssuerId) };
    let payable = invoice.check(&context).unwrap();
    assert_eq!((payable.amount(), payable.payment_hash()), (Msat(PRICE), hash(0x66)));
    assert_eq!((payable.chain(), payable.expires_at()), (chains[0], UnixTime(CREATED_AT + 60)));
    assert_eq!(payable.multi_part(), MultiPart::Allowed);
    // The first path needs a feature that is not known. The paths may outlive what was checked.
    let paths: Vec<_> = payable.paths().collect();
    assert_eq!(paths, [(blinded_path(), payinfo_value())]);
    assert_eq!(payable.invoice(), &invoice);
}

// ---- Rates ----

// RQR-9
#[test]
fn a_rate_is_exact_and_rounds_up_by_less_than_a_millisatoshi() {
    for ((cents, msat), price, expected) in [
        ((10_000_000, 100_000_000_000), 350, 3_500_000),
        ((1, 1), u64::MAX, u64::MAX),
        ((u64::MAX, u64::MAX), u64::MAX, u64::MAX),
        ((3, 1), 3, 1),
        ((3, 1), 4, 2),
        ((3, 1), 1, 1),
        ((3, 2), 2, 2),
        ((u64::MAX, 1), 1, 1),
        ((2, 1), u64::MAX, 1 << 63),
        // The product needs 128 bits.
        ((1 << 40, 1 << 40), 1 << 40, 1 << 40),
    ] {
        assert_eq!(rate(cents, msat).convert(usd(price)), Ok(Msat(expected)), "{cents} {msat} {price}");
    }
    assert_eq!(rate(3, 1).convert(OfferAmount::Bitcoin(Msat(7))), Ok(Msat(7)));
    assert_eq!(rate(3, 1).currency().as_str(), "USD");
}

// RQR-9
#[test]
fn a_rate_is_for_one_currency_and_never_nothing() {
    let currency: CurrencyCode = "USD".parse().unwrap();
    for (cents, msat) in [(0, 1), (1, 0), (0, 0)] {
        let error = Rate::new(currency, MinorUnits(cents), Msat(msat)).unwrap_err();
        assert_error(&error, ErrorKind::Zero, Rule::Rqr9, Field::OFFER_CURRENCY);
    }
    let euros = OfferAmount::Currency { currency: "EUR".parse().unwrap(), amount: MinorUnits(1) };
    let error = rate(1, 1).convert(euros).unwrap_err();
    let kind = ErrorKind::WrongCurrency { expected: "EUR".parse().unwrap(), found: currency };
    assert_error(&error, kind, Rule::Rqr9, Field::OFFER_AMOUNT);
    for (cents, msat, price) in [(1, 2, 1 << 63), (1, u64::MAX, 2), (1, u64::MAX, u64::MAX), (2, 3, u64::MAX)] {
        let error = rate(cents, msat).convert(usd(price)).unwrap_err();
        assert_error(&error, ErrorKind::Overflow, Rule::Rqr9, Field::OFFER_AMOUNT);
    }
}

proptest! {
    // RQR-9
    #[test]
    fn a_rate_is_the_quotient_of_wide_numbers(
        (cents, cents_bits) in (1u64.., 0u32..64),
        (msat, msat_bits) in (1u64.., 0u32..64),
        (price, price_bits) in (1u64.., 0u32..64),
    ) {
        let (cents, msat, price) = ((cents >> cents_bits).max(1), (msat >> msat_bits).max(1), price >> price_bits);
        let product = u128::from(price) * u128::from(msat);
        let whole = product / u128::from(cents) + u128::from(product % u128::from(cents) != 0);
        match rate(cents, msat).convert(usd(price)) {
            Ok(Msat(converted)) => prop_assert_eq!(u128::from(converted), whole),
            Err(error) => {
                prop_assert_eq!(error.kind(), &ErrorKind::Overflow);
                prop_assert!(whole > u64::MAX.into());
            }
        }
    }
}

/// Why a price in dollars cannot be converted.
fn unusable(rate: Option<Rate>) -> ErrorKind {
    let expected = "USD".parse().unwrap();
    match rate {
        None => ErrorKind::RateNeeded { currency: expected },
        Some(rate) => ErrorKind::WrongCurrency { expected, found: rate.currency() },
    }
}

/// An offer of several items, each for so many cents.
fn shop(cents: u64) -> Raw {
    offer().with(6, "USD").with_number(8, cents).with_number(20, 0)
}

// RQR-9
#[test]
fn what_is_due_is_price_times_quantity_times_rate() {
    let offer: Offer = shop(7).read();
    let request = |quantity, amount: Option<u64>| -> InvoiceRequest {
        let raw = request_for(shop(7)).with_number(86, quantity);
        amount.map_or(raw.clone(), |amount| raw.with_number(82, amount)).sign_request(&payer()).read()
    };
    let accept = |quantity, amount, rate| {
        let request = request(quantity, amount);
        let context = RequestContext { rate, ..request_context(&offer) };
        request.accept(&context).map(|accepted| accepted.amount())
    };
    // Two cents are 1 msat. What is rounded is the sum, not the price: 3 × 7 / 2 = 10.5.
    let half = Some(rate(2, 1));
    assert_eq!((accept(1, None, half), accept(3, None, half)), (Ok(Msat(4)), Ok(Msat(11))));
    assert_eq!((accept(3, Some(11), half), accept(3, Some(12), half)), (Ok(Msat(11)), Ok(Msat(12))));
    let too_low = accept(3, Some(10), half).unwrap_err();
    assert_error(&too_low, ErrorKind::AmountTooLow { min: Msat(11) }, Rule::Rqr9, Field::INVREQ_AMOUNT);
    let other = Rate::new("EUR".parse().unwrap(), MinorUnits(2), Msat(1)).unwrap();
    for (amount, rate) in [(None, None), (Some(11), None), (None, Some(other)), (Some(11), Some(other))] {
        let error = accept(3, amount, rate).unwrap_err();
        assert_error(&error, unusable(rate), Rule::Rqr9, Field::OFFER_AMOUNT);
        // It is not the payer's fault.
        assert!(InvoiceError::answering(&error).is_none());
    }
    let error = accept(3, None, Some(rate(1, u64::MAX))).unwrap_err();
    assert_error(&error, ErrorKind::Overflow, Rule::Rqr9, Field::OFFER_AMOUNT);
}

// RQW-3
#[test]
fn a_request_pays_three_times_for_three_items() {
    let (foreign, native): (Offer, Offer) = (shop(7).read(), offer().with_number(20, 0).read());
    let build = |offer: &Offer, amount, rate: Option<Rate>| -> Result<Vec<u8>, Error> {
        let usable = offer.usable(NOW, BITCOIN).unwrap();
        let builder = InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16]).quantity(3);
        let builder = builder.amount(Msat(amount));
        let unsigned = rate.into_iter().fold(builder, InvoiceRequestBuilder::rate).build()?;
        Ok(Raw::of(unsigned.as_bytes()).get(82).to_vec())
    };
    let half = Some(rate(2, 1));
    assert_eq!(build(&foreign, 11, half), Ok(tu64(11)));
    let error = build(&foreign, 10, half).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooLow { min: Msat(11) }, Rule::Rqw3, Field::INVREQ_AMOUNT);
    assert_eq!(build(&native, 3 * PRICE, None), Ok(tu64(3 * PRICE)));
    // A rate does not matter to a price in bitcoin.
    assert_eq!(build(&native, 3 * PRICE, half), Ok(tu64(3 * PRICE)));
    for rate in [None, half] {
        let error = build(&native, 3 * PRICE - 1, rate).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::AmountTooLow { min: Msat(3 * PRICE) });
    }
    let other = Rate::new("EUR".parse().unwrap(), MinorUnits(2), Msat(1)).unwrap();
    for rate in [None, Some(other)] {
        let error = build(&foreign, 1_000, rate).unwrap_err();
        assert_error(&error, unusable(rate), Rule::Rqw3, Field::OFFER_AMOUNT);
    }
}

// ---- Answering ----

// ERW-1
#[test]
fn an_answer_does_not_say_how_much_would_have_been_paid() {
    let request = request_of(&offer());
    let invoice: Invoice = invoice().read();
    let max_amount = Msat(PRICE - 1);
    let context = InvoiceContext { max_amount, ..payer_context(&request, SentTo::IssuerId) };
    let error = invoice.check(&context).unwrap_err();
    assert_error(&error, ErrorKind::AmountTooHigh { max: max_amount }, Rule::Ivr11, Field::INVOICE_AMOUNT);
    assert!(error.to_string().contains(&max_amount.to_string()));
    let told = InvoiceError::answering(&error).unwrap();
    assert_eq!(told.erroneous_field(), Some(Field::INVOICE_AMOUNT));
    assert_eq!(told.suggested_value(), None);
    assert!(!told.error().unwrap().as_raw().contains(|c: char| c.is_ascii_digit()));
    // What is due is no secret.
    let low = request_for(offer()).with_number(82, PRICE - 1).sign_request(&payer()).refusal::<InvoiceRequest>();
    let told = InvoiceError::answering(&low).unwrap();
    assert!(told.error().unwrap().as_raw().contains(&Msat(PRICE).to_string()));
}

// ERW-1, RQW-3
#[test]
fn rules_for_writers_are_not_told() {
    let offer: Offer = offer().without(8).read();
    let usable = offer.usable(NOW, BITCOIN).unwrap();
    let builder = InvoiceRequestBuilder::new(usable, payer().public_key(), [0x24; 16]);
    let error = builder.amount(Msat(0)).build().unwrap_err();
    assert_error(&error, ErrorKind::Zero, Rule::Rqw3, Field::INVREQ_AMOUNT);
    assert!(InvoiceError::answering(&error).is_none());
}
