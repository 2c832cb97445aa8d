//! Refunds that are published, and those who claim them.

use bolt12::exchange::{
    Activity, AskNode, ClaimState, EndReason, Event, FeeLimit, IncomingMessage, ManagerError, MessageArrival,
    Objection, OffersMessageKind, Payee, PaymentId, State,
};
use bolt12::{ErrorKind, InvoiceError, Msat, PathLimits, PayInfo, Preimage, Refund};

use super::messages::{NOW, payinfo};
use super::sides::{CHAINS, deliver, path_with};
use super::wallet::*;

/// 8,589,934 sat for a thousand.
fn robber() -> PayInfo<'static> {
    PayInfo { fee_base_msat: u32::MAX, fee_proportional_millionths: u32::MAX, ..payinfo() }
}

fn published(wallet: &mut Wallet, number: u8) -> (PaymentId, Refund) {
    let (payment, refund) = refund(number, NOW);
    let id = wallet.manager.add_payment(payment, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    (id, refund)
}

// EXC-14: each claim is told, by what speaks against it; the first that may be paid is shown.
#[test]
fn every_claim_is_told() {
    let mut wallet = Wallet::new();
    let (id, refund) = published(&mut wallet, 1);
    let robbed = [claim_over(&refund, 1, NOW, &robber()), claim_over(&refund, 2, NOW, &robber())];
    let fair = [claim(&refund, 3, NOW), claim(&refund, 4, NOW)];
    let limits = PathLimits { max_fee: Msat(50_050), max_cltv_expiry_delta: 1008 };
    let needs_approval = Event::NeedsApproval { id: id.into(), objection: Objection::FeeAboveLimit { limits } };
    let quoted = Event::Quoted(id.into());
    let [(first, _), (second, robbers)] = robbed;
    let [(third, preimage), (fourth, _)] = fair;
    for (claim, event) in [(first, &needs_approval), (third, &quoted), (second, &needs_approval), (fourth, &quoted)] {
        wallet.manager.receive(claim, NOW).unwrap();
        wallet.save();
        assert_eq!(wallet.told(), core::slice::from_ref(event));
    }
    assert!(matches!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Quoted { .. }));
    // Two at once are two.
    for who in [5, 6] {
        wallet.manager.receive(claim(&refund, who, NOW).0, NOW).unwrap();
    }
    wallet.save();
    assert_eq!(wallet.told(), [quoted.clone(), quoted]);
    // The robber's is not begun, unless its owner says so.
    let refused = wallet.manager.begin(id, robbers.payment_hash(), NOW).unwrap_err();
    assert!(matches!(refused, ManagerError::Refused(error) if matches!(error.kind(), ErrorKind::NoPathWithin { .. })));
    let all = FeeLimit { base: Msat(u64::MAX / 4), basis_points: 0, max_cltv_expiry_delta: 1008 };
    wallet.manager.allow_fee(id, all, NOW, later(600)).unwrap();
    wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told().last(), Some(&Event::Payable(id.into())));
}

// EXC-10: fees above the limit are allowed, also over the payee's only path.
#[test]
fn fees_are_allowed() {
    let mut wallet = Wallet::new();
    let (id, asked) = wallet.ask(payment(1), NOW);
    let (answer, preimage) = answer_over(&asked, NOW, &robber());
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    // There is another way, which is asked first.
    let limits = PathLimits { max_fee: Msat(50_090), max_cltv_expiry_delta: 1008 };
    assert_eq!(wallet.told(), []);
    wallet.go_on(NOW);
    let (answer, other) = answer_over(&wallet.sent()[0], NOW, &robber());
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    let objection = Objection::FeeAboveLimit { limits };
    assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection }]);
    assert!(wallet.manager.status(id, NOW).unwrap().activity.to_string().contains("fees"));
    let all = FeeLimit { base: Msat(u64::MAX / 4), basis_points: 0, max_cltv_expiry_delta: 1008 };
    wallet.manager.allow_fee(id, all, NOW, DEADLINE).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    let hash = wallet.manager.payment(id, |payment| match payment.state() {
        State::Quoted(quote) => Some(quote.payment_hash()),
        _ => None,
    });
    let hash = hash.unwrap().unwrap();
    assert!([preimage, other].iter().any(|preimage| preimage.payment_hash() == hash));
    wallet.manager.begin(id, hash, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
}

