//! What the receipt of a payment proves.

use bolt12::exchange::{Action, Limit, Payee, Payer, State};
use bolt12::{
    ChainHash, Expectation, ExpectedPayee, HumanReadableName, MinorUnits, Msat, OfferAmount, Quantity, Rate, UnixTime,
};

use super::messages::NOW;
use super::sides::{self, CHAINS, deliver, own_offer, terms};

/// Whatever the offer and the request hold, and so wherever fields could be hidden among them, a receipt shows who was
/// paid how much on which chain.
#[test]
fn a_receipt_holds_for_every_shape_of_offer_and_request() {
    let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
    let usd = "USD".parse().unwrap();
    let rate = Rate::per_bitcoin(usd, "100000", 2).unwrap();
    for shape in 0..64u8 {
        let has = |bit: u8| shape & (1 << bit) != 0;
        let offer = own_offer(&issuer, 1, |mut offer| {
            let dollars = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
            offer = offer.amount(if has(0) { dollars } else { OfferAmount::Bitcoin(Msat(3_500_000)) });
            offer = if has(1) { offer.issuer("a shop") } else { offer };
            offer = if has(2) { offer.quantity_max(Quantity::Unlimited) } else { offer };
            offer.description("tea")
        });
        let mut draft = payer.draft(&offer, NOW, CHAINS).unwrap().rate(rate).limit(Limit::AtMost(Msat(4_000_000)));
        draft = if has(2) { draft.quantity(1) } else { draft };
        draft = if has(3) { draft.amount(Msat(4_000_000)) } else { draft };
        draft = if has(4) { draft.payer_note("hot") } else { draft };
        let name = HumanReadableName::parse("tea@example.com").unwrap();
        draft = if has(5) { draft.bip_353_name(name) } else { draft };
        let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
        let received = issuer.receive(deliver(&asked, 0x70)).unwrap();
        let accepted = received.accept(&terms(NOW, Some(rate))).unwrap();
        let (preimage, invoice) = sides::invoice(&accepted);
        let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
        sides::begin(&mut payment, NOW);
        payment.paid(preimage).unwrap();

        let State::Paid(receipt) = payment.state() else { panic!() };
        let proof = receipt.proof().note("table 7").build().unwrap().sign(&receipt.keypair().unwrap()).unwrap();
        let amount = if has(3) { Msat(4_000_000) } else { Msat(3_500_000) };
        let payee = ExpectedPayee::NodeId(offer.issuer_id().unwrap());
        let expected = Expectation { payee, chain: ChainHash::BITCOIN, min_amount: amount, note: Some("table 7") };
        assert_eq!(proof.check(&expected), Ok(()), "shape {shape:06b}");
    }
}
