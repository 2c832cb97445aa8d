//! What can be wrong with serving a static invoice, or having one served: each kind once.

use bolt12::exchange::{RecipientTerms, ServerStep};
use bolt12::{Error, UnixTime};

use super::messages::NOW;
use super::serving::*;
use super::sides::path_with;

/// The errors of an async recipient, and of a static invoice server.
pub(crate) fn errors() -> Vec<Error> {
    let two_slots = RecipientTerms { slots: 2, ..RecipientTerms::default() };
    let mut recipient = recipient_with(two_slots);
    let opened = [recipient.open(NOW), recipient.open(NOW)];
    assert_eq!(opened, [Ok(0), Ok(1)]);
    let no_free_slot = recipient.open(NOW).unwrap_err();
    let not_now = recipient.forward_path_id(0).unwrap_err();
    assert!(recipient.close(1));
    let asked = sent(&mut recipient, NOW);
    let Ok(ServerStep::PathsAsked(paths)) = server().receive(deliver(&asked, PHONE), NOW) else { panic!() };
    let later = UnixTime(NOW.0 + 300 * DAY);
    let given = paths.clone().answer([path_with(SERVER, paths.path_id())]).unwrap();
    let expire = recipient.receive(deliver(&given, SERVER), later).unwrap_err();

    let mut lower = deliver(&asked, PHONE);
    lower.bytes = bolt12::onion::OfferPathsRequest { invoice_slot: 10 }.to_bytes();
    let no_such_slot = server().receive(lower, NOW).unwrap_err();

    let _ = recipient.receive(deliver(&given, SERVER), NOW).unwrap();
    let mut hand_in = |now| {
        fill(&mut recipient, 0, PHONE, now).unwrap();
        deliver(&sent(&mut recipient, now), PHONE)
    };
    let (first, second) = (hand_in(NOW), hand_in(UnixTime(NOW.0 + DAY)));
    let compare = |message, stored: Option<&[u8]>, now| match server().receive(message, now) {
        Ok(ServerStep::Serve(to_serve)) => to_serve.compare(stored),
        other => panic!("{other:?}"),
    };
    let now = UnixTime(NOW.0 + DAY);
    let record = |message| compare(message, None, now).unwrap().record().unwrap().to_vec();
    let too_soon = compare(second.clone(), Some(&record(first.clone())), UnixTime(now.0 + 3)).unwrap_err();
    let later_stored = compare(first, Some(&record(second)), now).unwrap_err();

    let (recipient, _) = served(NOW);
    let draft = super::sides::payer().draft(&offer_of(&recipient, 0, NOW), NOW, super::sides::CHAINS).unwrap();
    let mut payment = draft.start([1; 32], NOW, later).unwrap();
    let bolt12::exchange::Action::Send(request) = payment.poll(NOW).unwrap() else { panic!() };
    let Ok(ServerStep::Request(request)) = server().receive(deliver(&request, PAYER), NOW) else { panic!() };
    let not_served = request.answer(None, NOW).unwrap_err();
    let refused = [expire, no_such_slot, too_soon, later_stored, not_served];
    [no_free_slot, not_now].into_iter().chain(refused.iter().map(|refused| refused.error().clone())).collect()
}
