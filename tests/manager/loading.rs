//! How conversations come back after a start, and how they go.

use bolt12::ErrorKind;
use bolt12::exchange::{Action, Activity, AskNode, Event, LoadError, ManagerError, Payer, State};

use super::messages::NOW;
use super::network::Random;
use super::wallet::*;

#[test]
fn what_was_saved_is_loaded_in_any_order() {
    let mut wallet = Wallet::new();
    let mut ask = Vec::new();
    for number in 0..30 {
        match number % 3 {
            0 => drop(wallet.ask(payment(number), NOW)),
            1 => drop(wallet.quote(payment(number), NOW)),
            _ => {
                let (id, hash, _) = wallet.begin(payment(number), NOW);
                ask.push(AskNode { id: id.into(), payment_hashes: vec![hash], attempt: Some(FIRST) });
            }
        }
    }
    ask.sort_by_key(|ask| ask.id);
    let mut random = Random::new(9);
    for _ in 0..10 {
        let mut states: Vec<_> = wallet.disk.clone().into_iter().collect();
        for at in (1..states.len()).rev() {
            states.swap(at, random.index(at + 1));
        }
        let mut again = Wallet::new();
        let mut loaded = again.manager.load(states, later(1));
        loaded.ask_node.sort_by_key(|ask| ask.id);
        assert_eq!((loaded.count, loaded.ask_node, loaded.failed), (30, ask.clone(), vec![]));
        // Loading changes nothing.
        assert!(again.manager.next_save().is_none());
        for (id, state) in &wallet.disk {
            let bolt12::exchange::ConversationId::Payment(id) = *id else { panic!() };
            assert_eq!(&again.manager.payment(id, |payment| payment.to_bytes()).unwrap(), state);
        }
        // Whoever has to decide is told again; what is being paid is not to be paid again.
        let told = again.told();
        assert!(told.len() == 10 && told.iter().all(|event| matches!(event, Event::Quoted(_))), "{told:?}");
    }
}

#[test]
fn a_start_goes_on_with_the_news_of_the_node() {
    let mut wallet = Wallet::new();
    let (paid, _, preimage) = wallet.begin(payment(1), NOW);
    let (failed, hash, _) = wallet.begin(payment(2), NOW);
    wallet.restart(later(1));
    wallet.go_on(later(1));
    assert!(wallet.told().is_empty() && wallet.sent().is_empty());
    assert_eq!(wallet.manager.paid(preimage, later(2)), Ok(paid.into()));
    assert_eq!(wallet.manager.failed(hash, FIRST, later(2)), Ok(failed.into()));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Paid(paid.into()), Event::Quoted(failed.into())]);
    wallet.manager.begin(failed, hash, later(3)).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Payable(failed.into())]);
}

#[test]
fn what_is_damaged_or_foreign_is_named_and_the_others_load() {
    let mut wallet = Wallet::new();
    let (first, _) = wallet.ask(payment(1), NOW);
    wallet.ask(payment(2), NOW);
    let mut states: Vec<(String, Vec<u8>)> =
        wallet.disk.values().cloned().enumerate().map(|(n, s)| (n.to_string(), s)).collect();
    let good = wallet.disk[&first.into()].clone();
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    states.insert(1, ("flipped".into(), flipped));
    states.insert(0, ("empty".into(), vec![]));
    states.push(("short".into(), good[..good.len() - 1].to_vec()));
    states.push(("twice".into(), good));
    let other = Payer::new([9; 32]);
    let offer = tea(1);
    let foreign = other.draft(&offer, NOW, super::sides::CHAINS).unwrap().start([1; 32], NOW, DEADLINE).unwrap();
    states.push(("foreign".into(), foreign.to_bytes()));
    let mut again = Wallet::new();
    let loaded = again.manager.load(states, NOW);
    let failed: Vec<_> =
        loaded.failed.iter().map(|(name, error)| (name.as_str(), matches!(error, LoadError::Exists(_)))).collect();
    assert_eq!(failed, [("empty", false), ("flipped", false), ("short", false), ("twice", true), ("foreign", false)]);
    assert_eq!((loaded.count, again.manager.len()), (2, 2));
}

