//! Refunds and their claims, to the last second and over every path.

use std::collections::BTreeSet;
use std::time::Duration;

use bolt12::exchange::{Action, ClaimState, EndReason, IncomingMessage, Payee, Payer, Payment, Progress, Retry};
use bolt12::exchange::{Destination, MessageArrival, OffersMessageKind};
use bolt12::{ErrorKind, InvoiceError, Msat, Preimage, Refund, RefundBuilder, Rule, UnixTime};

use super::helpers::{claim, forged, sent};
use super::messages::{NOW, key, path, payinfo};
use super::naive::record;
use super::sides::{CHAINS, copy, issuer, path_with, payer, point, tea};

fn publish(entropy: u8, paths: u8) -> Payment {
    publish_of(&payer(), entropy, paths)
}

fn publish_of(payer: &Payer, entropy: u8, paths: u8) -> Payment {
    let new = payer.new_refund([entropy; 32]);
    let builder = new.builder("a cup that broke", Msat(5_000));
    let builder = (0..paths)
        .fold(builder, |builder, position| builder.add_path(path_with(0x70 + position, new.path_id(position))));
    new.publish(builder, NOW).unwrap()
}

/// RQW-4: a refund has its own key and metadata, whatever stands in the builder that it is made of.
#[test]
fn a_refund_is_published_with_its_own_key() {
    let new = payer().new_refund([5; 32]);
    let foreign = RefundBuilder::new("a cup that broke", Msat(5_000), point(9), [1; 16]);
    let foreign = foreign.add_path(path_with(0x70, new.path_id(0)));
    let published = new.publish(foreign, NOW).unwrap();
    assert_eq!(published.refund().unwrap().as_bytes(), publish(5, 1).refund().unwrap().as_bytes());
}

/// EXC-5: claims that are sent in the same second are not all sent again in the same second.
#[test]
fn each_claim_has_delays_of_its_own() {
    let refund = publish(5, 1).refund().unwrap().clone();
    let again = (1..=20).map(|number| {
        let mut claim = claim(&Payee::new([number; 32]), &refund, 1);
        sent(&mut claim);
        let Action::WaitUntil(at) = claim.poll(NOW).unwrap() else { panic!("it is sent again later") };
        at
    });
    assert!(again.collect::<BTreeSet<_>>().len() > 4);
}

/// OFR-9: a refund is published until its last second.
#[test]
fn a_refund_that_has_expired_is_not_published() {
    for (expiry, is_published) in [(NOW.0, true), (NOW.0 - 1, false)] {
        let new = payer().new_refund([5; 32]);
        let builder = new.builder("a cup", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
        let published = new.publish(builder.absolute_expiry(UnixTime(expiry)), NOW);
        assert_eq!(published.is_ok(), is_published);
        if let Err(error) = published {
            assert_eq!((error.kind(), error.rule()), (&ErrorKind::Expired { at: UnixTime(expiry) }, Rule::Ofr9));
        }
    }
}

/// EXC-14: whatever key a builder has, the refund is published with its own, which only the payer knows.
#[test]
fn a_refund_has_its_own_key_whoever_began_it() {
    let new = payer().new_refund([5; 32]);
    let own = new.builder("a cup", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
    let other = RefundBuilder::new("a cup", Msat(5_000), key(9).public_key(), [1; 16]);
    let other = other.add_path(path_with(0x70, new.path_id(0)));
    let published = payer().new_refund([5; 32]).publish(own, NOW).unwrap();
    let from_other = new.publish(other, NOW).unwrap();
    assert_eq!(from_other.refund().unwrap().as_bytes(), published.refund().unwrap().as_bytes());
}

/// IVW-1, IVR-4: a claim is begun with an invoice of its own refund, for as long as was said, and of the key that was
/// said, whoever signs it.
#[test]
fn a_claim_begins_with_its_own_invoice() {
    let (mine, other) = (publish(5, 1), publish(6, 1));
    let [mine, other] = [mine, other].map(|payment| payment.refund().unwrap().clone());
    let signer = key(0x31);
    let accept = |refund| issuer().claim_as(signer.public_key(), refund, NOW, CHAINS).unwrap();
    let hash = Preimage([7; 32]).payment_hash();
    let invoice = |refund, expiry| {
        let accepted = accept(refund).relative_expiry(expiry);
        accepted.invoice(hash).add_path(path(1), &payinfo()).build().unwrap().sign(&signer).unwrap()
    };
    let hour = Duration::from_secs(3_600);
    let (accepted, deadline) = (accept(&mine).relative_expiry(hour), UnixTime(NOW.0 + 600));
    let begin = |invoice| accepted.begin(invoice, deadline, Retry::default());
    assert!(begin(invoice(&mine, hour)).is_ok());
    let error = begin(invoice(&other, hour)).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Differs, Rule::Ivr8));
    for seconds in [3_599, 3_601] {
        let error = begin(invoice(&mine, Duration::from_secs(seconds))).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::TimeMismatch { expected: UnixTime(NOW.0 + 3_600) });
    }
    let foreign = issuer().claim_as(point(0x32), &mine, NOW, CHAINS).unwrap().relative_expiry(hour);
    let foreign = foreign.invoice(hash).add_path(path(1), &payinfo()).build().unwrap().sign(&key(0x32)).unwrap();
    assert_eq!(begin(foreign).unwrap_err().kind(), &ErrorKind::WrongKey);
}