// EXC-20: one key that claims anew without end costs sixteen saves, and then one in a minute.
#[test]
fn claims_without_end_have_one() {
    let mut wallet = Wallet::new();
    let (id, refund) = published(&mut wallet, 1);
    let before = wallet.saves;
    let mut told = 0;
    for round in 0..40 {
        // Each has another time in it.
        let (claim, _) = claim(&refund, 1, later(round));
        let _ = wallet.manager.receive(claim, later(40));
        wallet.save();
        told += wallet.told().len();
    }
    assert_eq!((wallet.saves - before, told), (16, 16));
    for minute in 1..5 {
        for round in 0..4 {
            let now = later(40 + 60 * minute);
            let _ = wallet.manager.receive(claim(&refund, 1, later(60 * minute + round)).0, now);
            wallet.save();
        }
        assert_eq!(wallet.saves - before, 16 + minute);
    }
    // Whoever was confirmed is heard all the same, and others are not looked at.
    let now = later(40 + 4 * 60);
    let honest = Payee::new([0x80 + 2; 32]).claim(&refund, now, CHAINS).unwrap().node_id();
    let mut wallet = {
        let mut again = Wallet::new();
        let _ = again.manager.load(wallet.disk.clone(), now);
        again.disk = wallet.disk;
        again
    };
    wallet.manager.expect_payee(id, honest, now).unwrap();
    wallet.save();
    wallet.told();
    for round in 0..40 {
        assert!(wallet.manager.receive(claim(&refund, 1, later(round)).0, now).is_err());
        let (mut forged, _) = claim(&refund, 2, later(round));
        *forged.bytes.last_mut().unwrap() ^= 1;
        assert!(wallet.manager.receive(forged, now).is_err());
    }
    assert!(wallet.manager.next_save().is_none());
    wallet.manager.receive(claim(&refund, 2, now).0, now).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
}

// EXC-20: who sends wrong claims does not keep others from hearing why theirs is wrong.
#[test]
fn every_claimant_hears_what_is_wrong() {
    let mut wallet = Wallet::new();
    let (_, refund) = published(&mut wallet, 1);
    let wrong = |who| {
        let (mut claim, _) = claim(&refund, who, NOW);
        *claim.bytes.last_mut().unwrap() ^= 1;
        claim
    };
    for round in 0..24_u64 {
        assert!(wallet.manager.receive(wrong(1), later(60 * round.saturating_sub(15))).is_err());
    }
    assert_eq!(wallet.sent().len(), 24);
    assert!(wallet.manager.receive(wrong(2), later(60 * 9)).is_err());
    assert_eq!(wallet.sent().len(), 1);
}

/// A claim of somebody else's refund, at this wallet.
pub(crate) fn claimed(wallet: &mut Wallet) -> (bolt12::exchange::ClaimId, Preimage) {
    let new = bolt12::exchange::Payer::new([9; 32]).new_refund([1; 32]);
    let paths = [0, 1].map(|position| super::sides::path_with(0x60 + position, new.path_id(position)));
    let [one, two] = paths;
    let builder = new.builder("a cup", Msat(5_000)).add_path(one).add_path(two);
    let refund = new.publish(builder, NOW).unwrap().refund().unwrap().clone();
    let (claim, preimage) = new_claim(&wallet.manager.payee().clone(), &refund, NOW, &payinfo());
    (wallet.manager.add_claim(claim, NOW).unwrap(), preimage)
}

