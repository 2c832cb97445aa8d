//! Who sleeps: an async recipient has its offers served, renews them, and answers when it is awake (STA-9).

use super::messages::{self, NOW, path, payinfo};
use super::serving::*;
use super::sides::{self, CHAINS, path_with};
use bolt12::exchange::{
    Action, AsyncPayment, AsyncProgress, AsyncRecipient, Destination, IncomingMessage, MessageArrival, OffersMessage,
    OffersMessageKind, OutgoingMessage, PathId, Progress, RecipientProgress, RecipientState, RecipientTerms, Refused,
    Release, Retry, ServerStep, ServingKind, State, Terms,
};
use bolt12::onion::{OfferPaths, OfferPathsRequest, ServeStaticInvoice};
use bolt12::{ChainHash, Error, ErrorKind, Msat, Offer, OfferBuilder, Rule, ServingFault, StaticInvoice, UnixTime};
use proptest::prelude::*;
use std::time::Duration;

pub(super) fn after(seconds: u64) -> UnixTime {
    UnixTime(NOW.0 + seconds)
}

pub(super) fn kind(error: &Error) -> (ErrorKind, Rule) {
    (error.kind().clone(), error.rule())
}

fn fault(fault: ServingFault) -> ErrorKind {
    ErrorKind::Serving(fault)
}

/// What is saved says all.
#[track_caller]
fn reload(recipient: AsyncRecipient) -> AsyncRecipient {
    let loaded = payee().load_async_recipient(&recipient.to_bytes()).unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{recipient:?}"));
    assert_eq!(loaded.to_bytes(), recipient.to_bytes());
    loaded
}

#[track_caller]
pub(super) fn refused(recipient: &mut AsyncRecipient, message: IncomingMessage, now: UnixTime) -> Box<Refused> {
    let before = recipient.to_bytes();
    let refused = recipient.receive(message, now).expect_err("nothing is to come of this");
    assert_eq!(recipient.to_bytes(), before, "what is refused changes nothing");
    assert!(refused.answer().is_none());
    refused
}

/// One that asks for paths for slot 0, and its request.
pub(super) fn asking() -> (AsyncRecipient, OutgoingMessage) {
    let mut recipient = recipient();
    assert_eq!(recipient.open(NOW), Ok(0));
    let asked = sent(&mut recipient, NOW);
    (recipient, asked)
}

/// One that has paths for slot 0.
pub(super) fn offered() -> AsyncRecipient {
    let (mut recipient, asked) = asking();
    let paths = deliver(&give_paths(&server(), &asked, NOW), SERVER);
    assert_eq!(recipient.receive(paths, NOW).unwrap(), RecipientProgress::Paths(0));
    recipient
}

/// An answer with paths that end then.
pub(super) fn paths_until(asked: &OutgoingMessage, until: Option<UnixTime>) -> IncomingMessage {
    IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::OfferPaths),
        bytes: OfferPaths::new([path(2)], until).unwrap().to_bytes(),
        arrival: MessageArrival::Path(asked.reply_path_id.unwrap()),
        reply_path: Some(path(3)),
    }
}

fn stored(handed_in: &OutgoingMessage) -> IncomingMessage {
    IncomingMessage {
        kind: OffersMessageKind::Serving(ServingKind::StaticInvoicePersisted),
        bytes: vec![0],
        arrival: MessageArrival::Path(handed_in.reply_path_id.unwrap()),
        reply_path: None,
    }
}

/// What is handed in.
fn handed_in(outgoing: &OutgoingMessage) -> StaticInvoice {
    let serve = ServeStaticInvoice::read(outgoing.message.as_bytes()).unwrap();
    StaticInvoice::try_from(serve.static_invoice()).unwrap()
}

// STA-9
#[test]
fn an_offer_is_made_and_served() {
    let mut recipient = recipient();
    assert_eq!(recipient.poll(NOW), Action::Nothing);
    let slot = recipient.open(NOW).unwrap();
    assert!(matches!(recipient.state(slot, NOW), Some(RecipientState::Asking)));
    assert!(recipient.state(slot, NOW).unwrap().offer().is_none());
    let asked = sent(&mut recipient, NOW);
    assert_eq!(asked.message.as_bytes(), OfferPathsRequest { invoice_slot: 0 }.to_bytes());
    assert_eq!(asked.destination, Destination::Path(client_path(CLIENT)));
    recipient = reload(recipient);

    let given = give_paths(&server(), &asked, NOW);
    assert_eq!(recipient.receive(deliver(&given, SERVER), NOW).unwrap(), RecipientProgress::Paths(0));
    recipient = reload(recipient);
    let Some(RecipientState::NeedsOffer { until, follows: None }) = recipient.state(0, NOW) else { panic!() };
    assert_eq!(until, Some(after(365 * DAY)));
    assert!(recipient.state(0, NOW).unwrap().offer().is_none());
    // Nothing is sent while the application makes it.
    assert_eq!(recipient.poll(NOW), Action::WaitUntil(after(365 * DAY + 1)));
    let offer = recipient.make_offer(0, NOW, |offer| offer.description("tips").amount_msat(PRICE)).unwrap().clone();
    assert!(payee().is_own(&offer));
    assert!(offer.paths().unwrap().iter().eq(paths_in(&given).paths().iter()));
    assert_eq!((offer.absolute_expiry(), offer.description().unwrap().as_raw()), (until, "tips"));
    recipient = reload(recipient);
    assert!(matches!(recipient.state(0, NOW), Some(RecipientState::NeedsInvoice(it)) if it.until().is_none()));

    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    recipient = reload(recipient);
    assert!(matches!(recipient.state(0, NOW), Some(RecipientState::HandingIn(it)) if it.until().is_none()));
    let handing = sent(&mut recipient, NOW);
    assert_eq!(handing.destination, Destination::Path(path_with(SERVER, given.reply_path_id.unwrap())));
    // EXC-5: there is one way to hand it in, so that it cannot get there hurries nothing.
    let before = recipient.to_bytes();
    recipient.unreachable(&handing.reply_path_id.unwrap(), NOW);
    assert_eq!(recipient.to_bytes(), before);
    let invoice = handed_in(&handing);
    assert_eq!((invoice.offer().id(), invoice.node_id()), (Some(offer.id()), offer.issuer_id().unwrap()));

    let (_, record, said) = store(&server(), deliver(&handing, PHONE), None, NOW);
    assert!(record.is_some());
    assert_eq!(recipient.receive(deliver(&said, SERVER), after(5)).unwrap(), RecipientProgress::Stored(0));
    recipient = reload(recipient);
    let Some(RecipientState::Served(served)) = recipient.state(0, after(5)) else { panic!() };
    assert_eq!((served.offer(), served.until(), served.follows()), (&offer, Some(after(14 * DAY)), None));
    // The next thing to do is another static invoice, a day later.
    assert_eq!(recipient.poll(after(5)), Action::WaitUntil(after(DAY)));
    // News that come twice are none.
    assert_eq!(refused(&mut recipient, deliver(&said, SERVER), after(6)).error().kind(), &ErrorKind::AlreadyAnswered);
}