/// EXC-5: a claim goes over each path of its refund in turn, at once after one that leads nowhere; what is said of
/// another claim changes nothing.
#[test]
fn a_claim_takes_the_next_path_at_once() {
    let payment = publish(5, 3);
    let refund = payment.refund().unwrap();
    let mut claim = claim(&issuer(), refund, 1);
    let mut other = self::claim(&Payee::new([9; 32]), refund, 2);
    let Action::Send(theirs) = other.poll(NOW).unwrap() else { panic!() };
    let mut seen = Vec::new();
    for at in 0..3 {
        let Action::Send(outgoing) = claim.poll(NOW).unwrap() else { panic!("{at}") };
        assert!(!seen.contains(&outgoing.destination));
        seen.push(outgoing.destination.clone());
        assert!(matches!(claim.poll(NOW).unwrap(), Action::WaitUntil(_)));
        claim.unreachable(&theirs.reply_path_id.unwrap(), NOW);
        assert!(matches!(claim.poll(NOW).unwrap(), Action::WaitUntil(_)));
        claim = issuer().load_claim(&claim.to_bytes()).unwrap();
        claim.unreachable(&outgoing.reply_path_id.unwrap(), NOW);
    }
    // After the last of all the delay stays, and then the first is tried again.
    let Action::WaitUntil(at) = claim.poll(NOW).unwrap() else { panic!() };
    let Action::Send(again) = claim.poll(at).unwrap() else { panic!() };
    assert_eq!(again.destination, seen[0]);
}

