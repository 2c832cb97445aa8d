//! Refunds and their claims, to the last second and over every path.

use std::time::Duration;

use bolt12::exchange::{Action, ClaimState, EndReason, IncomingMessage, Payee, Payment, Retry};
use bolt12::exchange::{MessageArrival, OffersMessageKind};
use bolt12::{ErrorKind, InvoiceError, Msat, Preimage, Rule, UnixTime};

use super::helpers::{claim, sent};
use super::messages::{NOW, key, path, payinfo};
use super::sides::{CHAINS, copy, issuer, path_with, payer, point};

fn publish(entropy: u8, paths: u8) -> Payment {
    let new = payer().new_refund([entropy; 32]);
    let builder = new.builder("a cup that broke", Msat(5_000));
    let builder = (0..paths)
        .fold(builder, |builder, position| builder.add_path(path_with(0x70 + position, new.path_id(position))));
    new.publish(builder, NOW).unwrap()
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

fn late_end(refund: &bolt12::Refund) -> ClaimState {
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