/// STA-9: only over its own reply path, for what it asks now.
#[test]
fn paths_are_taken_over_its_own_reply_path() {
    let (mut recipient, asked) = asking();
    let good = paths_until(&asked, Some(after(100 * DAY)));
    let wrong = (ErrorKind::WrongArrival, Rule::Sta9);
    for bit in 0..256 {
        let refused = refused(&mut recipient, astray(good.clone(), bit), NOW);
        assert_eq!(kind(refused.error()), wrong);
        assert!(refused.is_cheap());
    }
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath] {
        let refused = refused(&mut recipient, IncomingMessage { arrival, ..good.clone() }, NOW);
        assert_eq!(kind(refused.error()), wrong);
    }
    // A path id of another recipient of the same payee.
    let mut other = payee().async_recipient([client_path(CLIENT)], [0x74; 32], RecipientTerms::default()).unwrap();
    let _ = other.open(NOW).unwrap();
    let others = sent(&mut other, NOW);
    assert_eq!(kind(refused(&mut recipient, paths_until(&others, Some(after(100 * DAY))), NOW).error()), wrong);
    // News about a static invoice over the path for paths, and what only a server hears.
    let crossed = IncomingMessage { arrival: good.arrival, ..stored(&asked) };
    assert_eq!(kind(refused(&mut recipient, crossed, NOW).error()), wrong);
    let asks = IncomingMessage { arrival: good.arrival, ..deliver(&asked, PHONE) };
    assert_eq!(refused(&mut recipient, asks, NOW).error().kind(), &ErrorKind::Unexpected);
    // Without a way to hand in anything.
    let mute = IncomingMessage { reply_path: None, ..good.clone() };
    assert_eq!(refused(&mut recipient, mute, NOW).error().kind(), &ErrorKind::NoReplyPath);

    assert_eq!(recipient.receive(good.clone(), NOW).unwrap(), RecipientProgress::Paths(0));
    // Once.
    assert_eq!(refused(&mut recipient, good, NOW).error().kind(), &ErrorKind::AlreadyAnswered);
}

/// STA-9: 90 days by default, to the second.
#[test]
fn paths_that_expire_too_soon_are_refused() {
    let (mut recipient, asked) = asking();
    let now = after(7);
    let soon = UnixTime(now.0 + 90 * DAY - 1);
    for at in [UnixTime(0), now, soon] {
        let refused = refused(&mut recipient, paths_until(&asked, Some(at)), now);
        assert_eq!(kind(refused.error()), (fault(ServingFault::PathsExpire { at }), Rule::Sta9));
    }
    // It asks again, with growing delays.
    let Action::WaitUntil(at) = recipient.poll(now) else { panic!() };
    assert!(at > now);
    let again = sent(&mut recipient, at);
    let _ = recipient.receive(paths_until(&again, Some(UnixTime(at.0 + 90 * DAY))), at).unwrap();
    // Without an end they do not.
    let (mut recipient, asked) = asking();
    let _ = recipient.receive(paths_until(&asked, None), now).unwrap();
    fill(&mut recipient, 0, PHONE, now).unwrap();
    assert_eq!(offer_of(&recipient, 0, now).absolute_expiry(), None);
}

#[test]
fn paths_take_no_more_room_than_an_offer_has() {
    let (mut recipient, asked) = asking();
    let many = OfferPaths::new((0..30).map(|_| path(3)), Some(after(100 * DAY))).unwrap().to_bytes();
    let len = many.len();
    let message = IncomingMessage { bytes: many, ..paths_until(&asked, None) };
    let error = refused(&mut recipient, message, NOW);
    assert_eq!(kind(error.error()), (ErrorKind::TooLong { len, max: 3_072 }, Rule::Sta9));
    // Nor does the path that static invoices are handed in over.
    let wide = [(sides::point(3), &[0; 4_096][..])];
    let wide = bolt12::BlindedPath::new(sides::point(3).into(), sides::point(4), wide).unwrap();
    let message = IncomingMessage { reply_path: Some(wide), ..paths_until(&asked, None) };
    let error = refused(&mut recipient, message, NOW);
    assert!(matches!(kind(error.error()), (ErrorKind::TooLong { max: 4_096, .. }, Rule::Sta9)));
}

