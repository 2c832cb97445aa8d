//! Decisions of the owner that go through the manager to one conversation, and are saved with it.

use bolt12::exchange::{ManagerError, PaymentId, State};

use super::messages::NOW;
use super::sides::CHAINS;
use super::wallet::*;

// EXC-14: a declined claim is gone, the other one stays, and only a known refund has claims.
#[test]
fn a_declined_claim_is_not_paid() {
    let mut wallet = Wallet::new();
    let (payment, refund) = refund(1, NOW);
    let id = wallet.manager.add_payment(payment, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    for who in [1, 2] {
        wallet.manager.receive(claim(&refund, who, NOW).0, NOW).unwrap();
        wallet.save();
    }
    let shown = |wallet: &mut Wallet| {
        let quote = wallet.manager.payment(id, |payment| match payment.state() {
            State::Quoted(quote) => Some((quote.node_id(), quote.invoice().node_id(), quote.payment_hash())),
            _ => None,
        });
        quote.unwrap().unwrap()
    };
    let (node_id, of_invoice, declined) = shown(&mut wallet);
    assert_eq!(node_id, of_invoice);
    wallet.manager.decline_claim(id, node_id, NOW).unwrap();
    wallet.save();
    wallet.restart(NOW);
    let (other, _, hash) = shown(&mut wallet);
    assert!(other != node_id && hash != declined);
    assert!(wallet.manager.begin(id, declined, NOW).is_err());
    wallet.manager.begin(id, hash, NOW).unwrap();
    let stranger = PaymentId([9; 14]);
    let refused = wallet.manager.decline_claim(stranger, node_id, NOW);
    assert_eq!(refused, Err(ManagerError::Unknown(stranger.into())));
}

#[test]
fn the_manager_has_the_payer_and_the_ids() {
    let mut wallet = Wallet::new();
    assert_eq!(wallet.manager.ids().count(), 0);
    let draft = wallet.manager.payer().draft(&tea(2), NOW, CHAINS).unwrap();
    let added = wallet.manager.add_payment(draft.start([1; 32], NOW, DEADLINE).unwrap(), NOW).unwrap();
    let other = wallet.manager.add_payment(payment(2), NOW).unwrap();
    let mut expected = [added.into(), other.into()];
    expected.sort();
    assert!(wallet.manager.ids().eq(expected));
    assert_eq!((wallet.manager.len(), wallet.manager.is_empty()), (2, false));
}

// EXC-13: what is to be sent says whose it is, and shows nothing else in a log.
#[test]
fn a_message_to_send_says_whose_it_is() {
    let mut wallet = Wallet::new();
    let id = wallet.manager.add_payment(payment(1), NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    let message = wallet.manager.next_message().unwrap();
    assert_eq!(message.id(), id.into());
    assert_eq!(format!("{message:?}"), format!("ToSend {{ id: Payment({id}), .. }}"));
    assert!(message.message().is_ok());
}

#[cfg(feature = "recurrence")]
mod subscriptions {
    use super::*;
    use bolt12::bitcoin::hashes::sha256;
    use bolt12::exchange::{Activity, Event, IncomingMessage, Limit, Objection, OutgoingMessage, SubscriptionId};
    use bolt12::{ErrorKind, Msat, OfferBuilder, Recurrence, RecurrenceContext, TimeUnit};

    use crate::messages::{path, payinfo};
    use crate::sides::{self, deliver, own_offer};

    const PRICE: Msat = Msat(9_000);
    const LESS: Msat = Msat(8_999);

    fn is_refused_as(result: Result<(), ManagerError>, expected: &ErrorKind) -> bool {
        matches!(&result, Err(ManagerError::Refused(error)) if error.kind() == expected)
    }

    /// A subscription whose first payment costs more than its owner allows.
    fn too_expensive() -> (Wallet, SubscriptionId) {
        let mut wallet = Wallet::new();
        let recurrence = Recurrence::every(1, TimeUnit::Days).unwrap();
        let fill = |offer: OfferBuilder| offer.description("a podcast").recurrence(recurrence).amount_msat(PRICE);
        let offer = own_offer(&shop(), 1, fill);
        let draft = payer().subscribe(&offer, NOW, CHAINS).unwrap().payments(3);
        let id = wallet.manager.add_subscription(draft.start([1; 32], NOW, later(86_400)).unwrap(), NOW).unwrap();
        wallet.save();
        wallet.manager.set_limit(id, Limit::AtMost(LESS), NOW).unwrap();
        wallet.save();
        ask_and_answer(&mut wallet);
        let objection = Objection::AboveLimit { max: LESS };
        assert_eq!(wallet.told(), [Event::NeedsApproval { id: id.into(), objection }]);
        let status = wallet.manager.status(id, NOW).unwrap();
        assert_eq!(status.activity, Activity::NeedsApproval { amount: PRICE, objection });
        (wallet, id)
    }

    /// What was allowed is paid without another decision.
    fn is_payable(wallet: &mut Wallet, id: SubscriptionId) -> sha256::Hash {
        wallet.save();
        wallet.restart(NOW);
        wallet.go_on(NOW);
        assert!(wallet.told().contains(&Event::Payable(id.into())));
        assert_eq!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Paying { amount: PRICE });
        let hash = wallet.manager.subscription(id, |subscription| match subscription.payment()?.state() {
            State::Paying(paying) => Some(paying.payment_hash()),
            _ => None,
        });
        hash.unwrap().unwrap()
    }

    fn ask_and_answer(wallet: &mut Wallet) {
        wallet.go_on(NOW);
        let sent = wallet.sent();
        assert_eq!(sent.len(), 1);
        wallet.manager.receive(answer(&sent[0]), NOW).unwrap();
        wallet.save();
        wallet.go_on(NOW);
    }

    fn answer(asked: &OutgoingMessage) -> IncomingMessage {
        let received = shop().receive(deliver(asked, 0x70)).unwrap();
        let context = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };
        let accepted = received.accept_recurring(&sides::terms(NOW, None), &context).unwrap();
        let expected = accepted.expected_payment();
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
        deliver(&accepted.answer(accepted.sign(invoice).unwrap()).unwrap(), 0x60)
    }

    // REC-12: more for one payment, for the one that was meant.
    #[test]
    fn more_is_allowed_once() {
        let (mut wallet, id) = too_expensive();
        assert!(is_refused_as(wallet.manager.allow_once(id, 1, PRICE, NOW), &ErrorKind::Differs));
        wallet.manager.allow_once(id, 0, PRICE, NOW).unwrap();
        is_payable(&mut wallet, id);
    }

    // REC-12: another limit for this and all later payments.
    #[test]
    fn a_new_limit_lets_it_go_on() {
        let (mut wallet, id) = too_expensive();
        assert!(is_refused_as(wallet.manager.set_limit(id, Limit::AtMost(Msat(0)), NOW), &ErrorKind::Zero));
        wallet.manager.set_limit(id, Limit::AtMost(PRICE), NOW).unwrap();
        is_payable(&mut wallet, id);
    }

    // What failed stops; trying again asks again.
    #[test]
    fn what_stopped_is_tried_again() {
        let (mut wallet, id) = too_expensive();
        wallet.manager.allow_once(id, 0, PRICE, NOW).unwrap();
        let hash = is_payable(&mut wallet, id);
        wallet.manager.failed(hash, FIRST, NOW).unwrap();
        wallet.save();
        // Until its invoice expires, it can be begun again; after that only its owner can say so.
        let now = later(7_300);
        wallet.go_on(now);
        assert_eq!(wallet.told(), [Event::Quoted(id.into()), Event::Stopped(id.into())]);
        assert!(matches!(wallet.manager.status(id, now).unwrap().activity, Activity::Stopped(_)));
        assert_eq!(wallet.sent().len(), 0);
        wallet.manager.try_again(id, now).unwrap();
        wallet.save();
        wallet.go_on(now);
        assert_eq!(wallet.sent().len(), 1);
        let stranger = SubscriptionId([9; 16]);
        assert_eq!(wallet.manager.try_again(stranger, now), Err(ManagerError::Unknown(stranger.into())));
    }
}
