//! Target `exchange_state`: bytes as what either side saved, as they are, and with the right MAC behind them.
//!
//! What is read is what was written, and whatever it says, no step that follows panics. The MAC keeps other people
//! from ever getting that far; older software and mistakes of our own might.

use bolt12::exchange::{
    Accepted, Action, Attempt, Claim, FeeLimit, IncomingMessage, Limit, MaxAmount, MessageArrival, OffersMessage,
    OffersMessageKind, Payment, ReceivedRequest, State, Terms,
};
use bolt12::{Error, ErrorKind, InvoiceError, Msat, Preimage, UnixTime};

use super::sides::{self, CENTS, CHAINS, NOW, deliver, issuer, payer, rate};
use crate::checks::errors;

/// Bytes as any saved state.
pub fn check(data: &[u8]) {
    refused(payer().load(data).map(drop));
    refused(issuer().load_received(data).map(drop));
    refused(issuer().load_accepted(data).map(drop));
    refused(issuer().load_claim(data).map(drop));

    let sealed = sides::sealed_by_payer(data);
    #[cfg(feature = "async_payments")]
    super::asleep::saved(data, &sealed);
    #[cfg(all(feature = "async_payments", feature = "onion"))]
    super::serving::saved(data);
    if let Some(payment) = loaded(payer().load(&sealed)) {
        assert_eq!(payment.to_bytes(), sealed);
        holds_payment(&payment);
    }
    let sealed = sides::sealed_by_issuer(data);
    let (received, accepted, claim) =
        (issuer().load_received(&sealed), issuer().load_accepted(&sealed), issuer().load_claim(&sealed));
    // No state is two things.
    assert!([received.is_ok(), accepted.is_ok(), claim.is_ok()].iter().filter(|is_ok| **is_ok).count() <= 1);
    if let Some(received) = loaded(received) {
        assert_eq!(received.to_bytes(), sealed);
        holds_received(received);
    }
    if let Some(accepted) = loaded(accepted) {
        assert_eq!(accepted.to_bytes(), sealed);
        holds_accepted(accepted);
    }
    if let Some(claim) = loaded(claim) {
        assert_eq!(claim.to_bytes(), sealed);
        holds_claim(&claim);
    }
}

/// Nobody but its owner makes a MAC.
fn refused(loaded: Result<(), Error>) {
    let error = loaded.expect_err("the MAC is missing");
    assert_eq!(*error.kind(), ErrorKind::InvalidState);
    errors::any(&error);
}

fn loaded<T>(loaded: Result<T, Error>) -> Option<T> {
    loaded.map_err(|error| errors::any(&error)).ok()
}

fn times(around: UnixTime) -> [UnixTime; 5] {
    [UnixTime(0), NOW, around, UnixTime(around.0.saturating_add(1)), UnixTime(u64::MAX)]
}

/// A second one, which nobody but a test has.
fn copy(payment: &Payment) -> Payment {
    payer().load(&payment.to_bytes()).expect("what was saved can be loaded")
}

fn holds_payment(payment: &Payment) {
    // An amount above what the payment may cost would have been refused before it was saved, and what has to be
    // asked for may be impossible: both are errors, and no panic.
    for now in times(payment.deadline()) {
        let mut payment = copy(payment);
        let polled = payment.poll(now);
        survives(&payment);
        let arrival = match polled {
            Ok(Action::Send(outgoing)) => {
                let id = outgoing.reply_path_id.expect("a request wants an answer");
                assert_eq!(payer().payment_of(&MessageArrival::Path(id)), Some(payment.id()));
                answer(&mut copy(&payment), deliver(&outgoing), MessageArrival::Path(id), now);
                payment.unreachable(&id, now);
                survives(&payment);
                MessageArrival::Path(id)
            }
            Ok(_) => MessageArrival::OtherPath,
            Err(error) => {
                errors::any(&error);
                MessageArrival::Direct
            }
        };
        let told = bolt12::InvoiceError::new("out of tea").expect("a text");
        let incoming = IncomingMessage {
            kind: OffersMessageKind::InvoiceError,
            bytes: told.into_bytes(),
            arrival,
            reply_path: None,
        };
        drop(copy(&payment).receive(incoming, now));
        steps(&payment, now);
        never_pays(&payment, now);
    }
}

/// EXC-13: a backup pays nothing.
fn never_pays(payment: &Payment, now: UnixTime) {
    let mut restored = payer().restore(&payment.to_bytes()).expect("what was saved can be loaded");
    survives(&restored);
    assert_eq!(restored.poll(now), Ok(Action::Nothing));
    let hashes: Vec<_> = payment.quotes().map(|quote| quote.payment_hash()).collect();
    for hash in hashes {
        assert!(restored.begin(hash, now, None).is_err(), "a backup pays");
    }
    assert!(!matches!(restored.state(), State::Asking { .. } | State::Quoted(_) | State::NeedsApproval { .. }));
}

/// The issuer answers, if it is one of its offers that the state is about.
fn answer(payment: &mut Payment, asked: IncomingMessage, arrival: MessageArrival, now: UnixTime) {
    let terms = Terms { rate: Some(rate(CENTS)), ..Terms::new(now, CHAINS) };
    let Ok(received) = issuer().receive(asked) else { return };
    let Ok(accepted) = received.accept(&terms) else { return };
    let Ok((_, invoice)) = sides::unsigned(&accepted) else { return };
    let invoice = sides::sign(&accepted, invoice);
    let incoming =
        IncomingMessage { kind: OffersMessageKind::Invoice, bytes: invoice.into_bytes(), arrival, reply_path: None };
    if payment.receive(incoming, now).is_ok() {
        steps(payment, now);
    }
}

