//! Bytes as the saved state of a payment whose payee may be asleep: part of the target `exchange_state`.

use bolt12::exchange::{
    Action, AsyncPayment, AsyncState, Attempt, FeeLimit, IncomingMessage, Limit, MessageArrival, OffersMessageKind,
    Release,
};
use bolt12::{Error, ErrorKind, InvoiceError, Msat, Preimage, UnixTime};

use super::sides::{self, CENTS, NOW, payer, rate};
use crate::checks::errors;

/// Bytes as they are, and with the right MAC behind them.
pub fn saved(data: &[u8], sealed: &[u8]) {
    let error = payer().load_async(data).map(drop).expect_err("the MAC is missing");
    assert_eq!(*error.kind(), ErrorKind::InvalidState);
    match payer().load_async(sealed) {
        Ok(payment) => {
            assert_eq!(payment.to_bytes(), sealed);
            assert!(payer().load(sealed).is_err(), "no state is two things");
            holds(&payment);
        }
        Err(error) => errors::any(&error),
    }
}

fn copy(payment: &AsyncPayment) -> AsyncPayment {
    payer().load_async(&payment.to_bytes()).expect("what was saved can be loaded")
}

fn hash_of(payment: &AsyncPayment) -> Option<bolt12::bitcoin::hashes::sha256::Hash> {
    match payment.state() {
        AsyncState::Paying(paying) => Some(paying.payment_hash()),
        AsyncState::Paid(paid) => Some(paid.payment_hash()),
        _ => None,
    }
}

fn holds(payment: &AsyncPayment) {
    let around = match payment.state() {
        AsyncState::Paying(paying) => paying.until(),
        _ => payment.payment().deadline(),
    };
    for now in [UnixTime(0), NOW, around, UnixTime(around.0.saturating_add(1)), UnixTime(u64::MAX)] {
        let mut payment = copy(payment);
        let polled = payment.poll(now);
        let arrival = match polled {
            Ok(Action::Send(outgoing)) => {
                let id = outgoing.reply_path_id.expect("an answer is wanted");
                assert_eq!(payer().async_payment_of(&MessageArrival::Path(id)), Some(payment.payment().id()));
                payment.unreachable(&id, now);
                MessageArrival::Path(id)
            }
            Ok(_) => MessageArrival::OtherPath,
            Err(error) => {
                errors::any(&error);
                MessageArrival::Direct
            }
        };
        show(&payment);
        let invoice = match payment.state() {
            AsyncState::Quoted(quote) | AsyncState::NeedsApproval { quote, .. } => quote.invoice().as_bytes().to_vec(),
            _ => Vec::new(),
        };
        let told = InvoiceError::new("out of tips").expect("a text").into_bytes();
        for (kind, bytes) in [
            (OffersMessageKind::StaticInvoice, invoice),
            (OffersMessageKind::ReleaseHeldHtlc, vec![0]),
            (OffersMessageKind::InvoiceError, told),
        ] {
            let mut payment = copy(&payment);
            let before = hash_of(&payment);
            let is_held = matches!(payment.state(), AsyncState::Paying(paying) if paying.release() == Release::Hold);
            let incoming = IncomingMessage { kind, bytes, arrival, reply_path: None };
            let is_released = payment.receive(incoming, now).is_ok() && kind == OffersMessageKind::ReleaseHeldHtlc;
            assert!(is_held || !is_released, "what is not held is not released");
            assert_eq!(hash_of(&payment), before, "no message begins anything");
            show(&payment);
        }
        steps(&payment, now);
        let restored = payer().restore_async(&payment.to_bytes()).expect("what was saved can be loaded");
        assert!(!matches!(restored.state(), AsyncState::Quoted(_) | AsyncState::NeedsApproval { .. }), "EXC-13");
    }
}

/// What its owner does to a payment.
type Step = fn(&mut AsyncPayment, UnixTime) -> Result<(), Error>;

fn steps(payment: &AsyncPayment, now: UnixTime) {
    let each: [Step; 8] = [
        |payment, now| payment.begin_held([0x11; 32], now, UnixTime(now.0.saturating_add(9_999)), None).map(drop),
        |payment, now| payment.begin_held([0x22; 32], now, now, Some(rate(CENTS))).map(drop),
        |payment, _| payment.failed(Attempt(1)),
        |payment, _| payment.paid(Preimage([0x33; 32])),
        |payment, _| payment.decline(),
        |payment, now| payment.allow(Limit::AtMost(Msat(1_000_000)), now, now),
        |payment, now| payment.allow_fee(FeeLimit::default(), now, now),
        |payment, _| payment.set_rate(sides::rate(CENTS)),
    ];
    for step in each {
        let mut payment = copy(payment);
        let before = hash_of(&payment);
        match step(&mut payment, now) {
            Ok(()) => {}
            Err(error) => errors::any(&error),
        }
        if let (Some(before), Some(after)) = (before, hash_of(&payment)) {
            assert_eq!(before, after, "EXC-4: one payment hash");
        }
        show(&payment);
        let _ = payment.poll(now);
        show(&payment);
        assert_eq!(copy(&payment).to_bytes(), payment.to_bytes());
    }
}

/// Everything can be shown, and what is said fits together.
fn show(payment: &AsyncPayment) {
    assert!(!format!("{payment:?} {:?}", payment.state()).is_empty());
    match payment.state() {
        AsyncState::Quoted(quote) | AsyncState::NeedsApproval { quote, .. } => {
            assert!(!quote.to_string().is_empty());
            let _ = (quote.fees(), quote.amount(), quote.expires_at(), quote.node_id());
        }
        AsyncState::Paying(paying) => {
            assert_eq!(paying.preimage().payment_hash(), paying.payment_hash(), "STA-6");
            let _ = (paying.request(), paying.paths(), paying.limits(), paying.multi_part(), paying.chain());
        }
        _ => {}
    }
}
