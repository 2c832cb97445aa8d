//! Attacks on an issuer: probing, forging, replaying, flooding. Each is refused without an answer, and without a
//! curve operation, unless it came from somebody who has the offer and used its path.

use std::num::NonZeroU64;

use bolt12::exchange::{
    Accepted, Action, IncomingMessage, MaxAmount, MessageArrival, OffersMessage, OffersMessageKind, PathId, Payee,
    Payer, Payment, ReceivedRequest, Refused, Retry, Terms,
};
use bolt12::{
    ChainHash, ErrorKind, Field, InvoiceError, InvoiceRequestBuilder, MinorUnits, Msat, Offer, OfferAmount,
    OfferBuilder, Preimage, Quantity, Rate, RequestArrival, Rule, UnixTime,
};

use super::helpers;
use super::messages::{NOW, key, path, payinfo};
use super::naive::{self, Record, record};
use super::network::Random;
use super::plan::usd;
use super::sides::{self, CHAINS, copy, deliver, issuer, last_key, own_offer, path_with, payer, terms};

fn tea(paths: u8) -> Offer {
    match paths {
        0 => {
            let builder = OfferBuilder::new(key(0x60).public_key()).description("tea").amount_msat(Msat(9_000));
            issuer().new_offer([0x4f; 16]).build(builder).unwrap()
        }
        _ => own_offer(&issuer(), paths, |offer| offer.description("tea").amount_msat(Msat(9_000))),
    }
}

/// The first request for an offer, as it arrives.
fn asked(offer: &Offer) -> (Payment, IncomingMessage) {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    (payment, deliver(&outgoing, 0x70))
}

/// A request that somebody else signs, with whatever records.
fn forged(incoming: &IncomingMessage, change: impl FnOnce(&mut Vec<Record>)) -> IncomingMessage {
    let bytes = helpers::forged("invoice_request", &incoming.bytes, &key(0x66), |records| {
        records.retain(|record| record.number != 88);
        records.push(record(88, &key(0x66).public_key().serialize()));
        change(records);
    });
    IncomingMessage { bytes, ..incoming.clone() }
}

/// Refused like a message that has nothing to do with us.
fn silent(received: Result<ReceivedRequest, Box<Refused>>, rule: Rule) {
    let refused = received.unwrap_err();
    assert_eq!(refused.error().rule(), rule, "{refused}");
    assert!(refused.answer().is_none() && refused.is_cheap());
    assert_eq!(refused.error().field(), None);
}

/// RQR-7, PTH-2: who knows an offer cannot find out at which node it is known by sending requests there.
#[test]
fn probing_over_the_wrong_path_is_not_answered() {
    let (_, incoming) = asked(&tea(2));
    assert!(issuer().receive(incoming.clone()).is_ok());
    let mut flipped = issuer().new_offer([0x4f; 16]).path_id(0);
    flipped.0[31] ^= 1;
    let wrong = [
        MessageArrival::Direct,
        MessageArrival::OtherPath,
        MessageArrival::path(None),
        MessageArrival::path(Some(&[])),
        MessageArrival::path(Some(&[7; 31])),
        MessageArrival::Path(flipped),
        // Of a path that the offer does not have, and of another offer.
        MessageArrival::Path(issuer().new_offer([0x4f; 16]).path_id(2)),
        MessageArrival::Path(issuer().new_offer([0x50; 16]).path_id(0)),
    ];
    for arrival in wrong {
        silent(issuer().receive(IncomingMessage { arrival, ..incoming.clone() }), Rule::Rqr7);
    }
    // An offer without paths is asked for directly.
    let (_, incoming) = asked(&tea(0));
    assert!(issuer().receive(incoming.clone()).is_ok());
    for arrival in [MessageArrival::OtherPath, MessageArrival::Path(issuer().new_offer([0x4f; 16]).path_id(0))] {
        silent(issuer().receive(IncomingMessage { arrival, ..incoming.clone() }), Rule::Rqr7);
    }
}