/// What its owner does to a payment.
type Step = fn(&mut Payment, UnixTime) -> Result<(), Error>;

/// Every step of its owner's, on a copy each.
fn steps(payment: &Payment, now: UnixTime) {
    let each: [Step; 7] = [
        |payment, now| match payment.state() {
            State::Quoted(quote) => {
                let hash = quote.payment_hash();
                payment.begin(hash, now, None).map(drop)
            }
            _ => payment.begin(Preimage([0x33; 32]).payment_hash(), now, None).map(drop),
        },
        |payment, _| payment.paid(Preimage([0x33; 32])),
        |payment, _| match payment.state() {
            State::Paying(paying) => {
                let Attempt(attempt) = paying.attempt();
                // EXC-12
                let before = payment.to_bytes();
                assert!(payment.failed(Attempt(attempt ^ 1)).is_err() && payment.to_bytes() == before);
                payment.failed(Attempt(attempt))
            }
            _ => payment.failed(Attempt(1)),
        },
        |payment, now| payment.allow(Limit::AtMost(Msat(1_000_000)), now, UnixTime(now.0.saturating_add(100))),
        |payment, now| payment.allow_fee(FeeLimit::default(), now, UnixTime(now.0.saturating_add(100))),
        |payment, _| payment.set_rate(rate(CENTS / 2)),
        |payment, _| payment.decline(),
    ];
    for step in each {
        let mut payment = copy(payment);
        let before = payment.to_bytes();
        if let Err(error) = step(&mut payment, now) {
            errors::any(&error);
            assert_eq!(payment.to_bytes(), before);
        }
        survives(&payment);
    }
}

/// What is saved is loaded as it was.
fn survives(payment: &Payment) {
    let bytes = payment.to_bytes();
    let again = payer().load(&bytes).expect("what was saved can be loaded");
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(format!("{:?}", again.state()), format!("{:?}", payment.state()));
    assert_eq!(
        (again.id(), again.max_amount(), again.deadline()),
        (payment.id(), payment.max_amount(), payment.deadline())
    );
    assert_eq!(again.refund(), payment.refund());
    match payment.state() {
        State::Quoted(quote) => drop(format!("{:?}{:?}", quote.estimate(), quote.difference_basis_points())),
        State::Paying(payable) => drop(format!("{payable:?}")),
        State::Paid(receipt) => {
            if let Err(error) = receipt.proof().build() {
                errors::any(&error);
            }
            assert_eq!(receipt.keypair().is_some(), payer().is_own(receipt.invoice().tlvs()));
        }
        _ => {}
    }
}

fn holds_received(received: ReceivedRequest) {
    drop(format!("{received:?}{:?}", received.arrival()));
    for rate in [None, Some(rate(CENTS)), Some(rate(1))] {
        if let Err(error) = received.due(rate) {
            errors::any(&error);
        }
        for max_amount in [MaxAmount::Any, MaxAmount::Msat(Msat(1)), MaxAmount::TimesPrice(2)] {
            let terms = Terms { rate, max_amount, ..Terms::new(NOW, CHAINS) };
            match received.clone().accept(&terms) {
                Ok(accepted) => holds_accepted(accepted),
                Err(refused) => errors::any(refused.error()),
            }
        }
    }
    let told = received.refuse(InvoiceError::new("no").expect("a text"));
    assert!(told.is_none_or(|told| matches!(told.message, OffersMessage::InvoiceError(_))));
}

fn holds_accepted(accepted: Accepted) {
    drop(format!("{accepted:?}"));
    let bytes = accepted.to_bytes();
    assert_eq!(issuer().load_accepted(&bytes).expect("what was saved can be loaded").to_bytes(), bytes);
    match sides::unsigned(&accepted) {
        Ok((_, unsigned)) => {
            assert_eq!(unsigned.amount(), Some(accepted.amount()));
            match accepted.sign(unsigned).and_then(|invoice| accepted.answer(invoice)) {
                Ok(outgoing) => assert!(matches!(outgoing.message, OffersMessage::Invoice(_))),
                Err(error) => errors::any(&error),
            }
        }
        Err(error) => errors::any(&error),
    }
}

fn holds_claim(claim: &Claim) {
    let survives = |claim: &Claim| {
        let bytes = claim.to_bytes();
        let again = issuer().load_claim(&bytes).expect("what was saved can be loaded");
        assert_eq!((again.to_bytes(), again.state(), again.id()), (bytes, claim.state(), claim.id()));
    };
    for now in times(claim.invoice().expires_at()) {
        let mut claim = claim.clone();
        match claim.poll(now) {
            Ok(Action::Send(outgoing)) => {
                let id = outgoing.reply_path_id.expect("whoever refuses says why");
                assert_eq!(issuer().claim_of(&MessageArrival::Path(id)), Some(claim.id()));
                claim.unreachable(&id, now);
                survives(&claim);
                let told = bolt12::InvoiceError::new("no").expect("a text").into_bytes();
                let incoming = IncomingMessage {
                    kind: OffersMessageKind::InvoiceError,
                    bytes: told,
                    arrival: MessageArrival::Path(id),
                    reply_path: None,
                };
                // Unless something came over it before, or other ways are open.
                let _ = claim.receive(incoming, now);
                survives(&claim);
            }
            Ok(_) => {}
            Err(error) => errors::any(&error),
        }
        survives(&claim);
        claim.paid();
        survives(&claim);
    }
}