/// EXC-5, OFR-9, IVR-4: a claim ends at its deadline, with its invoice or with its refund, whichever is first.
#[test]
fn a_claim_ends_with_what_ends_first() {
    let at = |seconds| UnixTime(NOW.0 + seconds);
    for [deadline, invoice, refund] in
        [[100, 200, 300], [200, 100, 300], [300, 200, 100], [100, 300, 200], [200, 300, 100], [300, 100, 200]]
    {
        let new = payer().new_refund([5; 32]);
        let builder = new.builder("a cup", Msat(5_000)).add_path(path_with(0x70, new.path_id(0)));
        let published = new.publish(builder.absolute_expiry(at(refund)), NOW).unwrap();
        let accepted = issuer().claim(published.refund().unwrap(), NOW, CHAINS).unwrap();
        let accepted = accepted.relative_expiry(Duration::from_secs(invoice));
        let invoice = accepted.invoice(Preimage([7; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
        let claim = accepted.sign(invoice, at(deadline), Retry::default()).unwrap();
        let mut claim = issuer().load_claim(&claim.to_bytes()).unwrap();
        assert_eq!(claim.deadline(), at(100));
        assert!(matches!(claim.poll(at(100)).unwrap(), Action::Send(_)));
        assert_eq!(claim.poll(at(101)).unwrap(), Action::Nothing);
        assert_eq!(claim.state(), &ClaimState::Ended(EndReason::Deadline));
    }
}

/// How a claim ended is still known after a restart.
#[test]
fn a_claim_that_has_ended_stays_so() {
    let payment = publish(5, 1);
    let refund = payment.refund().unwrap();
    let why = InvoiceError::new("the cup is whole").unwrap();
    let mut refused = claim(&issuer(), refund, 1);
    let Action::Send(outgoing) = refused.poll(NOW).unwrap() else { panic!() };
    let arrival = MessageArrival::Path(outgoing.reply_path_id.unwrap());
    let bytes = why.into_bytes();
    let kind = OffersMessageKind::InvoiceError;
    refused.receive(IncomingMessage { kind, bytes, arrival, reply_path: None }, NOW).unwrap();
    let mut late = claim(&issuer(), refund, 1);
    assert_eq!(late.poll(UnixTime(NOW.0 + 601)).unwrap(), Action::Nothing);
    let mut lost = claim(&issuer(), refund, 1);
    assert!(lost.unsendable());
    for claim in [refused, late, lost] {
        assert!(matches!(claim.state(), ClaimState::Ended(_)));
        let loaded = issuer().load_claim(&claim.to_bytes()).unwrap();
        assert_eq!((loaded.state(), loaded.id()), (claim.state(), claim.id()));
        assert_eq!(loaded.to_bytes(), claim.to_bytes());
    }
    assert!(matches!(late_end(refund), ClaimState::Ended(EndReason::Deadline)));
}

fn late_end(refund: &Refund) -> ClaimState {
    let mut claim = claim(&issuer(), refund, 1);
    claim.poll(UnixTime(NOW.0 + 601)).unwrap();
    claim.state().clone()
}

/// IVR-9: a hundred keys that were declined are remembered, and of more the oldest is forgotten.
#[test]
fn a_hundred_declined_keys_are_remembered() {
    let mut payment = publish(5, 1);
    let refund = payment.refund().unwrap().clone();
    let mut first = claim(&issuer(), &refund, 1);
    let (node_id, incoming) = (first.invoice().node_id(), sent(&mut first));
    payment.decline_claim(node_id).unwrap();
    for number in 1..100 {
        payment.decline_claim(point(number)).unwrap();
    }
    let mut hundred = copy(&payer(), &payment);
    assert_eq!(hundred.receive(incoming.clone(), NOW).unwrap_err().error().kind(), &ErrorKind::WrongKey);
    payment.decline_claim(point(100)).unwrap();
    let mut more = copy(&payer(), &payment);
    assert!(more.receive(incoming, NOW).is_ok());
}

/// RQW-4, RQW-6: each refund has a key and metadata of its own, which nobody else can make, and which are the same every
/// time.
#[test]
fn no_two_refunds_have_a_key_or_a_nonce_in_common() {
    let (mut keys, mut nonces) = (BTreeSet::new(), BTreeSet::new());
    for payer in [payer(), Payer::new([3; 32])] {
        for entropy in 0..8 {
            let payment = publish_of(&payer, entropy, 1);
            let refund = payment.refund().unwrap();
            assert_eq!(publish_of(&payer, entropy, 1).refund().unwrap().as_bytes(), refund.as_bytes());
            let nonce: [u8; 16] = *refund.metadata().unwrap().first_chunk().unwrap();
            assert!(nonce.iter().collect::<BTreeSet<_>>().len() > 4, "{nonce:?}");
            assert!(keys.insert(refund.payer_id()) && nonces.insert(nonce), "{entropy}");
        }
    }
}

/// IVR-8, IVR-13: whoever claims one refund over the path of another hears nothing, and nothing is computed.
#[test]
fn a_claim_over_the_path_of_another_refund_is_not_looked_at() {
    let (mut mine, mut other) = (publish(5, 1), publish(6, 1));
    let incoming = sent(&mut claim(&issuer(), mine.refund().unwrap(), 1));
    let arrival = MessageArrival::Path(payer().new_refund([6; 32]).path_id(0));
    assert_eq!(payer().payment_of(&arrival), Some(other.id()));
    let before = other.to_bytes();
    let refused = other.receive(IncomingMessage { arrival, ..incoming.clone() }, NOW).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::Differs, Rule::Ivr8));
    assert!(refused.is_cheap() && refused.answer().is_none());
    assert_eq!(other.to_bytes(), before);
    assert_eq!(mine.receive(incoming, NOW).unwrap(), Progress::Quoted);
}

/// A refund, and the key of the one that it is for.
fn publish_for(payee: &Payee) -> (Payment, Refund) {
    let mut payment = publish(5, 1);
    let refund = payment.refund().unwrap().clone();
    payment.expect_payee(payee.claim(&refund, NOW, CHAINS).unwrap().node_id()).unwrap();
    (payment, refund)
}

/// IVR-9, EXC-1: once it is known who is to be paid, claims of others are not even verified, are not answered, and take
/// nobody's turn.
#[test]
fn others_are_not_heard_once_the_payee_is_known() {
    let (mut payment, refund) = publish_for(&issuer());
    let theirs = sent(&mut claim(&Payee::new([9; 32]), &refund, 2));
    let mut forged = theirs.clone();
    *forged.bytes.last_mut().unwrap() ^= 1;
    let before = payment.to_bytes();
    for incoming in [theirs, forged].iter().cycle().take(20) {
        let refused = payment.receive(incoming.clone(), NOW).unwrap_err();
        assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::WrongKey, Rule::Ivr9));
        assert!(refused.answer().is_none());
        assert_eq!(payment.to_bytes(), before);
    }
    assert_eq!(payment.receive(sent(&mut claim(&issuer(), &refund, 1)), NOW).unwrap(), Progress::Quoted);
}

