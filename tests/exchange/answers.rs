//! What an invoice error does to a payment (ERR-1, ERR-2, EXC-6).

use bolt12::exchange::{Action, End, Incoming, Issuer, Limit, Payer, Payment, Progress, State, Via};
use bolt12::{Field, InvoiceError, Msat, Offer, UnixTime};

use super::messages::NOW;
use super::plan::usd;
use super::sides::{CHAINS, own_offer};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600);

fn issuer() -> Issuer {
    Issuer::new([1; 32])
}

fn payer() -> Payer {
    Payer::new([2; 32])
}

/// Begins a payment that may ask again, and sends its first request.
fn asking(offer: &Offer, limit: Msat) -> (Payment, Via) {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(limit)).ask_again();
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    (payment, Via::Path(asked.reply_path_id.unwrap()))
}

fn suggesting(amount: u64) -> Vec<u8> {
    let value: Vec<u8> = amount.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    InvoiceError::new("another amount, please").unwrap().about(Field::INVREQ_AMOUNT, Some(&value)).unwrap().into_bytes()
}

/// ERR-2: found by the simulation. A suggestion that no request can carry ends the payment, and does not make every
/// later poll fail.
#[test]
fn a_suggestion_that_cannot_be_asked_for_ends_the_payment() {
    let fixed = own_offer(&issuer(), 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let in_dollars = own_offer(&issuer(), 1, |offer| {
        let price = bolt12::OfferAmount::Currency { currency: usd(), amount: bolt12::MinorUnits(350) };
        offer.description("tea").amount(price)
    });
    // Below the price, nothing at all, and, without a rate, for a price in dollars.
    for (offer, suggestion) in [(&fixed, 8_999), (&fixed, 0), (&in_dollars, 9_000)] {
        let (mut payment, via) = asking(offer, Msat(10_000));
        let incoming = Incoming { bytes: suggesting(suggestion), via, reply_path: None };
        assert_eq!(payment.receive_error(incoming, NOW).unwrap(), Progress::Ended);
        assert!(matches!(payment.state(), State::Ended(End::Refused(_))));
        assert_eq!(payment.poll(NOW).unwrap(), Action::Nothing);
    }
    // Within the limit, it drives one new request.
    let (mut payment, via) = asking(&fixed, Msat(10_000));
    let incoming = Incoming { bytes: suggesting(9_500), via, reply_path: None };
    assert_eq!(payment.receive_error(incoming, NOW).unwrap(), Progress::AskingAgain(None));
    assert!(matches!(payment.poll(NOW).unwrap(), Action::Send(_)));
}
