//! EXC-15: save before act.

use bolt12::exchange::{Activity, Event, ManagerError, MessageArrival, OffersMessageKind, PathId, Received, State};
use proptest::prelude::*;

use super::messages::NOW;
use super::sides::deliver;
use super::wallet::*;

// EXC-15
#[test]
fn nothing_is_sent_before_it_is_saved() {
    let mut wallet = Wallet::new();
    let id = wallet.manager.add_payment(payment(1), NOW).unwrap();
    assert_eq!(wallet.manager.payment(id, |_| ()), Err(ManagerError::Unsaved(id.into())));
    assert_eq!(wallet.manager.status(id, NOW).unwrap().activity, Activity::Saving);
    // It does not even go on, however often it is asked.
    assert!(!wallet.manager.poll(NOW, 100));
    assert!(!wallet.manager.poll(later(100), 100));
    assert_eq!(wallet.manager.wake_at(), None);
    let save = wallet.manager.next_save().unwrap();
    assert!(wallet.manager.next_save().is_none() && wallet.sent().is_empty());
    assert_eq!(payer().load(save.state.as_ref().unwrap()).unwrap().id(), id);
    assert!(wallet.manager.saved(save.number));
    // Now it asks, and that is saved first.
    assert!(!wallet.manager.poll(NOW, 100));
    assert!(wallet.sent().is_empty());
    let save = wallet.manager.next_save().unwrap();
    assert!(wallet.sent().is_empty());
    let saved = payer().load(save.state.as_ref().unwrap()).unwrap();
    assert!(matches!(saved.state(), State::Asking { attempts: 1 }));
    assert!(wallet.manager.saved(save.number));
    assert_eq!(wallet.sent().len(), 1);
    assert!(wallet.manager.next_save().is_none() && wallet.told().is_empty());
}

// EXC-15
#[test]
fn nothing_is_payable_before_it_is_saved() {
    let mut wallet = Wallet::new();
    let (id, asked) = wallet.ask(payment(1), NOW);
    let (answer, preimage) = answer(&asked, NOW);
    assert!(matches!(wallet.manager.receive(answer, NOW).unwrap(), Received::Answer(of) if of == id.into()));
    assert!(wallet.told().is_empty());
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    assert!(wallet.told().is_empty());
    // What is shown is what is saved.
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Quoted(_))).unwrap());
    let save = wallet.manager.next_save().unwrap();
    assert!(wallet.told().is_empty());
    assert!(matches!(payer().load(save.state.as_ref().unwrap()).unwrap().state(), State::Paying(_)));
    wallet.manager.saved(save.number);
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    assert_eq!(wallet.manager.paid(preimage, NOW), Ok(id.into()));
    assert!(wallet.told().is_empty());
    wallet.save();
    assert_eq!(wallet.told(), [Event::Paid(id.into())]);
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Paid(_))).unwrap());
    // Saying it again does no harm, and saves nothing.
    assert_eq!(wallet.manager.paid(preimage, NOW), Ok(id.into()));
    assert!(wallet.manager.next_save().is_none() && wallet.told().is_empty());
}

// EXC-15: for that conversation only.
#[test]
fn one_that_is_not_saved_holds_up_no_other() {
    let mut wallet = Wallet::new();
    let (stuck, asked) = wallet.ask(payment(1), NOW);
    let (first_answer, _) = answer(&asked, NOW);
    wallet.manager.receive(first_answer, NOW).unwrap();
    let held = wallet.manager.next_save().unwrap();
    assert_eq!(held.id, stuck.into());
    let (id, hash, _) = wallet.begin(payment(2), NOW);
    assert_ne!(id, stuck);
    assert_eq!(wallet.manager.failed(hash, FIRST, NOW), Ok(id.into()));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    assert!(wallet.manager.payment(stuck, |payment| matches!(payment.state(), State::Asking { .. })).unwrap());
    wallet.manager.saved(held.number);
    assert_eq!(wallet.told(), [Event::Quoted(stuck.into())]);
}

