//! What the exchange costs: little memory beside the messages, and no curve operation for what is not ours (EXC-1,
//! EXC-2).

use super::counting::held;
use super::messages::NOW;
use super::naive::{concat, parse, record};
use super::sides::{self, CHAINS, begin, deliver, own_offer, terms};
use bolt12::exchange::{
    Action, IncomingMessage, ManagerLimits, MessageArrival, OffersManager, OffersMessageKind, OutgoingMessage, PathId,
    Payee, Payer, Payment, Progress,
};
use bolt12::{ErrorKind, Field, Invoice, InvoiceRequest, MAX_LEN, Msat, Offer, Rule, TlvStream, UnixTime};

const PATHS: u8 = 3;

fn shop(secret: u8) -> (Payee, Offer) {
    let issuer = Payee::new([secret; 32]);
    let offer = own_offer(&issuer, PATHS, |offer| offer.description("a cup of tea").amount_msat(Msat(9_000)));
    (issuer, offer)
}

fn start(payer: &Payer, offer: &Offer) -> Payment {
    let draft = payer.draft(offer, NOW, CHAINS).unwrap().payer_note("with lemon, please");
    draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap()
}

fn ask(payment: &mut Payment) -> OutgoingMessage {
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!("a request is due") };
    *asked
}

fn answer(issuer: &Payee, asked: IncomingMessage) -> OutgoingMessage {
    let accepted = issuer.receive(asked).unwrap().accept(&terms(NOW, None)).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    accepted.answer(invoice).unwrap()
}

/// Less than 1 KiB for whoever waits for an answer, in memory as on disk.
#[test]
fn a_payment_holds_little_beside_its_messages() {
    let (issuer, offer) = shop(1);
    let payer = Payer::new([2; 32]);
    let messages = offer.as_bytes().len() as isize;
    let (mut payment, bytes) = held(|| {
        let mut payment = start(&payer, &offer);
        drop(ask(&mut payment));
        payment
    });
    let bytes = bytes + size_of::<Payment>() as isize - messages;
    assert!(bytes < 1024, "{bytes} bytes while it asks");
    let saved = |payment: &Payment, messages| payment.to_bytes().len() as isize - messages;
    assert!(saved(&payment, messages) < 288);

    let asked = ask(&mut start(&payer, &offer));
    let answered = deliver(&answer(&issuer, deliver(&asked, 0x70)), 0x60);
    let messages = messages + answered.bytes.len() as isize;
    // An invoice is kept with its three keys taken apart, and an index of its records.
    let (progress, more) = held(|| payment.receive(answered, NOW));
    assert_eq!(progress.unwrap(), Progress::Quoted);
    let (copy, bytes) = held(|| payer.load(&payment.to_bytes()).unwrap());
    assert_eq!(copy.to_bytes(), payment.to_bytes());
    let bytes = bytes + size_of::<Payment>() as isize - messages;
    assert!(bytes < 2048 && more < 2048 + messages, "{bytes} bytes with a quote");
    assert!(saved(&payment, messages) < 288);
    begin(&mut payment, NOW);
    assert!(saved(&payment, messages) < 288);
}