/// EXC-20: what others forge in the name of the payee that is known takes none of its turns; of its own claims, sixteen
/// are taken one after the other, and then one in a minute.
#[test]
fn the_payee_that_is_known_has_all_turns_to_itself() {
    let (mut payment, refund) = publish_for(&issuer());
    let mut forged = sent(&mut claim(&issuer(), &refund, 0));
    *forged.bytes.last_mut().unwrap() ^= 1;
    for _ in 0..20 {
        let refused = payment.receive(forged.clone(), NOW).unwrap_err();
        assert_eq!(refused.error().kind(), &ErrorKind::InvalidSignature);
    }
    let claim = |hash| sent(&mut claim(&issuer(), &refund, hash));
    for hash in 1..=16 {
        assert_eq!(payment.receive(claim(hash), NOW).unwrap(), Progress::Quoted);
    }
    let before = payment.to_bytes();
    for seconds in [60, 31, 1] {
        let refused = payment.receive(claim(17), UnixTime(NOW.0 + 60 - seconds)).unwrap_err();
        let kind = ErrorKind::TooManyClaims { seconds };
        assert_eq!((refused.error().kind(), refused.error().rule()), (&kind, Rule::Exc20));
        assert_eq!(payment.to_bytes(), before);
    }
    let now = UnixTime(NOW.0 + 60);
    assert_eq!(payment.receive(claim(17), now).unwrap(), Progress::Quoted);
    assert!(payment.receive(claim(18), now).is_err());
    let hashes: Vec<_> = payment.quotes().map(|quote| quote.payment_hash()).collect();
    assert_eq!(hashes, [Preimage([17; 32]).payment_hash()]);
}

