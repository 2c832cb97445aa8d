//! What an invoice error does to a payment (ERR-1, ERR-2, EXC-6).

use bolt12::exchange::{
    Action, Destination, EndReason, IncomingMessage, Limit, MAX_RENEWALS, MessageArrival, OffersMessageKind, Payment,
    Progress, State,
};
use bolt12::{ErrorKind, Field, InvoiceError, Msat, Offer, UnixTime};

use super::messages::NOW;
use super::plan::usd;
use super::sides::{CHAINS, copy, issuer, own_offer, payer};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600);

/// Begins a payment that may ask again, and sends its first request.
fn asking(offer: &Offer, limit: Msat) -> (Payment, MessageArrival) {
    let draft = payer().draft(offer, NOW, CHAINS).unwrap().limit(Limit::AtMost(limit));
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    (payment, MessageArrival::Path(asked.reply_path_id.unwrap()))
}

/// Tea for 3.50 dollars.
fn in_dollars() -> Offer {
    let price = bolt12::OfferAmount::Currency { currency: usd(), amount: bolt12::MinorUnits(350) };
    own_offer(&issuer(), 1, |offer| offer.description("tea").amount(price))
}

fn suggesting(amount: u64) -> Vec<u8> {
    let value: Vec<u8> = amount.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    InvoiceError::new("another amount, please").unwrap().about(Field::INVREQ_AMOUNT, Some(&value)).unwrap().into_bytes()
}

/// Tells the payment an error, and looks that it can be polled whatever was in it.
fn told(payment: &mut Payment, bytes: Vec<u8>, arrival: MessageArrival) -> Progress {
    let progress = payment
        .receive(IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes, arrival, reply_path: None }, NOW)
        .unwrap();
    let mut copy = copy(&payer(), payment);
    match (&progress, copy.poll(NOW).unwrap()) {
        (Progress::AskingAgain(None), Action::Send(_)) => {}
        (Progress::Ended, Action::Nothing) => assert!(matches!(copy.state(), State::Ended(EndReason::Refused(_)))),
        other => panic!("{other:?}"),
    }
    progress
}

/// ERR-2: found by the simulation. A suggestion that no request can carry, or that nobody needs because the price is
/// in bitcoin, ends the payment, and does not make every later poll fail.
#[test]
fn a_suggestion_that_cannot_be_asked_for_ends_the_payment() {
    let fixed = own_offer(&issuer(), 1, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let in_dollars = in_dollars();
    for (offer, suggestion, progress) in [
        (&fixed, 0, Progress::Ended),
        (&fixed, 8_999, Progress::Ended),
        (&fixed, 9_500, Progress::Ended),
        (&in_dollars, 0, Progress::Ended),
        (&in_dollars, 10_001, Progress::Ended),
        (&in_dollars, 10_000, Progress::AskingAgain(None)),
        (&in_dollars, 1, Progress::AskingAgain(None)),
    ] {
        let (mut payment, arrival) = asking(offer, Msat(10_000));
        assert_eq!(told(&mut payment, suggesting(suggestion), arrival), progress, "{suggestion}");
    }
}

/// EXC-5, EXC-6: an error closes the way that it came over; the next is taken at once, in order, and the last one to
/// refuse ends the payment. Said twice, it changes nothing.
#[test]
fn an_error_closes_one_way() {
    let offer = own_offer(&issuer(), 4, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let (mut payment, mut arrival) = asking(&offer, Msat(10_000));
    let no = InvoiceError::new("no").unwrap().into_bytes();
    let path = |outgoing: &bolt12::exchange::OutgoingMessage| match &outgoing.destination {
        Destination::Path(path) => {
            let mut paths = offer.paths().unwrap().iter();
            paths.position(|other| other.as_bytes() == path.as_bytes()).unwrap()
        }
        other => panic!("{other:?}"),
    };
    for next in 1..4 {
        assert_eq!(told(&mut payment, no.clone(), arrival), Progress::AskingAgain(None));
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
        assert_eq!(path(&asked), next);
        let before = payment.to_bytes();
        let again = payment.receive(
            IncomingMessage { kind: OffersMessageKind::InvoiceError, bytes: no.clone(), arrival, reply_path: None },
            NOW,
        );
        assert_eq!(again.unwrap_err().error().kind(), &ErrorKind::AlreadyAnswered);
        assert_eq!(payment.to_bytes(), before);
        arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
    }
    assert_eq!(told(&mut payment, no, arrival), Progress::Ended);
}

/// EXC-5: ways that are left are still tried in order, each at once after one that cannot be reached, when one in
/// the middle has refused.
#[test]
fn the_ways_that_are_left_are_tried_in_order() {
    let offer = own_offer(&issuer(), 4, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, DEADLINE).unwrap();
    let mut ids = Vec::new();
    let mut now = NOW;
    while ids.len() < 4 {
        match payment.poll(now).unwrap() {
            Action::Send(asked) => ids.push(asked.reply_path_id.unwrap()),
            Action::WaitUntil(at) => now = at,
            Action::Sign | Action::Nothing => panic!(),
        }
    }
    let no = InvoiceError::new("no").unwrap().into_bytes();
    let refuse = |payment: &mut Payment, way: usize, now| {
        let error = IncomingMessage {
            kind: OffersMessageKind::InvoiceError,
            bytes: no.clone(),
            arrival: MessageArrival::Path(ids[way]),
            reply_path: None,
        };
        assert_eq!(payment.receive(error, now).unwrap(), Progress::AskingAgain(None));
    };
    refuse(&mut payment, 1, now);
    for round in 0..2 {
        for way in [0, 2, 3] {
            let Action::Send(asked) = payment.poll(now).unwrap() else { panic!("round {round}, way {way}") };
            assert_eq!(asked.reply_path_id, Some(ids[way]), "round {round}");
            payment.unreachable(&ids[way], now);
        }
        // After the last of all there is a pause.
        let Action::WaitUntil(at) = payment.poll(now).unwrap() else { panic!() };
        now = at;
    }
}

/// ERR-2: an issuer that suggests another amount without end is followed a few times.
#[test]
fn suggestions_have_an_end() {
    let (mut payment, mut arrival) = asking(&in_dollars(), Msat(10_000_000));
    for amount in (1..=u64::from(MAX_RENEWALS)).map(|round| round * 1_000) {
        assert_eq!(told(&mut payment, suggesting(amount), arrival), Progress::AskingAgain(None));
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("{:?}", payment.state()) };
        assert_eq!(payment.amount(), Some(Msat(amount)));
        arrival = MessageArrival::Path(asked.reply_path_id.unwrap());
    }
    assert_eq!(told(&mut payment, suggesting(1_000_000), arrival), Progress::Ended);
}