/// EXC-5: each path to the server in turn, with delays that grow to about an hour.
#[test]
fn the_server_is_asked_again_over_each_path() {
    let paths = [path_with(1, PathId([1; 32])), path_with(2, PathId([2; 32]))];
    let mut recipient = payee().async_recipient(paths.clone(), [9; 32], RecipientTerms::default()).unwrap();
    let _ = recipient.open(NOW).unwrap();
    let (mut now, mut ways, mut delays) = (NOW, Vec::new(), Vec::new());
    while now < after(DAY) {
        match recipient.poll(now) {
            Action::Send(message) => {
                let Destination::Path(path) = &message.destination else { panic!() };
                ways.push(paths.iter().position(|it| it == path).unwrap());
            }
            Action::WaitUntil(at) => {
                delays.push(at.0 - now.0);
                now = at;
                recipient = payee().load_async_recipient(&recipient.to_bytes()).unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(ways.chunks(2).all(|pair| pair[0] == 0 && pair.get(1).is_none_or(|it| *it == 1)), "{ways:?}");
    assert!((15..=45).contains(&delays[0]) && delays.iter().all(|delay| *delay <= 5_400), "{delays:?}");
    assert!(delays.len() < 60, "{delays:?}");
    // What cannot be sent over one path is sent over the other at once; after the last, the delay stays.
    let mut recipient = payee().async_recipient(paths, [9; 32], RecipientTerms::default()).unwrap();
    let _ = recipient.open(NOW).unwrap();
    let first = sent(&mut recipient, NOW);
    recipient.unreachable(&first.reply_path_id.unwrap(), NOW);
    let next = sent(&mut recipient, NOW);
    assert_ne!(first.destination, next.destination);
    recipient.unreachable(&next.reply_path_id.unwrap(), NOW);
    assert!(matches!(recipient.poll(NOW), Action::WaitUntil(at) if at > after(10)));
}

/// EXC-15, STA-9: that something is stored is believed over the reply path that it was handed in with, for what was.
#[test]
fn only_what_was_handed_in_is_stored() {
    let mut recipient = offered();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let first = sent(&mut recipient, NOW);
    // It is handed in again until that is said, and is the same each time.
    let Action::WaitUntil(at) = recipient.poll(NOW) else { panic!() };
    let again = sent(&mut recipient, at);
    assert_eq!((&again.message, again.reply_path_id), (&first.message, first.reply_path_id));
    for bit in 0..256 {
        let refused = refused(&mut recipient, astray(stored(&first), bit), NOW);
        assert_eq!(kind(refused.error()), (ErrorKind::WrongArrival, Rule::Sta9));
    }
    let odd = IncomingMessage { bytes: vec![2, 2, 0], ..stored(&first) };
    assert_eq!(refused(&mut recipient, odd, NOW).error().rule(), Rule::Tlv4);
    // Another static invoice takes its place: news about the first are too late.
    let other = {
        let builder = recipient.static_invoice(0, after(60)).unwrap().add_path(path(2), &payinfo());
        builder.add_message_path(path(1)).add_message_path(path(2)).build().unwrap()
    };
    recipient.serve(0, other, &path(1), after(60)).unwrap();
    let second = sent(&mut recipient, after(60));
    let late = refused(&mut recipient, stored(&first), after(61));
    assert_eq!(kind(late.error()), (ErrorKind::AlreadyAnswered, Rule::Exc4));
    assert!(!late.is_cheap());
    assert!(recipient.state(0, after(61)).unwrap().offer().unwrap().until().is_none());
    assert_eq!(recipient.receive(stored(&second), after(61)).unwrap(), RecipientProgress::Stored(0));
}

/// STA-9: half of its life before it expires, or a day after it was made.
#[test]
fn a_static_invoice_is_renewed_before_it_expires() {
    let (mut recipient, record) = served(NOW);
    assert!(matches!(recipient.state(0, after(DAY - 1)), Some(RecipientState::Served(_))));
    assert_eq!(recipient.poll(after(DAY - 1)), Action::WaitUntil(after(DAY)));
    let needs = |recipient: &AsyncRecipient, now| match recipient.state(0, now) {
        Some(RecipientState::NeedsInvoice(offer)) => offer.until(),
        other => panic!("{other:?}"),
    };
    assert_eq!(needs(&recipient, after(DAY)), Some(after(14 * DAY)), "the server answers meanwhile");
    // While the application makes it, nothing else is due.
    let Action::WaitUntil(at) = recipient.poll(after(DAY)) else { panic!() };
    assert!(at > after(100 * DAY));
    fill(&mut recipient, 0, PHONE, after(DAY)).unwrap();
    let handing = sent(&mut recipient, after(DAY));
    let Some(RecipientState::HandingIn(offer)) = recipient.state(0, after(DAY)) else { panic!() };
    assert_eq!(offer.until(), Some(after(14 * DAY)));
    // The server does not answer for a day: another one is needed, and this one is still handed in.
    assert_eq!(needs(&recipient, after(2 * DAY)), Some(after(14 * DAY)));
    assert_eq!(sent(&mut recipient, after(2 * DAY)).message, handing.message);
    let (_, record, said) = store(&server(), deliver(&handing, PHONE), Some(&record), after(2 * DAY));
    assert!(record.is_some());
    assert_eq!(recipient.receive(deliver(&said, SERVER), after(2 * DAY)).unwrap(), RecipientProgress::Stored(0));
    assert_eq!(recipient.state(0, after(2 * DAY)).unwrap().offer().unwrap().until(), Some(after(15 * DAY)));

    // One that lives for an hour is renewed after half of that.
    let mut recipient = offered();
    recipient.make_offer(0, NOW, |offer| offer.description("tips").amount_msat(PRICE)).unwrap();
    let hour = Duration::from_secs(3_600);
    let builder = recipient.static_invoice(0, NOW).unwrap().add_path(path(2), &payinfo()).relative_expiry(hour);
    let invoice = builder.add_message_path(path(1)).add_message_path(path(2)).build().unwrap();
    recipient.serve(0, invoice, &path(1), NOW).unwrap();
    let handing = sent(&mut recipient, NOW);
    let _ = recipient.receive(stored(&handing), NOW).unwrap();
    assert!(matches!(recipient.state(0, after(1_799)), Some(RecipientState::Served(_))));
    assert_eq!(needs(&recipient, after(1_800)), Some(after(3_600)));
}

/// STA-9: after three quarters of its time another takes over; the old one is renewed until it expires.
#[test]
fn an_offer_is_followed_by_another_before_it_expires() {
    let (mut recipient, _) = served(NOW);
    let follow_at = after(365 * DAY - 365 * DAY / 4);
    let just_before = UnixTime(follow_at.0 - 1);
    fill(&mut recipient, 0, PHONE, just_before).unwrap();
    let handing = sent(&mut recipient, just_before);
    let _ = recipient.receive(stored(&handing), just_before).unwrap();
    assert_eq!(recipient.poll(just_before), Action::WaitUntil(follow_at));
    let asked = sent(&mut recipient, follow_at);
    assert_eq!(asked.message.as_bytes(), OfferPathsRequest { invoice_slot: 1 }.to_bytes());
    let given = deliver(&give_paths(&server(), &asked, follow_at), SERVER);
    assert_eq!(recipient.receive(given, follow_at).unwrap(), RecipientProgress::Paths(1));
    recipient = reload(recipient);
    let needs = recipient.state(1, follow_at);
    assert!(matches!(needs, Some(RecipientState::NeedsOffer { follows: Some(0), .. })), "{needs:?}");
    fill(&mut recipient, 1, PHONE, follow_at).unwrap();
    let (first, second) = (offer_of(&recipient, 0, follow_at), offer_of(&recipient, 1, follow_at));
    assert_ne!(first.issuer_id(), second.issuer_id(), "nobody sees that they are of one payee");
    assert_eq!(second.absolute_expiry(), Some(UnixTime(follow_at.0 + 365 * DAY)));
    // One is enough.
    let handing = sent(&mut recipient, follow_at);
    let _ = recipient.receive(stored(&handing), follow_at).unwrap();
    assert_eq!(recipient.states(follow_at).count(), 2);
    let follows = recipient.state(1, follow_at).unwrap().offer().unwrap().follows();
    assert_eq!(follows, Some(0));
    // Until the end the first is kept, and then its slot is free.
    let _ = recipient.poll(after(365 * DAY));
    assert_eq!(recipient.states(after(365 * DAY)).count(), 2);
    assert!(matches!(recipient.state(0, after(365 * DAY)), Some(RecipientState::NeedsInvoice(_))));
    let _ = recipient.poll(after(365 * DAY + 1));
    assert!(matches!(recipient.state(0, after(365 * DAY + 1)), Some(RecipientState::Expired(_))));
    recipient = reload(recipient);
    assert!(recipient.close(0));
    assert!(recipient.state(1, after(365 * DAY + 1)).unwrap().offer().unwrap().follows().is_none());
    assert_eq!(recipient.open(after(365 * DAY + 1)), Ok(0));
}

/// Nobody sees that two offers are of one payee, also if they were in one slot.
#[test]
fn other_paths_make_another_key() {
    let mut recipient = recipient();
    let mut key_at = |now| {
        let _ = recipient.open(now).unwrap();
        let given = give_paths(&server(), &sent(&mut recipient, now), now);
        let _ = recipient.receive(deliver(&given, SERVER), now).unwrap();
        let key = recipient.make_offer(0, now, |offer| offer.description("tips")).unwrap().issuer_id();
        assert!(recipient.close(0));
        key
    };
    assert_ne!(key_at(NOW), key_at(after(60)));
}

/// STA-9: for years there is one offer to show, and at most the one before it.
#[test]
fn each_offer_is_followed_once() {
    let terms = RecipientTerms { slots: 4, ..RecipientTerms::default() };
    let (mut recipient, server) = (recipient_with(terms), server());
    let _ = recipient.open(NOW).unwrap();
    let (mut now, mut offers, mut most) = (NOW, 0, 0);
    while now < after(12 * 365 * DAY) {
        match recipient.poll(now) {
            Action::Send(message) => match server.receive(deliver(&message, PHONE), now) {
                Ok(ServerStep::PathsAsked(asked)) => {
                    let path = path_with(SERVER, asked.path_id());
                    let _ = recipient.receive(deliver(&asked.answer([path]).unwrap(), SERVER), now).unwrap();
                    offers += 1;
                }
                _ => drop(recipient.receive(stored(&message), now).unwrap()),
            },
            // It is woken once a month.
            Action::WaitUntil(at) => now = at.max(UnixTime(now.0 + 30 * DAY)),
            other => panic!("{other:?}"),
        }
        (0..4).for_each(|slot| fill(&mut recipient, slot, PHONE, now).unwrap());
        let is_good = |state: &RecipientState<'_>| !matches!(state, RecipientState::Expired(_));
        most = most.max(recipient.states(now).filter(|(_, state)| is_good(state)).count());
    }
    assert_eq!(most, 2);
    assert!((14..=16).contains(&offers), "{offers}");
}

/// Nobody knows an offer that was never served: none takes over from it. Paths that expire unused are asked for again.
#[test]
fn what_was_never_served_is_not_followed() {
    let mut recipient = offered();
    recipient.make_offer(0, NOW, |offer| offer.description("tips").amount_msat(PRICE)).unwrap();
    assert!(matches!(recipient.poll(after(300 * DAY)), Action::WaitUntil(_)));
    assert_eq!(recipient.states(after(300 * DAY)).count(), 1);

    let mut recipient = offered();
    assert_eq!(recipient.poll(after(365 * DAY)), Action::WaitUntil(after(365 * DAY + 1)));
    let again = sent(&mut recipient, after(365 * DAY + 1));
    assert_eq!(again.message.as_bytes(), OfferPathsRequest { invoice_slot: 0 }.to_bytes());
    assert!(matches!(recipient.state(0, after(365 * DAY + 1)), Some(RecipientState::Asking)));
}

/// A phone whose clock was wrong for a moment has lost no offer.
#[test]
fn a_clock_that_jumps_loses_no_offer() {
    let (mut recipient, record) = served(NOW);
    let offer = offer_of(&recipient, 0, NOW);
    let wrong = after(4_000 * DAY);
    let Action::Send(asked) = recipient.poll(wrong) else { panic!() };
    assert_eq!(asked.message.as_bytes(), OfferPathsRequest { invoice_slot: 1 }.to_bytes(), "another one takes over");
    let Action::WaitUntil(at) = recipient.poll(wrong) else { panic!() };
    assert!(at > wrong);
    recipient = reload(recipient);
    assert!(matches!(recipient.state(0, wrong), Some(RecipientState::Expired(_))));
    assert!(matches!(recipient.state(0, after(5)), Some(RecipientState::Served(served)) if *served.offer() == offer));
    fill(&mut recipient, 0, PHONE, after(DAY)).unwrap();
    let handing = sent_for(&mut recipient, after(DAY));
    assert!(store(&server(), deliver(&handing, PHONE), Some(&record), after(DAY)).1.is_some());
}

/// The static invoice that it hands in now, whatever else it sends.
fn sent_for(recipient: &mut AsyncRecipient, now: UnixTime) -> OutgoingMessage {
    loop {
        let message = sent(recipient, now);
        if message.message.kind() == OffersMessageKind::Serving(ServingKind::ServeStaticInvoice) {
            return message;
        }
    }
}

/// STA-8: no more slots than were agreed on, also for what takes over.
#[test]
fn no_more_slots_than_agreed_are_used() {
    let terms = RecipientTerms { slots: 1, ..RecipientTerms::default() };
    let mut recipient = recipient_with(terms);
    assert_eq!(recipient.open(NOW), Ok(0));
    let none = (fault(ServingFault::NoFreeSlot { slots: 1 }), Rule::Sta9);
    assert_eq!(kind(&recipient.open(NOW).unwrap_err()), none);
    let given = deliver(&give_paths(&server(), &sent(&mut recipient, NOW), NOW), SERVER);
    let _ = recipient.receive(given, NOW).unwrap();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let handing = sent(&mut recipient, NOW);
    let _ = recipient.receive(stored(&handing), NOW).unwrap();
    // There is no room for what takes over, until the first has expired.
    for now in [after(300 * DAY), after(365 * DAY)] {
        let Action::WaitUntil(at) = recipient.poll(now) else { panic!() };
        assert!(at > now, "it does not spin");
        assert_eq!(recipient.states(now).count(), 1);
    }
    // Then it takes the slot.
    let mut expired = payee().load_async_recipient(&recipient.to_bytes()).unwrap();
    let asked = sent(&mut expired, after(365 * DAY + 1));
    assert_eq!(asked.message.as_bytes(), OfferPathsRequest { invoice_slot: 0 }.to_bytes());
    assert!(matches!(expired.state(0, after(365 * DAY + 1)), Some(RecipientState::Asking)));
    assert!(recipient.close(0) && !recipient.close(0));
    assert_eq!(recipient.poll(after(365 * DAY)), Action::Nothing);
    assert_eq!(recipient.open(after(365 * DAY)), Ok(0));
}

/// STA-9: what was given for a slot that was closed since is nothing for the next one in it.
#[test]
fn a_slot_that_is_opened_again_asks_anew() {
    let (mut recipient, asked) = asking();
    assert!(recipient.close(0));
    let paths = paths_until(&asked, Some(after(100 * DAY)));
    assert_eq!(refused(&mut recipient, paths.clone(), NOW).error().kind(), &ErrorKind::AlreadyAnswered);
    assert_eq!(recipient.open(NOW), Ok(0));
    let again = sent(&mut recipient, NOW);
    assert_ne!(again.reply_path_id, asked.reply_path_id);
    assert_eq!(refused(&mut recipient, paths, NOW).error().kind(), &ErrorKind::AlreadyAnswered);
    let _ = recipient.receive(paths_until(&again, Some(after(100 * DAY))), NOW).unwrap();
}

/// The first static invoice of an offer that nobody knows is not handed in for ever: the server may have forgotten it.
#[test]
fn other_paths_are_asked_for_if_the_first_lead_nowhere() {
    let mut recipient = offered();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let (mut now, mut handed, mut last) = (NOW, 0, NOW);
    let asked = loop {
        match recipient.poll(now) {
            Action::Send(message)
                if message.message.kind() == OffersMessageKind::Serving(ServingKind::OfferPathsRequest) =>
            {
                break *message;
            }
            Action::Send(_) => (handed, last) = (handed + 1, now),
            Action::WaitUntil(at) => now = at,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(handed, 12);
    assert!(now.0 > last.0 + 1_800, "the last one has its time, too");
    assert!((4 * 3_600..DAY).contains(&(now.0 - NOW.0)), "{}", now.0 - NOW.0);
    assert!(matches!(recipient.state(0, now), Some(RecipientState::Asking)));
    // With delays that grow from the beginning.
    assert!(matches!(recipient.poll(now), Action::WaitUntil(at) if at.0 <= now.0 + 45));
    // The paths of the first round are too late.
    let (_, first) = asking();
    assert_ne!(first.reply_path_id, asked.reply_path_id);
    let late = refused(&mut recipient, paths_until(&first, Some(UnixTime(now.0 + 100 * DAY))), now);
    assert_eq!(late.error().kind(), &ErrorKind::AlreadyAnswered);
    let _ = recipient.receive(paths_until(&asked, Some(UnixTime(now.0 + 100 * DAY))), now).unwrap();
}

/// The same paths and expiry, with somebody else's key.
fn with_another_key(offer: OfferBuilder) -> OfferBuilder {
    let made = offer.build().unwrap();
    let other = OfferBuilder::new(messages::issuer().public_key()).absolute_expiry(made.absolute_expiry().unwrap());
    made.paths().unwrap().iter().fold(other, |other, path| other.add_path(path.into_owned()))
}

/// STA-2, STA-4, STA-7, STA-9: an offer is over the server's paths, with a key of its own, and has a static invoice.
#[test]
fn an_offer_is_what_the_server_can_answer_for() {
    type Fill = fn(OfferBuilder) -> OfferBuilder;
    let spoil: [(Fill, ErrorKind, Rule); 6] = [
        (|offer| offer.add_path(path(2)), ErrorKind::Differs, Rule::Sta9),
        (|offer| offer.absolute_expiry(UnixTime(NOW.0 + 366 * DAY)), ErrorKind::Differs, Rule::Sta9),
        (|_| OfferBuilder::new(messages::issuer().public_key()), ErrorKind::Differs, Rule::Sta9),
        (with_another_key, ErrorKind::Differs, Rule::Sta9),
        (|offer| offer.add_chain(ChainHash::BITCOIN).add_chain(ChainHash::SIGNET), ErrorKind::Unexpected, Rule::Sta7),
        (|offer| offer.issuer(&"x".repeat(4_000)), ErrorKind::TooLong { len: 0, max: 4_096 }, Rule::Exc1),
    ];
    for (fill, expected, rule) in spoil {
        let mut recipient = offered();
        let before = recipient.to_bytes();
        let error = recipient.make_offer(0, NOW, |offer| fill(offer.description("tips"))).unwrap_err();
        assert_eq!((error.kind().code(), error.rule()), (expected.code(), rule), "{error:#}");
        assert_eq!(recipient.to_bytes(), before);
    }
    let mut recipient = offered();
    let sooner = |offer: OfferBuilder| offer.description("tips").absolute_expiry(after(50 * DAY));
    recipient.make_offer(0, NOW, sooner).unwrap();
    assert_eq!(offer_of(&recipient, 0, NOW).absolute_expiry(), Some(after(50 * DAY)));
    // Each step in its turn.
    let not_now = (fault(ServingFault::NotNow), Rule::Sta9);
    assert_eq!(kind(&recipient.make_offer(0, NOW, sooner).unwrap_err()), not_now);
    for slot in [1, 9] {
        assert_eq!(kind(&recipient.static_invoice(slot, NOW).unwrap_err()), not_now);
        assert_eq!(kind(&recipient.forward_path_id(slot).unwrap_err()), not_now);
        assert_eq!(kind(&recipient.held_path_id(slot, 0, NOW).unwrap_err()), not_now);
    }
    // The static invoice of another offer is not handed in.
    let other = served(NOW).0;
    let builder = other.static_invoice(0, NOW).unwrap().add_path(path(2), &payinfo());
    let invoice = builder.add_message_path(path(1)).add_message_path(path(2)).build().unwrap();
    let differs = recipient.serve(0, invoice, &path(1), NOW).unwrap_err();
    assert_eq!(kind(&differs), (ErrorKind::Differs, Rule::Sta4));
    assert!(payee().async_recipient([], [1; 32], RecipientTerms::default()).is_err());
}

/// Who asks the same server over other paths from now on asks over no other.
#[test]
fn the_server_is_asked_over_the_paths_that_were_set_last() {
    let (mut recipient, asked) = asking();
    let before = recipient.to_bytes();
    assert_eq!(kind(&recipient.set_server([]).unwrap_err()), (ErrorKind::NoEntries, Rule::Sta9));
    assert_eq!(recipient.to_bytes(), before);
    let other = Destination::Path(path(9));
    assert_ne!(asked.destination, other);
    recipient.set_server([path(9)]).unwrap();
    let mut recipient = reload(recipient);
    recipient.unreachable(&asked.reply_path_id.unwrap(), NOW);
    let Action::WaitUntil(again) = recipient.poll(NOW) else { panic!("it is asked again later") };
    assert_eq!(sent(&mut recipient, again).destination, other);
}

#[cfg(feature = "recurrence")]
#[test]
fn a_subscription_is_not_served() {
    use bolt12::{Recurrence, TimeUnit};
    let mut recipient = offered();
    let daily = Recurrence::every(1, TimeUnit::Days).unwrap();
    let fill = |offer: OfferBuilder| offer.description("tips").amount_msat(PRICE).recurrence(daily);
    let error = recipient.make_offer(0, NOW, fill).unwrap_err();
    assert_eq!(kind(&error), (ErrorKind::IsRecurring, Rule::Rec3));
}

/// A payment that asks the offer, and what it sends.
fn ask(offer: &Offer, now: UnixTime) -> (AsyncPayment, OutgoingMessage) {
    let draft = sides::payer().draft(offer, now, CHAINS).unwrap();
    let mut payment = AsyncPayment::new(draft.start([7; 32], now, UnixTime(now.0 + DAY)).unwrap()).unwrap();
    let Action::Send(request) = payment.poll(now).unwrap() else { panic!() };
    (payment, *request)
}

/// The server's answer and what it forwards.
fn serve(recipient: &AsyncRecipient, record: &[u8], now: UnixTime) -> (AsyncPayment, OutgoingMessage, OutgoingMessage) {
    let (payment, asked) = ask(&offer_of(recipient, 0, now), now);
    let Ok(ServerStep::Request(request)) = server().receive(deliver(&asked, PAYER), now) else { panic!() };
    let served = request.answer(Some(record), now).unwrap();
    (payment, served.answer.unwrap(), served.forward)
}

/// STA-8, STA-9: if it is awake in time, it answers with an invoice that can be proved.
#[test]
fn who_is_awake_answers_itself() {
    let (recipient, record) = served(NOW);
    for static_first in [true, false] {
        let (mut payment, answer, forward) = serve(&recipient, &record, NOW);
        if static_first {
            assert_eq!(payment.receive(deliver(&answer, SERVER), NOW).unwrap(), AsyncProgress::Asleep);
        }
        let received = payee().receive(deliver(&forward, SERVER)).unwrap();
        let accepted = received.accept(&Terms::new(NOW, CHAINS)).unwrap();
        let (_, invoice) = sides::invoice(&accepted);
        let invoice = accepted.answer(invoice).unwrap();
        let progress = payment.receive(deliver(&invoice, PHONE), NOW).unwrap();
        assert!(matches!(progress, AsyncProgress::AsUsual(Progress::Quoted)), "{progress:?}");
        if !static_first {
            let late = payment.receive(deliver(&answer, SERVER), NOW);
            assert!(late.is_err() || matches!(late, Ok(AsyncProgress::Asleep)));
        }
        use bolt12::exchange::AsyncState;
        assert!(matches!(payment.state(), AsyncState::AsUsual(State::Quoted(_))), "{:?}", payment.state());
    }
}

/// RQR-7, STA-9: what is forwarded is taken over the path that was made for it, for that offer.
#[test]
fn what_is_forwarded_is_taken_over_its_own_path() {
    let (recipient, record) = served(NOW);
    let (_, _, forward) = serve(&recipient, &record, NOW);
    let good = deliver(&forward, SERVER);
    assert!(payee().receive(good.clone()).is_ok());
    for bit in 0..256 {
        let refused = payee().receive(astray(good.clone(), bit)).unwrap_err();
        assert_eq!(kind(refused.error()), (ErrorKind::WrongArrival, Rule::Rqr7));
        assert!(refused.is_cheap() && refused.answer().is_none());
    }
    // Over the offer's own path, which ends at the server, over a message path, and over none.
    let (_, asked) = ask(&offer_of(&recipient, 0, NOW), NOW);
    let held = MessageArrival::Path(recipient.held_path_id(0, 0, after(DAY)).unwrap());
    for arrival in [deliver(&asked, PAYER).arrival, held, MessageArrival::Direct] {
        assert!(payee().receive(IncomingMessage { arrival, ..good.clone() }).is_err());
    }
    // That of another offer leads to that one alone.
    let mut other = payee().async_recipient([client_path(CLIENT)], [0x75; 32], RecipientTerms::default()).unwrap();
    let _ = other.open(NOW).unwrap();
    let given = deliver(&give_paths(&server(), &sent(&mut other, NOW), NOW), SERVER);
    let _ = other.receive(given, NOW).unwrap();
    fill(&mut other, 0, PHONE, NOW).unwrap();
    let arrival = MessageArrival::Path(other.forward_path_id(0).unwrap());
    let refused = payee().receive(IncomingMessage { arrival, ..good }).unwrap_err();
    assert_eq!(refused.error().rule(), Rule::Rqr7);
}

/// STA-6, STA-9: the payment is held until the phone wakes, and asks for it.
#[test]
fn who_wakes_has_a_payment_released() {
    let (mut recipient, record) = served(NOW);
    let (mut payment, answer, _) = serve(&recipient, &record, NOW);
    assert_eq!(payment.receive(deliver(&answer, SERVER), NOW).unwrap(), AsyncProgress::Asleep);
    payment.begin_held([0x7a; 32], NOW, after(7 * DAY), None).unwrap();
    let mut notices = 0;
    for _ in 0..2 {
        let Action::Send(notice) = payment.poll(after(3_600 * (notices + 1))).unwrap() else { panic!() };
        let notice = deliver(&notice, PAYER);
        assert_eq!(notice.kind, OffersMessageKind::HeldHtlcAvailable);
        let before = recipient.to_bytes();
        let RecipientProgress::Held(release) = recipient.receive(notice.clone(), after(DAY)).unwrap() else { panic!() };
        assert_eq!(recipient.to_bytes(), before, "it needs no state");
        assert_eq!(payee().release_held(notice, after(DAY)).unwrap(), *release);
        assert_eq!(release.message, OffersMessage::ReleaseHeldHtlc);
        notices += 1;
        if notices == 2 {
            assert_eq!(payment.receive(deliver(&release, PHONE), after(DAY)).unwrap(), AsyncProgress::Released);
        }
    }
    use bolt12::exchange::AsyncState;
    let AsyncState::Paying(paying) = payment.state() else { panic!() };
    assert_eq!(paying.release(), Release::Release);
}

/// STA-9: who has no static invoice, or an old one, learns nothing of whether the phone is awake.
#[test]
fn only_a_static_invoice_that_can_be_paid_leads_to_a_phone() {
    let (recipient, _) = served(NOW);
    let until = after(14 * DAY);
    let path_id = recipient.held_path_id(0, 1, until).unwrap();
    let notice = |arrival| IncomingMessage {
        kind: OffersMessageKind::HeldHtlcAvailable,
        bytes: vec![0],
        arrival,
        reply_path: Some(path(1)),
    };
    let good = notice(MessageArrival::Path(path_id));
    assert!(payee().release_held(good.clone(), NOW).is_ok());
    assert!(payee().release_held(good.clone(), after(21 * DAY)).is_ok(), "a payment may be held for a week");
    let refused = payee().release_held(good.clone(), after(21 * DAY + 1)).unwrap_err();
    assert_eq!(kind(refused.error()), (ErrorKind::Expired { at: after(21 * DAY) }, Rule::Sta9));
    assert!(refused.answer().is_none());
    for bit in 0..256 {
        let refused = payee().release_held(astray(good.clone(), bit), NOW).unwrap_err();
        assert_eq!(kind(refused.error()), (ErrorKind::WrongArrival, Rule::Sta9));
        assert!(refused.is_cheap() && refused.answer().is_none());
    }
    let forward = MessageArrival::Path(recipient.forward_path_id(0).unwrap());
    for arrival in [MessageArrival::Direct, MessageArrival::OtherPath, forward] {
        assert!(payee().release_held(notice(arrival), NOW).is_err());
    }
    let odd = IncomingMessage { bytes: vec![2, 2, 0], ..good.clone() };
    assert!(payee().release_held(odd, NOW).is_err());
    let mute = IncomingMessage { reply_path: None, ..good.clone() };
    assert_eq!(payee().release_held(mute, NOW).unwrap_err().error().kind(), &ErrorKind::NoReplyPath);
    let other = IncomingMessage { kind: OffersMessageKind::ReleaseHeldHtlc, ..good };
    assert!(payee().release_held(other, NOW).is_err());
}

/// EXC-4: what is saved is loaded as it was, or not at all.
#[test]
fn only_what_was_saved_of_a_recipient_is_loaded() {
    let state = served(NOW).0.to_bytes();
    for at in (0..state.len()).step_by(7) {
        let mut damaged = state.clone();
        damaged[at] ^= 0x10;
        assert_eq!(payee().load_async_recipient(&damaged).unwrap_err().kind(), &ErrorKind::InvalidState);
    }
    for len in 0..40 {
        assert!(payee().load_async_recipient(&state[..len]).is_err());
    }
    let other = bolt12::exchange::Payee::new([1; 32]);
    assert_eq!(other.load_async_recipient(&state).unwrap_err().kind(), &ErrorKind::InvalidState);
    let reseal =
        |change: &dyn Fn(&mut Vec<u8>)| sides::reseal([0x72; 32], "issuer state", &state, |state| change(state));
    let later = reseal(&|state| state[0] += 1);
    assert_eq!(payee().load_async_recipient(&later).unwrap_err().kind(), &ErrorKind::UnknownVersion);
    // Nothing is allocated for what only a length says.
    let long = reseal(&|state| {
        let servers = 2 + 8 + 4 + 3 * 8 + 2 * 8;
        state[servers..servers + 8].fill(0xff);
    });
    assert_eq!(payee().load_async_recipient(&long).unwrap_err().kind(), &ErrorKind::InvalidState);
    assert!(payee().load_async_recipient(&reseal(&|state| state.push(0))).is_err());
}

/// EXC-13: an old state makes what was made since again, and the server takes it.
#[test]
fn an_old_state_goes_on_from_where_it_was() {
    let mut recipient = offered();
    let backup = recipient.to_bytes();
    fill(&mut recipient, 0, PHONE, NOW).unwrap();
    let handing = sent(&mut recipient, NOW);
    let (_, record, said) = store(&server(), deliver(&handing, PHONE), None, NOW);
    let first = offer_of(&recipient, 0, NOW);

    let mut restored = payee().load_async_recipient(&backup).unwrap();
    // News about what this state does not know.
    assert_eq!(refused(&mut restored, deliver(&said, SERVER), NOW).error().kind(), &ErrorKind::AlreadyAnswered);
    restored.make_offer(0, after(60), |offer| offer.description("rent").amount_msat(Msat(5))).unwrap();
    fill(&mut restored, 0, PHONE, after(60)).unwrap();
    assert_ne!(offer_of(&restored, 0, after(60)).id(), first.id());
    let handing = sent(&mut restored, after(60));
    assert_eq!(refused(&mut restored, deliver(&said, SERVER), NOW).error().kind(), &ErrorKind::AlreadyAnswered);
    let (_, replaced, said) = store(&server(), deliver(&handing, PHONE), record.as_deref(), after(60));
    assert!(replaced.is_some());
    assert_eq!(restored.receive(deliver(&said, SERVER), after(60)).unwrap(), RecipientProgress::Stored(0));
}

#[test]
fn nothing_shows_a_secret() {
    let recipient = offered();
    let shown = format!("{recipient:?}");
    assert!(shown.starts_with("AsyncRecipient"));
    assert!(!shown.contains("payee") && !shown.contains("server"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// STA-9: at any times, whatever answers come, it never asks or hands in more than its delays allow, it never spins, and
    /// what it is about to do survives a crash.
    #[test]
    fn it_never_spins(steps in prop::collection::vec((0u64..40 * DAY, any::<u8>()), 1..40)) {
        let retry = Retry { first: Duration::from_secs(30), max: Duration::from_secs(3_600) };
        let mut recipient = recipient_with(RecipientTerms { slots: 3, retry, ..RecipientTerms::default() });
        let server = server();
        let _ = recipient.open(NOW).unwrap();
        let (mut now, mut records) = (NOW, std::collections::BTreeMap::new());
        for (later, choice) in steps {
            now = if choice % 16 == 15 { UnixTime(now.0 - later.min(now.0 - NOW.0)) } else { UnixTime(now.0 + later) };
            let mut answers = Vec::new();
            for turn in 0.. {
                prop_assert!(turn < 12, "it spins");
                let Action::Send(message) = recipient.poll(now) else { break };
                if choice % 3 == 0 { continue }
                match server.receive(deliver(&message, PHONE), now) {
                    Ok(ServerStep::PathsAsked(asked)) => {
                        let paths = [path_with(SERVER, asked.path_id())];
                        answers.push(asked.answer(paths).unwrap());
                    }
                    Ok(ServerStep::Serve(to_serve)) => {
                        let slot = to_serve.slot();
                        let stored = records.get(&slot).map(|record: &Vec<u8>| &record[..]);
                        if let Ok(storing) = to_serve.compare(stored) {
                            if let Some(record) = storing.record() {
                                records.insert(slot, record.to_vec());
                            }
                            answers.push(storing.stored());
                        }
                    }
                    _ => {}
                }
            }
            for answer in &answers {
                let _ = recipient.receive(deliver(answer, SERVER), now);
                recipient = reload(recipient);
            }
            for slot in 0..3 {
                let _ = fill(&mut recipient, slot, PHONE, now);
            }
            recipient = reload(recipient);
            if let Action::WaitUntil(at) = recipient.clone().poll(now) {
                prop_assert!(at > now);
            }
            prop_assert!(records.len() <= 3);
        }
    }
}