/// RQR-6: an offer with one record changed, added or removed is not ours, whoever signed the request for it.
#[test]
fn a_changed_offer_is_not_answered() {
    let offer = own_offer(&issuer(), 2, |offer| {
        offer.description("tea").amount_msat(Msat(9_000)).issuer("a shop").custom_field(1_000_000_003, *b"custom")
    });
    let (_, incoming) = asked(&offer);
    assert!(issuer().receive(forged(&incoming, |_| {})).is_ok(), "what is not changed is answered");
    for number in offer.records().map(|record| record.number()) {
        silent(
            issuer().receive(forged(&incoming, |records| records.retain(|record| record.number != number))),
            Rule::Rqr6,
        );
        let len = offer.tlvs().get(number).unwrap().value().len();
        for byte in [0, len / 2, len - 1] {
            let changed = forged(&incoming, |records| {
                let at = records.iter().position(|record| record.number == number).unwrap();
                let mut value = records[at].value.clone();
                value[byte] ^= 1;
                records[at] = record(number, &value);
            });
            silent(issuer().receive(changed), Rule::Rqr6);
        }
    }
    for (number, value) in [(6, &b"USD"[..]), (7, b""), (14, b"\x7f"), (20, b""), (79, b"x"), (1_999_999_999, b"")] {
        let added = forged(&incoming, |records| records.push(record(number, value)));
        silent(issuer().receive(added), Rule::Rqr6);
    }
    // RQR-6 again: not ours at all.
    silent(Payee::new([8; 32]).receive(incoming), Rule::Rqr6);
}