#[test]
fn what_is_over_is_archived_and_found_again_by_a_late_preimage() {
    let mut wallet = Wallet::new();
    let (id, hash, preimage) = wallet.begin(payment(1), NOW);
    assert_eq!(wallet.manager.archive(id), Err(ManagerError::Open(id.into())));
    wallet.manager.failed(hash, FIRST, NOW).unwrap();
    assert_eq!(wallet.manager.archive(id), Err(ManagerError::Unsaved(id.into())));
    wallet.save();
    wallet.manager.decline(id, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    wallet.told();
    let archived = wallet.manager.archive(id).unwrap();
    assert_eq!((archived.id, &archived.payment_hashes[..]), (id.into(), &[hash][..]));
    assert_eq!(archived.state, wallet.disk[&id.into()]);
    assert!(wallet.manager.is_empty() && wallet.manager.next_save().is_none());
    assert_eq!(wallet.manager.paid(preimage, NOW), Err(ManagerError::UnknownHash(hash)));
    // It was not given up after all.
    let loaded = wallet.manager.load([((), archived.state)], NOW);
    assert_eq!(loaded.ask_node, [AskNode { id: id.into(), payment_hashes: vec![hash], attempt: None }]);
    assert_eq!(wallet.manager.paid(preimage, NOW), Ok(id.into()));
    wallet.save();
    assert_eq!(wallet.told(), [Event::Paid(id.into())]);
    assert!(wallet.manager.payment(id, |payment| matches!(payment.state(), State::Paid(_))).unwrap());
    // And then it goes.
    wallet.go_on(NOW);
    wallet.manager.remove(id).unwrap();
    assert_eq!(wallet.manager.remove(id), Err(ManagerError::Unknown(id.into())));
    wallet.save();
    assert!(wallet.disk.is_empty());
}

/// Whoever hears that something is over archives or removes it, at once.
#[test]
fn what_is_told_to_be_over_can_go() {
    let mut wallet = Wallet::new();
    let (paid, _, preimage) = wallet.begin(payment(1), NOW);
    wallet.manager.paid(preimage, NOW).unwrap();
    let (declined, _) = wallet.ask(payment(2), NOW);
    wallet.manager.decline(declined, NOW).unwrap();
    wallet.save();
    let told = wallet.told();
    assert_eq!(told.len(), 2);
    for event in told {
        match event {
            Event::Paid(id) => assert_eq!(wallet.manager.archive(id).map(|archived| archived.id), Ok(paid.into())),
            Event::Ended(id) => assert_eq!(wallet.manager.remove(id), Ok(())),
            other => panic!("{other:?}"),
        }
    }
    assert!(wallet.manager.is_empty());
}

/// What is printed to a log holds no preimage.
#[test]
fn debugging_shows_no_preimage() {
    let mut wallet = Wallet::new();
    let (id, _, preimage) = wallet.begin(payment(1), NOW);
    wallet.manager.paid(preimage, NOW).unwrap();
    let save = wallet.manager.next_save().unwrap();
    wallet.manager.saved(save.number);
    let archived = wallet.manager.archive(id).unwrap();
    assert!(archived.state.windows(32).any(|bytes| bytes == preimage.0));
    let secret = format!("{:?}", &preimage.0[..4]);
    let secret = secret.trim_matches(['[', ']']);
    for text in [format!("{save:?}"), format!("{archived:?}"), format!("{:?}", wallet.manager)] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// EXC-4: one preimage cannot prove two payments.
#[test]
fn one_payment_hash_is_not_paid_twice() {
    let mut wallet = Wallet::new();
    let (first, hash, preimage) = wallet.begin(payment(1), NOW);
    let (second, asked) = wallet.ask(payment(2), NOW);
    let received = shop().receive(super::sides::deliver(&asked, 0x70)).unwrap();
    let accepted = received.accept(&terms(NOW)).unwrap();
    let invoice = accepted.invoice(hash).add_path(super::messages::path(2), &super::messages::payinfo());
    let invoice = accepted.sign(invoice.build().unwrap()).unwrap();
    let answer = super::sides::deliver(&accepted.answer(invoice).unwrap(), 0x60);
    wallet.manager.receive(answer, NOW).unwrap();
    wallet.save();
    let in_use = ManagerError::HashInUse { payment_hash: hash, by: first.into() };
    assert_eq!(wallet.manager.begin(second, hash, NOW), Err(in_use));
    assert_eq!(wallet.manager.paid(preimage, NOW), Ok(first.into()));
}

// EXC-13: an invoice that is sent again does no harm, so the claim of a refund goes on from a backup as it was.
#[test]
fn a_claim_goes_on_from_a_backup() {
    let mut wallet = Wallet::new();
    let (id, preimage) = super::refunds::claimed(&mut wallet);
    wallet.save();
    let mut again = Wallet::new();
    let restored = again.manager.restore(wallet.disk.clone(), NOW);
    assert_eq!((restored.count, restored.failed), (1, vec![]));
    let payment_hashes = vec![preimage.payment_hash()];
    assert_eq!(restored.ask_node, [AskNode { id: id.into(), payment_hashes, attempt: None }]);
    again.save();
    again.go_on(NOW);
    assert_eq!(again.manager.status(id, NOW).unwrap().activity, Activity::Claiming);
    assert_eq!((again.sent().len(), again.told()), (1, vec![]));
}

// EXC-4: what is saved under the same secret, and is no conversation, is not taken for one.
#[test]
fn what_is_no_conversation_is_not_loaded() {
    let mut wallet = Wallet::new();
    let payee = wallet.manager.payee().clone();
    let offer = super::sides::own_offer(&payee, 1, |offer| offer.description("tea").amount_msat(bolt12::Msat(9)));
    let Ok(Action::Send(asked)) = payment_for(&offer, 1).poll(NOW) else { panic!("nothing is asked for") };
    let received = payee.receive(super::sides::deliver(&asked, 0x70)).unwrap();
    assert!(payee.load_received(&received.to_bytes()).is_ok());
    let states = [("received", received.to_bytes()), ("too short", vec![1])];
    let loaded = [wallet.manager.load(states.clone(), NOW), wallet.manager.restore(states, NOW)];
    for loaded in loaded {
        assert_eq!((loaded.count, loaded.failed.len()), (0, 2));
        for (name, error) in loaded.failed {
            let is_invalid = |error: &bolt12::Error| error.kind() == &ErrorKind::InvalidState;
            assert!(matches!(&error, LoadError::Invalid(error) if is_invalid(error)), "{name}: {error}");
        }
    }
    assert!(wallet.manager.is_empty());
}