// EXC-15
#[test]
fn a_save_that_fails_leaves_everything_as_it_was_saved() {
    let mut wallet = Wallet::new();
    // A new one is gone.
    let gone = wallet.manager.add_payment(payment(7), NOW).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.save_failed(save.number, NOW);
    assert_eq!(wallet.told(), [Event::NotSaved { id: gone.into(), is_gone: true }]);
    assert!(wallet.manager.is_empty() && wallet.manager.wake_at().is_none());
    assert!(!wallet.manager.saved(save.number));
    // A request is sent later.
    let (id, asked) = wallet.ask(payment(1), NOW);
    let before = wallet.manager.payment(id, |payment| payment.to_bytes()).unwrap();
    assert!(!wallet.manager.poll(later(20), 10));
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.save_failed(save.number, later(20));
    assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: false }]);
    assert!(wallet.sent().is_empty() && wallet.manager.next_save().is_none());
    assert_eq!(wallet.manager.payment(id, |payment| payment.to_bytes()).unwrap(), before);
    // With a pause that grows.
    let mut now = later(20);
    for pause in [5, 10, 20, 40, 80] {
        assert_eq!(wallet.manager.wake_at().unwrap().0 - now.0, pause);
        assert!(!wallet.manager.poll(now, 10) && wallet.manager.next_save().is_none());
        now = wallet.manager.wake_at().unwrap();
        wallet.manager.poll(now, 10);
        let save = wallet.manager.next_save().unwrap();
        wallet.manager.save_failed(save.number, now);
    }
    // A quote that could not be saved can come once more.
    let (answer, preimage) = answer(&asked, now);
    wallet.told();
    wallet.manager.receive(answer.clone(), now).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.save_failed(save.number, now);
    assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: false }]);
    assert!(wallet.manager.begin(id, preimage.payment_hash(), now).is_err());
    wallet.manager.receive(answer, now).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    // What was begun was not. The pause is short again after a save that did not fail.
    wallet.manager.begin(id, preimage.payment_hash(), now).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.save_failed(save.number, now);
    assert_eq!(wallet.manager.wake_at().unwrap().0 - now.0, 5);
    assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: false }]);
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Quoted(_))).unwrap());
    assert!(wallet.manager.failed(preimage.payment_hash(), FIRST, now).is_err());
}

// EXC-15: what changes while a save is under way has a save of its own, and both fall if the first fails.
#[test]
fn changes_during_a_save_wait_for_the_next() {
    for fails in [false, true] {
        let mut wallet = Wallet::new();
        let (id, hash, preimage) = wallet.quote(payment(1), NOW);
        wallet.manager.begin(id, hash, NOW).unwrap();
        let begun = wallet.manager.next_save().unwrap();
        wallet.manager.paid(preimage, NOW).unwrap();
        assert!(wallet.manager.next_save().is_none());
        if fails {
            wallet.manager.save_failed(begun.number, NOW);
            assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: false }]);
            assert!(wallet.manager.next_save().is_none());
            assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Quoted(_))).unwrap());
            continue;
        }
        // What is paid is not to be paid any more.
        wallet.manager.saved(begun.number);
        assert_eq!(wallet.told(), []);
        assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Paying(_))).unwrap());
        let paid = wallet.manager.next_save().unwrap();
        wallet.manager.saved(paid.number);
        assert_eq!(wallet.told(), [Event::Paid(id.into())]);
    }
}

// EXC-15: what is payable is shown, also if it changed while that was being saved. Once a payment was lost in this way.
#[test]
fn what_is_payable_can_be_seen() {
    let mut wallet = Wallet::new();
    let (first, _) = refund(1, NOW);
    let id = wallet.manager.add_payment(first, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    let refund = wallet.manager.payment(id, |payment| payment.refund().unwrap().clone()).unwrap();
    let (claim, preimage) = claim(&refund, 1, NOW);
    wallet.manager.receive(claim, NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    let attempt = wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    let begun = wallet.manager.next_save().unwrap();
    // It fails and begins anew, while the first beginning is saved: one of both is payable, once.
    wallet.manager.failed(preimage.payment_hash(), attempt, NOW).unwrap();
    let again = wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    wallet.manager.saved(begun.number);
    assert_eq!(wallet.told(), []);
    let begun = wallet.manager.next_save().unwrap();
    wallet.manager.saved(begun.number);
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    let attempt = wallet.manager.payment(id, |payment| match payment.state() {
        State::Paying(paying) => Some(paying.attempt()),
        _ => None,
    });
    assert_eq!(attempt, Ok(Some(again)));
}

// EXC-15: the transport says late that a request did not get there, when its payment has gone on over another way.
#[test]
fn what_is_unreachable_late_changes_nothing() {
    let mut wallet = Wallet::new();
    let (id, asked) = wallet.ask(payment(1), NOW);
    let (answer, preimage) = answer(&asked, NOW);
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    wallet.told();
    wallet.manager.begin(id, preimage.payment_hash(), NOW).unwrap();
    let begun = wallet.manager.next_save().unwrap();
    wallet.manager.unreachable(&asked, NOW);
    wallet.manager.saved(begun.number);
    assert_eq!(wallet.told(), [Event::Payable(id.into())]);
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Paying(_))).unwrap());
    assert!(wallet.manager.next_save().is_none());
}