/// EXC-1: a flood of requests that are not for one of our offers costs no curve operation, whatever is in them.
#[test]
fn a_flood_of_forged_requests_is_cheap() {
    let (_, incoming) = asked(&tea(1));
    let mut random = Random::new(1);
    let mut seen = [0; 2];
    for _ in 0..2_000 {
        let mut forged = incoming.clone();
        match random.below(4) {
            0 => forged.bytes = (0..random.below(300)).map(|_| random.number() as u8).collect(),
            1 => forged.bytes.truncate(random.index(incoming.bytes.len())),
            2 => forged.reply_path = None,
            _ => {
                let bit = random.index(forged.bytes.len() * 8);
                forged.bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
        let is_ours = naive::parse(&forged.bytes).is_ok_and(|records| {
            let own: Vec<u8> =
                records.iter().filter(|it| (1..=79).contains(&it.number)).flat_map(|it| it.bytes.clone()).collect();
            own == tea(1).as_bytes()
        });
        let refused = issuer().receive(forged.clone()).unwrap_err();
        let dear = is_ours && forged.reply_path.is_some();
        assert_eq!(refused.is_cheap(), !dear);
        assert!(dear || refused.answer().is_none());
        seen[usize::from(dear)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

/// MSG-3: where no answer can go, none is made.
#[test]
fn a_request_without_a_reply_path_is_dropped() {
    let (_, incoming) = asked(&tea(1));
    silent(issuer().receive(IncomingMessage { reply_path: None, ..incoming }), Rule::Msg3);
}

/// RQR-3: what the payer says in its own name is signed. The offer is ours and the path right, so it is told.
#[test]
fn a_request_that_was_changed_on_the_way_is_refused_aloud() {
    let (_, mut incoming) = asked(&tea(1));
    let last = incoming.bytes.len() - 1;
    incoming.bytes[last] ^= 1;
    let refused = issuer().receive(incoming.clone()).unwrap_err();
    assert_eq!((refused.error().kind(), refused.is_cheap()), (&ErrorKind::InvalidSignature, false));
    let answer = refused.answer().unwrap();
    assert!(matches!(answer.message, OffersMessage::InvoiceError(_)));
    // MSG-3, MSG-4: over the reply path, wanting no answer.
    assert_eq!(answer.destination, bolt12::exchange::Destination::Path(incoming.reply_path.unwrap()));
    assert_eq!(answer.reply_path_id, None);
}

fn accept(issuer: &Payee, incoming: &IncomingMessage, now: UnixTime) -> Accepted {
    issuer.receive(incoming.clone()).unwrap().accept(&terms(now, None)).unwrap()
}

/// RQR-5, EXC-2: a request repeated byte for byte gets an equivalent invoice, from any replica.
#[test]
fn a_replayed_request_gets_an_equivalent_invoice() {
    let (_, incoming) = asked(&tea(1));
    let (_, first) = sides::invoice(&accept(&issuer(), &incoming, NOW));
    let replica = Payee::new([1; 32]);
    let (_, same) = sides::invoice(&accept(&replica, &incoming, NOW));
    assert_eq!(first.as_bytes(), same.as_bytes());

    // What is due until when is in the payment hash (EXC-2), so a later invoice has another.
    let (_, later) = sides::invoice(&accept(&replica, &incoming, UnixTime(NOW.0 + 60)));
    let (a, b) = (naive::parse(first.as_bytes()).unwrap(), naive::parse(later.as_bytes()).unwrap());
    let differ: Vec<u64> = a.iter().zip(&b).filter(|(a, b)| a != b).map(|(a, _)| a.number).collect();
    assert_eq!(differ, [164, 168, 240]);
    // Another request has another one.
    let offer = tea(1);
    let mut other = payer().draft(&offer, NOW, CHAINS).unwrap().start([4; 32], NOW, UnixTime(NOW.0 + 9)).unwrap();
    let Action::Send(other) = other.poll(NOW).unwrap() else { panic!() };
    let (_, other) = sides::invoice(&accept(&issuer(), &deliver(&other, 0x70), NOW));
    assert_ne!(other.payment_hash(), first.payment_hash());
    assert_ne!(other.payer_id(), first.payer_id());
}

/// RQR-5, IVW-3: an offer without an issuer id is answered with the key of the path that was used, and never with
/// another path's, even if the same request comes over two.
#[test]
fn a_paths_only_offer_is_never_answered_with_another_paths_key() {
    let issuer = issuer();
    let new = issuer.new_offer([0x4f; 16]);
    let ids = [new.path_id(0), new.path_id(1)];
    let builder = OfferBuilder::with_paths(ids.map(|id| path_with(0x60, id)));
    let offer = new.build(builder.description("tea").amount_msat(Msat(9_000))).unwrap();
    let (mut payment, incoming) = asked(&offer);
    let mut invoices = ids.map(|id| {
        let accepted = accept(&issuer, &IncomingMessage { arrival: MessageArrival::Path(id), ..incoming.clone() }, NOW);
        let signer = last_key(0x60, id);
        assert_eq!(accepted.node_id(), signer.public_key());
        let invoice = accepted.invoice(Preimage([5; 32]).payment_hash()).add_path(path(1), &payinfo());
        // The issuer's own key signs nothing here, nor does another path's (IVW-6).
        let unsigned = invoice.build().unwrap();
        assert_eq!(accepted.sign(unsigned.clone()).unwrap_err().kind(), &ErrorKind::WrongKey);
        let other = ids.iter().find(|other| **other != id).unwrap();
        assert_eq!(unsigned.clone().sign(&last_key(0x60, *other)).unwrap_err().kind(), &ErrorKind::WrongKey);
        unsigned.sign(&signer).unwrap()
    });
    invoices.reverse();
    // IVR-9: the payer takes only that of the path it used.
    let arrival =
        MessageArrival::path(incoming.reply_path.unwrap().hops().last().map(|hop| hop.encrypted_recipient_data));
    let answers = invoices.map(|invoice| {
        let bytes = invoice.as_bytes().to_vec();
        payment.receive(IncomingMessage { kind: OffersMessageKind::Invoice, bytes, arrival, reply_path: None }, NOW)
    });
    assert_eq!(answers[0].as_ref().unwrap_err().error().kind(), &ErrorKind::WrongKey);
    assert!(answers[1].is_ok());
    // RQW-4, RQW-6: what the payer itself sends over the second path is another request.
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(first) = payment.poll(NOW).unwrap() else { panic!() };
    payment.unreachable(&first.reply_path_id.unwrap(), NOW);
    let Action::Send(second) = payment.poll(NOW).unwrap() else { panic!() };
    let [first, second] = [first, second].map(|sent| match sent.message {
        OffersMessage::InvoiceRequest(request) => request,
        other => panic!("{other:?}"),
    });
    assert_ne!(first.payer_id(), second.payer_id());
    assert_ne!(first.tlvs().get(0).unwrap().value(), second.tlvs().get(0).unwrap().value());
}

/// PTH-2: a path id made for one purpose opens no other door, though all come from one secret.
#[test]
fn a_path_id_serves_one_purpose() {
    let (issuer, payer) = (Payee::new([6; 32]), Payer::new([6; 32]));
    let offer = own_offer(&issuer, 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let mut payment = payer.draft(&offer, NOW, CHAINS).unwrap().start([3; 32], NOW, UnixTime(NOW.0 + 9)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let incoming = deliver(&asked, 0x70);

    let new = payer.new_refund([5; 32]);
    let refund_path = new.path_id(0);
    let refund = new.builder("a cup", Msat(5)).add_path(path_with(0x70, refund_path));
    let refund = new.publish(refund, NOW).unwrap();
    let claimed = issuer.claim(refund.refund().unwrap(), NOW, CHAINS).unwrap();
    let expected = claimed.expected_payment();
    let hash = expected.payment_hash();
    let invoice = claimed.invoice(hash).add_path(path(1), &payinfo()).build().unwrap();
    let mut claim = claimed.sign(invoice, UnixTime(NOW.0 + 60), Retry::default()).unwrap();
    let Action::Send(claiming) = claim.poll(NOW).unwrap() else { panic!() };

    let offer_path = issuer.new_offer([0x4f; 16]).path_id(0);
    let (reply_path, claim_path) = (asked.reply_path_id.unwrap(), claiming.reply_path_id.unwrap());
    let all = [offer_path, reply_path, refund_path, claim_path];
    let doors = |id: PathId| {
        let arrival = MessageArrival::Path(id);
        [
            issuer.receive(IncomingMessage { arrival, ..incoming.clone() }).is_ok(),
            payer.payment_of(&arrival) == Some(payment.id()),
            payer.payment_of(&arrival) == Some(refund.id()),
            issuer.claim_of(&arrival) == Some(claim.id()),
            issuer.expected_payment(hash, &id.0).is_some(),
        ]
    };
    assert_eq!(issuer.expected_payment(hash, expected.path_id.as_ref()), Some(expected.clone()));
    for bit in 0..expected.path_id.0.len() * 8 {
        let mut changed = expected.path_id.0.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(issuer.expected_payment(hash, &changed), None);
    }
    for (purpose, id) in all.into_iter().enumerate() {
        assert_eq!(doors(id), std::array::from_fn(|door| door == purpose));
        // Nor does one that was changed by a bit.
        for bit in [0, 100, 127, 128, 255] {
            let mut id = id;
            id.0[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(doors(id), [false; 5]);
        }
    }
    for door in [MessageArrival::Direct, MessageArrival::OtherPath] {
        assert_eq!((payer.payment_of(&door), issuer.claim_of(&door)), (None, None));
    }
    // A payment and a claim know which of these is theirs.
    for id in all {
        let invoice = IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: claim.invoice().as_bytes().to_vec(),
            arrival: MessageArrival::Path(id),
            reply_path: None,
        };
        let taken = copy(&payer, &payment).receive(invoice.clone(), NOW);
        assert!(taken.is_err_and(|refused| refused.is_cheap()));
        assert_eq!(copy(&payer, &refund).receive(invoice.clone(), NOW).is_ok(), id == refund_path);
        let error = bolt12::InvoiceError::new("no").unwrap().into_bytes();
        let error = IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: error, ..invoice };
        assert_eq!(copy(&payer, &payment).receive(error.clone(), NOW).is_ok(), id == reply_path, "EXC-6");
        assert_eq!(claim.clone().receive(error.clone(), NOW).is_ok(), id == claim_path, "EXC-6");
        assert!(copy(&payer, &refund).receive(error, NOW).is_err());
    }
}

fn priced(amount: OfferAmount, quantity: Quantity) -> Offer {
    own_offer(&issuer(), 1, |offer| offer.description("tea").amount(amount).quantity_max(quantity))
}

/// A request of whoever does not check anything.
fn reckless(offer: &Offer, quantity: u64, amount: Option<u64>) -> IncomingMessage {
    let mut records = naive::parse(offer.as_bytes()).unwrap();
    records.insert(0, record(0, &[7; 16]));
    records.extend(amount.map(|amount| record(82, &naive::truncated(amount))));
    records.push(record(86, &naive::truncated(quantity)));
    records.push(record(88, &key(0x66).public_key().serialize()));
    records.sort_by_key(|record| record.number);
    IncomingMessage {
        kind: OffersMessageKind::InvoiceRequest,
        bytes: naive::concat(&naive::sign("invoice_request", records, &key(0x66))),
        arrival: MessageArrival::Path(issuer().new_offer([0x4f; 16]).path_id(0)),
        reply_path: Some(path_with(0x70, PathId([9; 32]))),
    }
}

fn outcome(incoming: IncomingMessage, terms: &Terms<'_>) -> Result<Msat, Box<Refused>> {
    issuer().receive(incoming)?.accept(terms).map(|accepted| accepted.amount())
}

/// RQR-9: quantity × price × rate beyond 64 bits is refused, with and without an amount, and so is more than there is.
#[test]
fn overflow_in_quantity_price_and_rate_is_refused() {
    let cents = |amount| OfferAmount::Currency { currency: usd(), amount: MinorUnits(amount) };
    let cheap = Rate::new(usd(), MinorUnits(1), Msat(u64::MAX)).unwrap();
    let dear = Rate::new(usd(), MinorUnits(u64::MAX), Msat(1)).unwrap();
    for amount in [None, Some(1), Some(Msat::MAX_MONEY.0)] {
        for (price, quantity, rate) in [
            (OfferAmount::Bitcoin(Msat(9_000)), u64::MAX, None),
            (OfferAmount::Bitcoin(Msat(2)), u64::MAX / 2 + 1, None),
            (cents(u64::MAX), 2, Some(dear)),
            (cents(2), u64::MAX, Some(dear)),
            (cents(2), 1, Some(cheap)),
            (cents(u64::MAX), 1, Some(cheap)),
        ] {
            let offer = priced(price, Quantity::Unlimited);
            let refused = outcome(reckless(&offer, quantity, amount), &terms(NOW, rate)).unwrap_err();
            assert_eq!(refused.error().kind(), &ErrorKind::Overflow, "{price:?} {quantity} {amount:?}");
            assert!(refused.answer().is_some() && !refused.is_cheap());
        }
        // D3: it fits 64 bits, and is still too much.
        let offer = priced(OfferAmount::Bitcoin(Msat(Msat::MAX_MONEY.0)), Quantity::Unlimited);
        let refused = outcome(reckless(&offer, 2, None), &terms(NOW, None)).unwrap_err();
        assert!(matches!(refused.error().kind(), ErrorKind::AmountTooHigh { .. }));
    }
    // What just fits is taken.
    let offer = priced(cents(u64::MAX), Quantity::Unlimited);
    assert_eq!(outcome(reckless(&offer, 1, None), &terms(NOW, Some(dear))).unwrap(), Msat(1));
    let offer = priced(OfferAmount::Bitcoin(Msat(1)), Quantity::Unlimited);
    let most = Msat::MAX_MONEY.0;
    assert_eq!(outcome(reckless(&offer, most, None), &terms(NOW, None)).unwrap(), Msat(most));
}

/// RQR-9, OFR-9, RQR-13: what depends on the terms is refused aloud, and says what would be accepted.
#[test]
fn terms_are_kept_and_told() {
    let told = |refused: Box<Refused>| match &refused.answer().unwrap().message {
        OffersMessage::InvoiceError(told) => (told.erroneous_field(), told.suggested_value().map(<[u8]>::to_vec)),
        other => panic!("{other:?}"),
    };
    let ten = Quantity::AtMost(NonZeroU64::new(10).unwrap());
    let offer = priced(OfferAmount::Bitcoin(Msat(9_000)), ten);
    let low = outcome(reckless(&offer, 2, Some(17_999)), &terms(NOW, None)).unwrap_err();
    assert_eq!(low.error().kind(), &ErrorKind::AmountTooLow { min: Msat(18_000) });
    assert_eq!(told(low), (Some(Field::INVREQ_AMOUNT), Some(naive::truncated(18_000))));
    let many = outcome(reckless(&offer, 11, None), &terms(NOW, None)).unwrap_err();
    assert_eq!(told(many), (Some(Field::INVREQ_QUANTITY), Some(vec![10])));

    let at_most = |max_amount| Terms { max_amount, ..terms(NOW, None) };
    for max in [MaxAmount::Msat(Msat(20_000)), MaxAmount::TimesPrice(1)] {
        assert_eq!(outcome(reckless(&offer, 2, Some(18_000)), &at_most(max)).unwrap(), Msat(18_000));
        let high = outcome(reckless(&offer, 2, Some(20_001)), &at_most(max)).unwrap_err();
        assert!(matches!(high.error().kind(), ErrorKind::AmountTooHigh { .. }));
        assert_eq!(told(high), (Some(Field::INVREQ_AMOUNT), Some(naive::truncated(18_000))));
    }
    // What is suggested would be accepted: nothing is, where the price itself is too much.
    let high = outcome(reckless(&offer, 2, Some(18_000)), &at_most(MaxAmount::Msat(Msat(10_000)))).unwrap_err();
    assert_eq!(told(high), (Some(Field::INVREQ_AMOUNT), None));

    let testnet = Terms { chains: &[ChainHash::TESTNET3], ..terms(NOW, None) };
    let refused = outcome(reckless(&offer, 2, None), &testnet).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::UnsupportedChain, Rule::Rqr13));
    assert!(refused.answer().is_some());

    let expiring = own_offer(&issuer(), 1, |offer| {
        offer.description("tea").quantity_max(ten).amount_msat(Msat(9_000)).absolute_expiry(NOW)
    });
    assert!(outcome(reckless(&expiring, 2, None), &terms(NOW, None)).is_ok());
    let late = outcome(reckless(&expiring, 2, None), &terms(UnixTime(NOW.0 + 1), None)).unwrap_err();
    assert_eq!((late.error().kind(), late.error().rule()), (&ErrorKind::Expired { at: NOW }, Rule::Ofr9));
    assert_eq!(told(late), (Some(Field::OFFER_ABSOLUTE_EXPIRY), None));
    // A rate that is missing is our own fault, and nobody else's business.
    let offer = priced(OfferAmount::Currency { currency: usd(), amount: MinorUnits(1) }, ten);
    let refused = outcome(reckless(&offer, 2, None), &terms(NOW, None)).unwrap_err();
    assert_eq!((refused.error().kind(), refused.answer()), (&ErrorKind::RateNeeded { currency: usd() }, None));
}

/// ERR-1: what a stranger writes is shown without its control characters, on both sides.
#[test]
fn a_note_with_control_characters_is_shown_escaped() {
    let offer = tea(1);
    let note = "thanks\u{1b}[2J\u{202e}\r\n\u{0}";
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().payer_note(note);
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
    let received = issuer().receive(deliver(&outgoing, 0x70)).unwrap();
    let shown = received.request().payer_note().unwrap();
    assert_eq!(shown.as_raw(), note);
    let clean = |text: String| text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic());
    assert!(clean(shown.to_string()), "{shown}");
    // A refusal that repeats it is shown the same way.
    let refusal = received.refuse(InvoiceError::new(note).unwrap()).unwrap();
    let OffersMessage::InvoiceError(told) = refusal.message else { panic!() };
    let arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
    let told =
        IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: told.into_bytes(), arrival, reply_path: None };
    assert_eq!(payment.receive(told, NOW).unwrap(), bolt12::exchange::Progress::Ended);
    let bolt12::exchange::State::Ended(bolt12::exchange::EndReason::Refused(told)) = payment.state() else { panic!() };
    assert!(clean(told.error().unwrap().to_string()));
}

/// RQR-6, RQR-7: an offer that a database knows fits in, with the same checks.
#[test]
fn an_offer_that_a_database_knows_fits_in() {
    let offer = OfferBuilder::new(key(0x60).public_key()).description("tea").amount_msat(Msat(9_000));
    let offer = offer.add_path(path(2)).build().unwrap();
    let last = offer.paths().unwrap().iter().next().unwrap().last_blinded_node_id();
    let usable = offer.usable(NOW, CHAINS).unwrap();
    let request = InvoiceRequestBuilder::new(usable, key(0x66).public_key(), [7; 16]).build().unwrap();
    let bytes = request.sign(&key(0x66)).unwrap().as_bytes().to_vec();
    let reply = path_with(0x70, PathId([9; 32]));
    let over = RequestArrival::OfferPath(last);
    let receive = |bytes: &[u8], arrival| issuer().receive_for(&offer, bytes.to_vec(), arrival, reply.clone());
    let received = receive(&bytes, over).unwrap();
    let received = issuer().load_received(&received.to_bytes()).unwrap();
    let accepted = received.accept(&terms(NOW, None)).unwrap();
    let accepted = issuer().load_accepted(&accepted.to_bytes()).unwrap();
    let invoice = accepted.invoice(Preimage([5; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    assert_eq!(accepted.sign(invoice.clone()).unwrap_err().kind(), &ErrorKind::WrongKey);
    assert!(invoice.sign(&key(0x60)).is_ok());
    for arrival in [RequestArrival::Direct, RequestArrival::OtherPath] {
        silent(receive(&bytes, arrival), Rule::Rqr7);
    }
    let other = IncomingMessage {
        kind: OffersMessageKind::InvoiceRequest,
        bytes: bytes.clone(),
        arrival: MessageArrival::Direct,
        reply_path: Some(reply.clone()),
    };
    silent(receive(&forged(&other, |records| records.push(record(7, b"x"))).bytes, over), Rule::Rqr6);
    // It is not one that the issuer's secret recognises.
    silent(issuer().receive(other), Rule::Rqr6);
    assert!(!issuer().is_own(&offer) && issuer().is_own(&tea(1)));
}

/// IVW-1, IVW-2, MSG-3: an invoice for one request neither is signed nor goes to who sent another.
#[test]
fn an_invoice_goes_to_whoever_asked_for_it() {
    let offer = own_offer(&issuer(), 1, |offer| offer.description("tea"));
    let accepted = [(3, 9_000), (4, 9_000), (3, 9_001)].map(|(entropy, amount)| {
        let draft = payer().draft(&offer, NOW, CHAINS).unwrap().amount(Msat(amount));
        let mut payment = draft.start([entropy; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
        let Action::Send(outgoing) = payment.poll(NOW).unwrap() else { panic!() };
        accept(&issuer(), &deliver(&outgoing, 0x70), NOW)
    });
    let make = |accepted: &Accepted| {
        accepted.invoice(Preimage([5; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap()
    };
    let invoice = accepted[0].sign(make(&accepted[0])).unwrap();
    assert!(accepted[0].answer(invoice.clone()).is_ok());
    for other in &accepted[1..] {
        assert_eq!(other.sign(make(&accepted[0])).unwrap_err().kind(), &ErrorKind::Differs);
        assert_eq!(other.answer(invoice.clone()).unwrap_err().kind(), &ErrorKind::Differs);
    }
    // The same request at another rate.
    let dollars = priced(OfferAmount::Currency { currency: usd(), amount: MinorUnits(100) }, Quantity::Unlimited);
    let at = |msat| {
        let rate = Rate::new(usd(), MinorUnits(100), Msat(msat)).unwrap();
        issuer().receive(reckless(&dollars, 1, None)).unwrap().accept(&terms(NOW, Some(rate))).unwrap()
    };
    let (cheap, dear) = (at(1_000), at(1_001));
    let error = dear.sign(make(&cheap)).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::AmountMismatch { expected: Msat(1_001) });
    assert!(dear.answer(cheap.sign(make(&cheap)).unwrap()).is_err());
}

/// EXC-1: an offer that takes long to hash is not made, and a request that takes long to read is dropped.
#[test]
fn what_is_too_long_is_refused_before_it_costs() {
    use bolt12::exchange::MAX_OFFER_LEN;
    let issuer = issuer();
    let long = |len: usize| {
        let new = issuer.new_offer([0x4f; 16]);
        let offer = OfferBuilder::new(new.issuer_id()).add_path(path_with(0x60, new.path_id(0)));
        new.build(offer.description(&"x".repeat(len)))
    };
    let most = (1..MAX_OFFER_LEN).rev().find(|len| long(*len).is_ok()).unwrap();
    assert!(most > MAX_OFFER_LEN - 400, "{most}");
    assert!(matches!(long(most + 1).unwrap_err().kind(), ErrorKind::TooLong { .. }));
    let (_, incoming) = asked(&tea(1));
    let note = |len| forged(&incoming, |records| records.push(record(89, &vec![b'x'; len])));
    assert!(issuer.receive(note(3_000)).is_ok());
    // Whoever asks the right way for an offer of ours is told, or would wait until its deadline.
    let aloud = |received: Result<ReceivedRequest, Box<Refused>>, field| {
        let refused = received.unwrap_err();
        assert!(matches!((refused.error().rule(), refused.error().kind()), (Rule::Exc1, ErrorKind::TooLong { .. })));
        assert_eq!((refused.error().field(), refused.is_cheap()), (Some(field), false));
        assert!(refused.answer().is_some());
    };
    aloud(issuer.receive(note(5_000)), Field::INVREQ_PAYER_NOTE);
    let paths = path(2).as_bytes().repeat(5);
    aloud(issuer.receive(forged(&incoming, |records| records.push(record(90, &paths)))), Field::INVREQ_PATHS);

    // A payer does not even ask.
    let offer = tea(1);
    let draft = Payer::new([2; 32]).draft(&offer, NOW, CHAINS).unwrap().payer_note(&"x".repeat(5_000));
    assert!(matches!(draft.start([3; 32], NOW, UnixTime(NOW.0 + 60)).unwrap_err().kind(), ErrorKind::TooLong { .. }));
}