// EXC-5, EXC-6, EXC-15: an invoice for a refund is sent until it is paid; an error over each way ends it; and even then
// it can be paid.
#[test]
fn a_claim_that_ended_can_be_paid() {
    let mut wallet = Wallet::new();
    let (id, preimage) = claimed(&mut wallet);
    let hash = preimage.payment_hash();
    assert_eq!(wallet.manager.claim(id, |_| ()), Err(ManagerError::Unsaved(id.into())));
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Claiming);
    let told = |sent: &bolt12::exchange::OutgoingMessage| IncomingMessage {
        kind: OffersMessageKind::InvoiceError,
        bytes: InvoiceError::new("no").unwrap().into_bytes(),
        arrival: MessageArrival::Path(sent.reply_path_id.unwrap()),
        reply_path: None,
    };
    let first = wallet.sent().remove(0);
    wallet.manager.receive(told(&first), NOW).unwrap();
    // What is being saved waits for that.
    assert!(!wallet.manager.poll(NOW, 10) && wallet.sent().is_empty());
    wallet.save();
    wallet.go_on(NOW);
    let second = wallet.sent().remove(0);
    assert_ne!(first.destination, second.destination);
    // It is asked about in every state but paid.
    wallet.restart(NOW);
    let ask = AskNode { id: id.into(), payment_hashes: vec![hash], attempt: None };
    let mut again = Wallet::new();
    assert_eq!(again.manager.load(wallet.disk.clone(), NOW).ask_node, core::slice::from_ref(&ask));
    wallet.manager.receive(told(&second), NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    assert!(wallet.manager.claim(id, |claim| matches!(claim.state(), ClaimState::Ended(_))).unwrap());
    let mut again = Wallet::new();
    assert_eq!(again.manager.load(wallet.disk.clone(), NOW).ask_node, [ask]);
    assert_eq!(wallet.manager.clone_archive(id).payment_hashes, [hash]);
    assert_eq!(wallet.manager.claim_paid(hash, NOW), Ok(id.into()));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Paid(id.into())]);
    assert_eq!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Paid);
    assert_eq!(wallet.manager.claim_paid(hash, NOW), Ok(id.into()));
    assert!(wallet.manager.next_save().is_none());
    let mut again = Wallet::new();
    assert_eq!(again.manager.load(wallet.disk.clone(), NOW).ask_node, []);
    assert_eq!(again.manager.claim_paid(hash, NOW), Ok(id.into()));
    // Nobody pays with it here.
    assert_eq!(again.manager.paid(preimage, NOW), Err(ManagerError::UnknownHash(hash)));
}

// EXC-4: whoever claims pays nothing.
#[test]
fn a_claim_is_neither_begun_nor_signed() {
    let mut wallet = Wallet::new();
    let (id, preimage) = claimed(&mut wallet);
    wallet.save();
    let signature = bolt12::secp256k1::schnorr::Signature::from_slice(&[1; 64]).unwrap();
    let begun = wallet.manager.begin(id, preimage.payment_hash(), NOW).map(drop);
    for refused in [begun, wallet.manager.sign(id, &signature, NOW)] {
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, ManagerError::Refused(error) if matches!(error.kind(), ErrorKind::WrongState { .. }))
        );
    }
    assert!(wallet.manager.next_save().is_none());
}