// EXC-15: what changed while a quote was being saved hides it from nobody.
#[test]
fn a_quote_can_be_seen_while_another_claim_is_saved() {
    let mut wallet = Wallet::new();
    let (payment, refund) = refund(1, NOW);
    let id = wallet.manager.add_payment(payment, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    let claims = [claim(&refund, 1, NOW).0, claim(&refund, 2, NOW).0].map(|claim| {
        wallet.manager.receive(claim, NOW).unwrap();
        wallet.manager.next_save()
    });
    let [Some(first), None] = claims else { panic!("one save after the other") };
    wallet.manager.saved(first.number);
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    assert_eq!(wallet.manager.payment(id, |payment| payment.quotes().count()), Ok(1));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    assert_eq!(wallet.manager.payment(id, |payment| payment.quotes().count()), Ok(2));
}

// EXC-15: what is refused changes and saves nothing. Once, 2,000 messages of one byte caused 2,000 saves.
#[test]
fn what_is_refused_saves_nothing() {
    let mut wallet = Wallet::new();
    let (id, asked) = wallet.ask(payment(1), NOW);
    let (before, due) = (wallet.saves, wallet.manager.wake_at());
    let path_id = asked.reply_path_id.unwrap();
    let (answer, _) = answer(&asked, NOW);
    for byte in 0..=255 {
        for arrival in [
            MessageArrival::Direct,
            MessageArrival::OtherPath,
            MessageArrival::Path(PathId([byte; 32])),
            MessageArrival::Path(path_id),
        ] {
            let mut noise = answer.clone();
            noise.arrival = arrival;
            noise.bytes = vec![byte];
            assert!(wallet.manager.receive(noise, NOW).is_err());
        }
    }
    assert!(wallet.manager.next_save().is_none() && wallet.sent().is_empty() && wallet.told().is_empty());
    assert_eq!(wallet.manager.wake_at(), due);
    assert!(!wallet.manager.poll(NOW, 10) && wallet.manager.next_save().is_none());
    assert_eq!(wallet.saves, before);
    assert!(matches!(wallet.manager.receive(answer, NOW).unwrap(), Received::Answer(of) if of == id.into()));
}

// MSG-4, EXC-15: who sent a wrong invoice during a save hears of it after that, whatever came of the payment meanwhile.
#[test]
fn an_answer_waits_for_the_save_and_for_nothing_else() {
    for goes_on in [false, true] {
        let mut wallet = Wallet::new();
        let (id, asked) = wallet.ask(payment(1), NOW);
        let (right, _) = answer(&asked, NOW);
        let mut wrong = right.clone();
        *wrong.bytes.last_mut().unwrap() ^= 1;
        wrong.reply_path = Some(super::messages::path(2));
        wallet.manager.poll(later(20), 10);
        let save = wallet.manager.next_save().unwrap();
        assert!(wallet.manager.receive(wrong, later(20)).is_err());
        if goes_on {
            wallet.manager.receive(right, later(20)).unwrap();
        }
        assert!(wallet.sent().is_empty() && wallet.manager.next_save().is_none());
        assert!(wallet.manager.saved(save.number));
        // The request that was saved too late is for nothing once there is a quote.
        let sent = wallet.sent().iter().map(|sent| sent.message.kind()).collect::<Vec<_>>();
        let (request, error) = (OffersMessageKind::InvoiceRequest, OffersMessageKind::InvoiceError);
        assert_eq!(sent, if goes_on { vec![error] } else { vec![request, error] });
        wallet.save();
        assert_eq!(wallet.told(), if goes_on { vec![Event::Quoted(id.into())] } else { vec![] });
        assert!(wallet.sent().is_empty());
    }
}

/// Whatever is done with it, in whatever order: nothing comes out for a conversation between its change and the
/// confirmation, and nothing is saved that is the same as before.
#[derive(Clone, Copy, Debug)]
enum Do {
    Wait(u8),
    Answer,
    Begin,
    Decline,
    Fail,
    Pay,
    Unreachable,
    Save,
    Confirm,
    Break,
}

fn deeds() -> impl Strategy<Value = Vec<Do>> {
    let deed = prop_oneof![
        (0u8..90).prop_map(Do::Wait),
        Just(Do::Answer),
        Just(Do::Answer),
        Just(Do::Begin),
        Just(Do::Begin),
        Just(Do::Decline),
        Just(Do::Fail),
        Just(Do::Pay),
        Just(Do::Unreachable),
        Just(Do::Save),
        Just(Do::Save),
        Just(Do::Confirm),
        Just(Do::Confirm),
        Just(Do::Confirm),
        Just(Do::Break),
    ];
    proptest::collection::vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    // EXC-15
    #[test]
    fn nothing_comes_out_before_the_save_is_confirmed(deeds in deeds()) {
        let mut wallet = Wallet::new();
        let (id, asked) = wallet.ask(payment(1), NOW);
        let (mut latest, mut preimage) = answer(&asked, NOW);
        let (mut now, mut under_way, mut attempt) = (NOW, None, FIRST);
        let (mut last_asked, mut payable, mut is_paid, mut was_broken) = (asked, Vec::new(), false, false);
        let mut disk = wallet.disk[&id.into()].clone();
        for deed in deeds {
            match deed {
                Do::Wait(seconds) => {
                    now.0 += u64::from(seconds);
                    wallet.manager.poll(now, 10);
                }
                Do::Answer => drop(wallet.manager.receive(latest.clone(), now)),
                Do::Begin => if let Ok(begun) = wallet.manager.begin(id, preimage.payment_hash(), now) {
                    attempt = begun;
                },
                Do::Decline => drop(wallet.manager.decline(id, now)),
                Do::Fail => drop(wallet.manager.failed(preimage.payment_hash(), attempt, now)),
                Do::Pay => is_paid |= wallet.manager.paid(preimage, now).is_ok(),
                Do::Unreachable => wallet.manager.unreachable(&last_asked, now),
                Do::Save => if let Some(save) = wallet.manager.next_save() {
                    prop_assert!(under_way.is_none(), "one after the other");
                    prop_assert_ne!(save.state.as_ref(), Some(&disk), "nothing changed");
                    under_way = Some(save);
                },
                Do::Confirm => if let Some(save) = under_way.take() {
                    disk = save.state.unwrap();
                    prop_assert!(wallet.manager.saved(save.number));
                },
                Do::Break => if let Some(save) = under_way.take() {
                    wallet.manager.save_failed(save.number, now);
                    // What the node said may be forgotten.
                    (is_paid, was_broken) = (false, true);
                },
            }
            let on_disk = payer().load(&disk).unwrap();
            // What is shown is what is on the disk.
            if let Ok(bytes) = wallet.manager.payment(id, |payment| payment.to_bytes()) {
                prop_assert_eq!(&bytes, &disk);
            }
            for event in wallet.told() {
                match event {
                    Event::NotSaved { is_gone, .. } => prop_assert!(!is_gone),
                    Event::Quoted(_) => prop_assert!(matches!(on_disk.state(), State::Quoted(_))),
                    Event::Payable(_) => {
                        let State::Paying(paying) = on_disk.state() else { panic!() };
                        let seen = wallet.manager.payment(id, |payment| match payment.state() {
                            State::Paying(paying) => Some(paying.attempt()),
                            _ => None,
                        });
                        prop_assert_eq!(seen, Ok(Some(paying.attempt())));
                        prop_assert!(!is_paid, "it is paid");
                        prop_assert!(!payable.contains(&paying.attempt()), "told twice");
                        payable.push(paying.attempt());
                    }
                    Event::Paid(_) => prop_assert!(matches!(on_disk.state(), State::Paid(_))),
                    Event::Ended(_) => prop_assert!(matches!(on_disk.state(), State::Ended(_))),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            for sent in wallet.sent() {
                let asks = matches!(on_disk.state(), State::Asking { attempts } if attempts > 0);
                prop_assert!(asks);
                (latest, preimage) = answer(&sent, now);
                last_asked = sent;
            }
        }
        // What was begun comes to be payable.
        while let Some(save) = under_way.take().or_else(|| wallet.manager.next_save()) {
            wallet.manager.saved(save.number);
        }
        let paying = wallet.manager.payment(id, |payment| match payment.state() {
            State::Paying(paying) => Some(paying.attempt()),
            _ => None,
        });
        if let (Ok(Some(attempt)), false) = (paying, was_broken) {
            let told = wallet.told();
            prop_assert!(payable.contains(&attempt) || told == [Event::Payable(id.into())], "{told:?}");
        }
    }
}

// EXC-15: a removal that was not carried out leaves its state in the storage, and is repeated from there.
#[test]
fn a_removal_that_fails_is_repeated() {
    let mut wallet = Wallet::new();
    let (id, _) = wallet.ask(payment(1), NOW);
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    wallet.told();
    wallet.manager.remove(id).unwrap();
    let removal = wallet.manager.next_save().unwrap();
    assert_eq!((removal.id, &removal.state), (id.into(), &None));
    wallet.manager.save_failed(removal.number, NOW);
    assert_eq!(wallet.told(), [Event::NotSaved { id: id.into(), is_gone: true }]);
    assert!(!wallet.manager.saved(removal.number) && wallet.manager.next_save().is_none());
    let loaded = wallet.manager.load(wallet.disk.clone(), NOW);
    assert_eq!((loaded.count, loaded.failed), (1, vec![]));
    wallet.manager.remove(id).unwrap();
    wallet.save();
    assert!(wallet.disk.is_empty() && wallet.manager.is_empty() && wallet.told().is_empty());
}

// EXC-15: what is said of a removal is said of no save that is under way beside it.
#[test]
fn a_removal_has_a_number_of_its_own() {
    let mut wallet = Wallet::new();
    let (gone, _) = wallet.ask(payment(1), NOW);
    wallet.manager.decline(gone, NOW).unwrap();
    wallet.save();
    wallet.told();
    let kept = wallet.manager.add_payment(payment(2), NOW).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.remove(gone).unwrap();
    let removal = wallet.manager.next_save().unwrap();
    assert_eq!((save.id, removal.id), (kept.into(), gone.into()));
    wallet.manager.save_failed(removal.number, NOW);
    assert_eq!(wallet.told(), [Event::NotSaved { id: gone.into(), is_gone: true }]);
    assert!(wallet.manager.saved(save.number));
    assert_eq!(wallet.manager.payment(kept, |_| ()), Ok(()));
}

// EXC-5: the transport says late what became of a message, when its conversation is gone.
#[test]
fn what_is_said_of_what_is_gone_changes_nothing() {
    let mut wallet = Wallet::new();
    let (id, asked) = wallet.ask(payment(1), NOW);
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    wallet.told();
    wallet.manager.archive(id).unwrap();
    wallet.manager.unreachable(&asked, NOW);
    wallet.manager.unsendable(&asked, NOW);
    assert!(wallet.manager.is_empty() && wallet.manager.next_save().is_none());
    assert!(wallet.sent().is_empty() && wallet.told().is_empty());
    assert_eq!(wallet.manager.wake_at(), None);
}

#[test]
fn requests_are_for_the_payee() {
    let mut wallet = Wallet::new();
    let payee = wallet.manager.payee().clone();
    let offer = super::sides::own_offer(&payee, 1, |offer| offer.description("tea").amount_msat(bolt12::Msat(9)));
    let mut customer = payment_for(&offer, 5);
    let Ok(bolt12::exchange::Action::Send(asked)) = customer.poll(NOW) else { panic!() };
    let message = deliver(&asked, 0x70);
    let Received::Request(message) = wallet.manager.receive(message, NOW).unwrap() else { panic!() };
    assert!(payee.receive(message).is_ok());
    assert!(wallet.manager.next_save().is_none() && wallet.manager.is_empty());
}
