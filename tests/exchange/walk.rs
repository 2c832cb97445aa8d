//! From an offer to a receipt, undisturbed.

use bolt12::exchange::{Action, Payee, Payer, Progress, State};
use bolt12::{Msat, UnixTime};

use super::messages::NOW;
use super::sides::{self, CHAINS, deliver, own_offer, terms};

/// EXC-2, EXC-3, MSG-2, MSG-3: an offer is asked for, answered, paid and proved, and neither side stores a key.
#[test]
fn an_offer_leads_to_a_receipt() {
    let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
    let offer = own_offer(&issuer, 2, |offer| offer.description("tea").amount_msat(Msat(9_000)));
    let draft = payer.draft(&offer, NOW, CHAINS).unwrap();
    let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
    let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };

    let received = issuer.receive(deliver(&asked, 0x70)).unwrap();
    let accepted = received.accept(&terms(NOW, None)).unwrap();
    let (preimage, invoice) = sides::invoice(&accepted);
    let answer = accepted.answer(invoice).unwrap();
    assert_eq!(answer.reply_path_id, None);

    let answer = deliver(&answer, 0x60);
    assert_eq!(payer.payment_of(&answer.arrival), Some(payment.id()));
    assert_eq!(payment.receive(answer, NOW).unwrap(), Progress::Quoted);
    let State::Quoted(quote) = payment.state() else { panic!() };
    assert_eq!((quote.amount(), quote.difference_basis_points()), (Msat(9_000), Some(0)));
    sides::begin(&mut payment, NOW);
    let mut payment = payer.load(&payment.to_bytes()).unwrap();
    let State::Paying(payable) = payment.state() else { panic!() };
    assert_eq!(payable.payment_hash(), preimage.payment_hash());
    payment.paid(preimage).unwrap();
    let State::Paid(receipt) = payment.state() else { panic!() };
    let proof = receipt.proof().build().unwrap().sign(&receipt.keypair().unwrap()).unwrap();
    assert_eq!(proof.payment_hash(), preimage.payment_hash());
}