/// EXC-16: what has ended is kept as it is saved, and has little beside that.
#[test]
fn a_payment_that_ended_holds_little_beside_its_state() {
    const COUNT: u8 = 100;
    let (issuer, offer) = shop(1);
    let payer = Payer::new([2; 32]);
    let mut length = 0;
    let mut save = |manager: &mut OffersManager| {
        while let Some(save) = manager.next_save() {
            length = save.state.map_or(length, |state| state.len());
            assert!(manager.saved(save.number));
        }
        while manager.next_event().is_some() {}
    };
    let new = || OffersManager::new(payer.clone(), issuer.clone(), ManagerLimits::default());
    let (mut manager, bytes) = held(|| {
        let mut manager = new();
        for number in 0..COUNT {
            let draft = payer.draft(&offer, NOW, CHAINS).unwrap();
            let payment = draft.start([number; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
            let id = manager.add_payment(payment, NOW).unwrap();
            save(&mut manager);
            manager.decline(id, NOW).unwrap();
            save(&mut manager);
        }
        manager.poll(NOW, usize::from(COUNT));
        save(&mut manager);
        manager
    });
    let ids: Vec<_> = manager.ids().collect();
    let states: Vec<_> = ids.into_iter().map(|id| (id, manager.archive(id).unwrap().state)).collect();
    let (again, loaded_bytes) = held(|| {
        let mut manager = new();
        assert_eq!(manager.load(states.clone(), NOW).count, usize::from(COUNT));
        manager
    });
    assert_eq!(again.len(), usize::from(COUNT));
    for bytes in [bytes, loaded_bytes] {
        let beside = bytes / isize::from(COUNT) - length as isize;
        assert!(beside < 256, "{beside} bytes beside {length}");
    }
}

/// EXC-2: an issuer has nothing more after a hundred requests, and after as many that it refused.
#[test]
fn an_issuer_keeps_nothing() {
    let (issuer, offer) = shop(1);
    let payer = Payer::new([2; 32]);
    let asked = deliver(&ask(&mut start(&payer, &offer)), 0x70);
    // What is made once for everything is made now.
    drop(answer(&issuer, asked.clone()));
    let ((), bytes) = held(|| {
        for number in 0..100 {
            let mut other = asked.clone();
            other.arrival = MessageArrival::Path(PathId([number; 32]));
            drop(issuer.receive(other).unwrap_err());
            drop(answer(&issuer, asked.clone()));
        }
    });
    assert_eq!(bytes, 0);
}

/// A message with another value in some fields.
fn with(bytes: &[u8], values: &[(Field, &[u8])]) -> Vec<u8> {
    let records = parse(bytes).unwrap();
    let other = |number| values.iter().find(|(field, _)| field.number() == number);
    let records = records.into_iter().map(|old| match other(old.number) {
        Some((_, value)) => record(old.number, value),
        None => old,
    });
    concat(&records.collect::<Vec<_>>())
}

/// The form of a point, and none: 2^256 - 1 is no coordinate.
const NO_POINT: [u8; 33] = {
    let mut point = [0xff; 33];
    point[0] = 2;
    point
};

/// A point in a field is none, and the signature means nothing.
fn spoilt(bytes: &[u8], field: Field) -> Vec<u8> {
    let tlvs = TlvStream::read(bytes.to_vec()).unwrap();
    let mut value = tlvs.get(field.number()).unwrap().value().to_vec();
    value[..33].copy_from_slice(&NO_POINT);
    with(bytes, &[(field, &value), (Field::SIGNATURE, &[0xff; 64])])
}

/// Bytes that cannot be read as a message, because a point in them is none.
fn is_unreadable<T>(read: Result<T, bolt12::Error>) -> bool {
    read.is_err_and(|error| matches!(error.kind(), ErrorKind::InvalidPoint))
}

/// EXC-1: what is refused, or recognised, before any curve operation is so also where these would fail. The benchmark
/// says how little time it takes: about one per cent of what receiving a valid request does.
#[test]
fn no_point_is_looked_at_before_a_message_is_known() {
    let (issuer, offer) = shop(1);
    let (other, _) = shop(8);
    let payer = Payer::new([2; 32]);
    let mut payment = start(&payer, &offer);
    let sent = ask(&mut payment);
    let asked = deliver(&sent, 0x70);
    let bad = spoilt(&asked.bytes, Field::INVREQ_PAYER_ID);
    assert!(is_unreadable(InvoiceRequest::try_from(bad.as_slice())));
    let bad = IncomingMessage { bytes: bad, ..asked.clone() };

    // Another's offer; an own one over the wrong path, or no path. RQR-6, RQR-7
    let refused = |issuer: &Payee, incoming| {
        let refused = issuer.receive(incoming).unwrap_err();
        assert!(refused.is_cheap() && refused.answer().is_none());
        (refused.error().kind().clone(), refused.error().rule())
    };
    assert_eq!(refused(&other, bad.clone()), (ErrorKind::Differs, Rule::Rqr6));
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, MessageArrival::Path(PathId([0; 32]))] {
        let incoming = IncomingMessage { arrival, ..bad.clone() };
        assert_eq!(refused(&issuer, incoming), (ErrorKind::WrongArrival, Rule::Rqr7));
    }
    let long = IncomingMessage { bytes: vec![0; MAX_LEN], ..bad.clone() };
    assert!(matches!(refused(&issuer, long), (ErrorKind::TooLong { len: MAX_LEN, .. }, Rule::Exc1)));
    // Over the right one it is known to be for an own offer, and only then looked at.
    let error = issuer.receive(bad).unwrap_err();
    assert!(!error.is_cheap());
    assert_eq!(error.error().kind(), &ErrorKind::InvalidPoint);

    let answered = deliver(&answer(&issuer, asked), 0x60);
    let bad = spoilt(&answered.bytes, Field::INVOICE_PATHS);
    assert!(is_unreadable(Invoice::try_from(bad.as_slice())));
    assert!(payer.is_own(&TlvStream::read(bad.clone()).unwrap()));
    assert_eq!(payer.payment_of(&answered.arrival), Some(payment.id()));
    // IVR-13, IVR-8: over another way, or for another request, it is not looked at either.
    let mut refused = |incoming| payment.receive(incoming, NOW).unwrap_err().error().rule();
    assert_eq!(
        refused(IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: bad.clone(),
            arrival: MessageArrival::OtherPath,
            reply_path: None
        }),
        Rule::Ivr13
    );
    let other = with(&bad, &[(Field::INVREQ_METADATA, &[7; 32])]);
    assert_eq!(refused(IncomingMessage { bytes: other, ..answered.clone() }), Rule::Ivr8);
    assert_ne!(refused(IncomingMessage { bytes: bad, ..answered }), Rule::Ivr8);
}
