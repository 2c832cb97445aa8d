//! What is signed elsewhere: requests of payments, and invoices that claim refunds.

use bolt12::exchange::{Action, Activity, Event, Limit, Payee, Retry, State, WaitsFor};
use bolt12::secp256k1::{Keypair, Message, Secp256k1, schnorr};
use bolt12::{ErrorKind, Invoice, InvoiceRequest, MinorUnits, Msat, OfferAmount, Rate, Unsigned};

use super::messages::{NOW, key, path, payinfo};
use super::sides::{CHAINS, deliver, own_offer};
use super::wallet::*;

/// A device that signs what it is shown.
fn device() -> Keypair {
    key(0x77)
}

fn signed(digest: [u8; 32]) -> schnorr::Signature {
    Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), &device())
}

// RQW-7, EXC-5: one signature, perhaps after a restart, for all ways and every repetition; shown whole to the signer.
#[test]
fn requests_are_signed_elsewhere() {
    let mut wallet = Wallet::new();
    let draft = payer().draft(&tea(2), NOW, CHAINS).unwrap().signer(device().public_key()).payer_note("no sugar");
    let id = wallet.manager.add_payment(draft.start([7; 32], NOW, DEADLINE).unwrap(), NOW).unwrap();
    wallet.save();
    let needed = [Event::SignatureNeeded(id.into())];
    assert_eq!(wallet.told(), needed);
    wallet.go_on(NOW);
    assert!(wallet.sent().is_empty() && wallet.manager.wake_at().unwrap() > DEADLINE);
    let status = wallet.manager.status(id, NOW).unwrap();
    assert_eq!((&status.activity, status.activity.waits_for()), (&Activity::Signing, Some(WaitsFor::Signer)));
    assert_eq!(
        status.sentence(NOW),
        "an invoice request is to be signed; waiting for the signature, for at most 10 minutes"
    );
    let shown = |wallet: &Wallet| wallet.manager.payment(id, |it| it.to_sign()).unwrap().unwrap();
    let before = shown(&wallet).as_bytes().to_vec();
    wallet.restart(later(1));
    assert_eq!(wallet.told(), needed);
    // Over there, at the device.
    let seen = Unsigned::<InvoiceRequest>::try_from(shown(&wallet).as_bytes().to_vec()).unwrap();
    assert_eq!(seen.as_bytes(), before);
    assert_eq!(seen.payer_note().unwrap().as_raw(), "no sugar");
    assert_eq!(seen.signer(), Some(device().public_key()));
    let signature = signed(seen.digest());
    let wrong = wallet.manager.sign(id, &signed([1; 32]), later(2)).unwrap_err();
    assert!(
        matches!(&wrong, bolt12::exchange::ManagerError::Refused(error)
        if *error.kind() == ErrorKind::InvalidSignature),
        "{wrong}"
    );
    wallet.manager.sign(id, &signature, later(2)).unwrap();
    wallet.save();
    assert!(wallet.manager.sign(id, &signature, later(2)).is_err());
    wallet.go_on(later(2));
    let first = wallet.sent().remove(0);
    wallet.manager.unreachable(&first, later(2));
    wallet.save();
    wallet.restart(later(3));
    wallet.go_on(later(3));
    let second = wallet.sent().remove(0);
    assert_ne!((&first.destination, first.reply_path_id), (&second.destination, second.reply_path_id));
    assert_eq!(first.message, second.message);
    // An answer over either is one.
    let (answer, preimage) = answer(&second, later(3));
    wallet.manager.receive(answer, later(3)).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
    wallet.manager.begin(id, preimage.payment_hash(), later(3)).unwrap();
    wallet.save();
    wallet.manager.paid(preimage, later(3)).unwrap();
    wallet.save();
    // The proof is signed there, too.
    let is_proved = wallet.manager.payment(id, |it| {
        let State::Paid(receipt) = it.state() else { panic!() };
        assert_eq!((receipt.invoice().payer_id(), receipt.keypair()), (device().public_key(), None));
        let proof = receipt.proof().build().unwrap();
        let signature = signed(proof.digest());
        proof.complete(&signature).is_ok()
    });
    assert_eq!(is_proved, Ok(true));
}

// EXC-9: each renewal is another request, with a signature of its own; that of the one before is for nothing.
#[test]
fn a_renewal_needs_another_signature() {
    let rate =
        |dollars: u64| Rate::new("USD".parse().unwrap(), MinorUnits(dollars * 100), Msat(100_000_000_000)).unwrap();
    let price = OfferAmount::Currency { currency: "USD".parse().unwrap(), amount: MinorUnits(300) };
    let offer = own_offer(&shop(), 1, |offer| offer.description("tea").amount(price));
    let draft = payer().draft(&offer, NOW, CHAINS).unwrap().rate(rate(100_000)).signer(device().public_key());
    let limit = Limit::Tolerance { basis_points: 100 };
    let mut payment = draft.limit(limit).start([7; 32], NOW, DEADLINE).unwrap();
    assert_eq!(payment.poll(NOW).unwrap(), Action::Sign);
    let first = signed(payment.to_sign().unwrap().digest());
    payment.sign(&first).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
    let received = shop().receive(deliver(&asked, 0x70)).unwrap();
    let accepted = received.accept(&super::sides::terms(NOW, Some(rate(100_000)))).unwrap();
    let (_, invoice) = super::sides::invoice(&accepted);
    payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
    payment.set_rate(rate(150_000)).unwrap();
    let mut payment = payer().load(&payment.to_bytes()).unwrap();
    assert_eq!(payment.poll(later(20)).unwrap(), Action::Sign);
    assert!(payment.sign(&first).is_err());
    let second = signed(payment.to_sign().unwrap().digest());
    payment.sign(&second).unwrap();
    assert!(matches!(payment.poll(later(20)).unwrap(), Action::Send(_)));
}

// IVW-6: an invoice for a refund.
#[test]
fn claims_are_signed_elsewhere() {
    let mut wallet = Wallet::new();
    let (payment, refund) = refund(1, NOW);
    let id = wallet.manager.add_payment(payment, NOW).unwrap();
    wallet.save();
    wallet.go_on(NOW);
    let payee = Payee::new([0x81; 32]);
    let accepted = payee.claim_as(device().public_key(), &refund, NOW, CHAINS).unwrap();
    let expected = accepted.expected_payment();
    let unsigned = || accepted.invoice(expected.payment_hash()).add_path(path(2), &payinfo()).build().unwrap();
    assert!(accepted.sign(unsigned(), later(600), Retry::default()).is_err());
    let seen = Unsigned::<Invoice>::try_from(unsigned().as_bytes().to_vec()).unwrap();
    let invoice = unsigned().complete(&signed(seen.digest())).unwrap();
    let mut claim = accepted.begin(invoice.clone(), later(600), Retry::default()).unwrap();
    // With another key it is another's.
    let other = payee.claim(&refund, NOW, CHAINS).unwrap();
    assert_eq!(other.begin(invoice, later(600), Retry::default()).unwrap_err().kind(), &ErrorKind::WrongKey);
    let Action::Send(sent) = claim.poll(NOW).unwrap() else { panic!() };
    wallet.manager.receive(deliver(&sent, 0x60), NOW).unwrap();
    wallet.save();
    assert_eq!(wallet.told(), [Event::Quoted(id.into())]);
}