// EXC-5
#[test]
fn a_claim_ends_at_its_deadline_or_when_nobody_can_be_reached() {
    let mut wallet = Wallet::new();
    let (id, _) = claimed(&mut wallet);
    wallet.save();
    wallet.go_on(NOW);
    let sent = wallet.sent().remove(0);
    wallet.manager.unreachable(&sent, NOW);
    wallet.save();
    wallet.go_on(NOW);
    let sent = wallet.sent().remove(0);
    wallet.manager.unsendable(&sent, NOW);
    wallet.save();
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    let reason = |wallet: &Wallet| match wallet.manager.status(id, NOW).unwrap().activity {
        Activity::Ended(reason) => reason,
        other => panic!("{other}"),
    };
    assert_eq!(reason(&wallet), EndReason::Unsendable);
    wallet.manager.remove(id).unwrap();
    // It is not back before the store has deleted it.
    let (claim, _) = {
        let mut other = Wallet::new();
        let (again, preimage) = claimed(&mut other);
        other.save();
        (other.manager.claim(again, |claim| claim.clone()).unwrap(), preimage)
    };
    assert_eq!(wallet.manager.add_claim(claim.clone(), NOW), Err(ManagerError::Unsaved(id.into())));
    let loaded = wallet.manager.load([("it", claim.to_bytes())], NOW);
    assert_eq!(loaded.failed.len(), 1);
    let removal = wallet.manager.next_save().unwrap();
    assert!(removal.state.is_none());
    assert_eq!(wallet.manager.add_claim(claim.clone(), NOW), Err(ManagerError::Unsaved(id.into())));
    wallet.disk.remove(&removal.id);
    assert!(wallet.manager.saved(removal.number));
    assert_eq!(wallet.manager.add_claim(claim, NOW), Ok(id));
    wallet.save();
    let end = later(601);
    wallet.go_on(end);
    assert_eq!(wallet.told(), [Event::Ended(id.into())]);
    assert_eq!(reason(&wallet), EndReason::Deadline);
}

/// What an archive would hold, of a manager that stays as it is.
trait CloneArchive {
    fn clone_archive(&mut self, id: bolt12::exchange::ClaimId) -> bolt12::exchange::Archived;
}

impl CloneArchive for bolt12::exchange::OffersManager {
    fn clone_archive(&mut self, id: bolt12::exchange::ClaimId) -> bolt12::exchange::Archived {
        let archived = self.archive(id).unwrap();
        assert_eq!(self.load([((), archived.state.clone())], NOW).count, 1);
        archived
    }
}

// EXC-4
#[test]
fn what_is_delivered_twice_is_refused() {
    let mut wallet = Wallet::new();
    let (_, refund) = published(&mut wallet, 1);
    let (mut maker, _) = new_claim(&Payee::new([0x81; 32]), &refund, NOW, &payinfo());
    let bolt12::exchange::Action::Send(sent) = maker.poll(NOW).unwrap() else { panic!() };
    wallet.manager.receive(deliver(&sent, 0x60), NOW).unwrap();
    wallet.save();
    let refused = wallet.manager.receive(deliver(&sent, 0x60), NOW).unwrap_err();
    assert_eq!(refused.error().kind(), &ErrorKind::AlreadyAnswered);
    assert!(wallet.manager.next_save().is_none());
}

// RQR-12: who waits for a refund to be claimed waits for the claimant, for as long as the refund stands.
#[test]
fn a_published_refund_waits_for_its_claimant() {
    let mut wallet = Wallet::new();
    let (id, _) = published(&mut wallet, 1);
    let status = wallet.manager.status(id, NOW).unwrap();
    assert_eq!((&status.activity, status.until), (&Activity::Published, Some(later(600))));
    assert_eq!(
        status.sentence(NOW),
        "the refund can be claimed; waiting for somebody to claim it, for at most 10 minutes"
    );
}

// EXC-14: a refund without an expiry has nothing to do by itself, and is claimed all the same.
#[test]
fn a_refund_that_stands_for_ever_can_be_claimed() {
    let mut wallet = Wallet::new();
    let new = payer().new_refund([1; 32]);
    let builder = new.builder("a cup", Msat(5_000)).add_path(path_with(0x60, new.path_id(0)));
    let payment = new.publish(builder, NOW).unwrap();
    let refund = payment.refund().unwrap().clone();
    let id = wallet.manager.add_payment(payment, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    assert_eq!(wallet.manager.wake_at(), None);
    assert_eq!(wallet.manager.status(id, NOW).unwrap().until, None);
    let years = later(10 * 365 * 86_400);
    for now in [NOW, years] {
        wallet.restart(now);
        wallet.go_on(now);
        wallet.told();
        wallet.manager.receive(claim(&refund, 1, now).0, now).unwrap();
        wallet.save();
        assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
        wallet.go_on(years);
    }
}