/// A claim with an invoice that can be paid for so long.
fn lasting(claimer: &Payee, refund: &Refund, seconds: u64) -> IncomingMessage {
    let accepted = claimer.claim(refund, NOW, CHAINS).unwrap().relative_expiry(Duration::from_secs(seconds));
    let invoice = accepted.invoice(Preimage([1; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    sent(&mut accepted.sign(invoice, UnixTime(NOW.0 + 600), Retry::default()).unwrap())
}

/// IVR-4, EXC-11: an invoice that has expired, or that no path can carry, is no claim: whoever sends it is told, and
/// nothing is kept or quoted.
#[test]
fn a_claim_that_cannot_be_paid_is_refused() {
    let mut payment = publish(5, 1);
    let refund = payment.refund().unwrap().clone();
    let minute = lasting(&issuer(), &refund, 60);
    let signer = key(0x31);
    let accepted = issuer().claim_as(signer.public_key(), &refund, NOW, CHAINS).unwrap();
    let invoice = accepted.invoice(Preimage([2; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    // The most that the only path carries: nobody who is honest signs this.
    let narrow = forged("invoice", invoice.sign(&signer).unwrap().as_bytes(), &signer, |records| {
        let payinfos = records.iter_mut().find(|record| record.number == 162).unwrap();
        let mut value = payinfos.value.clone();
        value[18..26].copy_from_slice(&4_999_u64.to_be_bytes());
        *payinfos = record(162, &value);
    });
    let narrow = IncomingMessage { bytes: narrow, ..minute.clone() };
    let at = UnixTime(NOW.0 + 60);
    let before = payment.to_bytes();
    for (incoming, now, rule) in [(&minute, UnixTime(at.0 + 1), Rule::Ivr4), (&narrow, NOW, Rule::Exc11)] {
        let refused = payment.receive(incoming.clone(), now).unwrap_err();
        match rule {
            Rule::Ivr4 => assert_eq!(refused.error().kind(), &ErrorKind::Expired { at }),
            _ => assert_eq!(refused.error().kind().code(), "cannot_carry"),
        }
        assert_eq!(refused.error().rule(), rule);
        assert!(refused.answer().is_some());
        assert_eq!((payment.quotes().count(), payment.to_bytes()), (0, before.clone()));
    }
    assert_eq!(payment.receive(minute, at).unwrap(), Progress::Quoted);
}

/// EXC-14: a claim is kept until its invoice expires, and for two hours at most, so that somebody's quote for ever blocks
/// nothing; a clock that was set back keeps none for longer.
#[test]
fn a_claim_is_kept_for_two_hours_at_most() {
    for (expiry, kept) in [(60, 60), (7_200, 7_200), (7_201, 7_200), (86_400, 7_200)] {
        let mut payment = publish(5, 1);
        let incoming = lasting(&issuer(), &payment.refund().unwrap().clone(), expiry);
        assert_eq!(payment.receive(incoming, NOW).unwrap(), Progress::Quoted);
        let last = NOW.0 + kept;
        for (now, is_kept) in [(last, true), (last + 1, false), (last - 7_200, true), (last - 7_201, false)] {
            let mut payment = copy(&payer(), &payment);
            let action = payment.poll(UnixTime(now)).unwrap();
            assert_eq!(payment.quotes().count(), usize::from(is_kept), "{expiry} {now}");
            assert_eq!(action, if is_kept { Action::WaitUntil(UnixTime(last + 1)) } else { Action::Nothing });
        }
    }
}

/// EXC-14: each claim has a time of its own, and whoever waits is called when the next of them ends.
#[test]
fn the_time_of_one_claim_is_not_that_of_another() {
    let mut payment = publish(5, 1);
    let refund = payment.refund().unwrap().clone();
    for (number, seconds) in [(1, 600), (2, 60), (3, 7_200)] {
        assert!(payment.receive(lasting(&Payee::new([number; 32]), &refund, seconds), NOW).is_ok());
    }
    let mut now = NOW;
    for (seconds, left) in [(60, 3), (600, 2), (7_200, 1)] {
        let wake = UnixTime(NOW.0 + seconds + 1);
        assert_eq!(payment.poll(now).unwrap(), Action::WaitUntil(wake));
        assert_eq!(payment.quotes().count(), left);
        (payment, now) = (copy(&payer(), &payment), wake);
    }
    assert_eq!(payment.poll(now).unwrap(), Action::Nothing);
    assert_eq!(payment.quotes().count(), 0);
}

/// RQR-12: the invoice for a refund without paths goes to the node whose id it has.
#[test]
fn a_claim_of_a_refund_without_paths_goes_to_its_payer() {
    let refund = RefundBuilder::new("a cup", Msat(5_000), point(0x41), [0x24; 16]).build().unwrap();
    let accepted = issuer().claim(&refund, NOW, CHAINS).unwrap();
    assert_eq!(accepted.refund(), &refund);
    let invoice = accepted.invoice(Preimage([1; 32]).payment_hash()).add_path(path(1), &payinfo()).build().unwrap();
    let mut claim = accepted.sign(invoice, UnixTime(NOW.0 + 600), Retry::default()).unwrap();
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!("{:?}", claim.state()) };
    assert_eq!(sent.destination, Destination::Node(point(0x41)));
    assert!(sent.reply_path_id.is_some());
}

/// IVR-9: a key that is declined twice is remembered once; what is no refund, or waits for claims no more, has none to
/// decline.
#[test]
fn a_claim_is_declined_once() {
    let mut payment = publish(5, 1);
    payment.decline_claim(point(1)).unwrap();
    let before = payment.to_bytes();
    payment.decline_claim(point(1)).unwrap();
    assert_eq!(payment.to_bytes(), before);
    payment.decline().unwrap();
    let draft = payer().draft(&tea(1), NOW, CHAINS).unwrap();
    let offer = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    for mut payment in [payment, offer] {
        let before = payment.to_bytes();
        assert_eq!(payment.decline_claim(point(2)).unwrap_err().kind().code(), "wrong_state");
        assert_eq!(payment.to_bytes(), before);
    }
}
