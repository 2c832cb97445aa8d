//! What the receipt of a payment proves.

use bolt12::exchange::{Action, Limit, Payee, Payer, State};
use bolt12::{
    ChainHash, Expectation, ExpectedPayee, Field, HumanReadableName, MinorUnits, Msat, OfferAmount, OfferBuilder,
    Quantity, Rate, UnixTime, Unmet,
};

use super::long;
use super::messages::{self, NOW};
use super::sides::{self, CHAINS, deliver, last_key, path_with, terms};

/// Whatever the offer and the request hold, and so wherever fields could be hidden among them, a receipt shows who was
/// paid how much on which chain, for which offer.
#[test]
fn a_receipt_holds_for_every_shape_of_offer_and_request() {
    let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
    let usd = "USD".parse().unwrap();
    let rate = Rate::per_bitcoin(usd, "100000").unwrap();
    let (mut shapes, mut noted) = (0, 0);
    for shape in (0..1024u32).step_by(if long::is_long() { 1 } else { 5 }) {
        let has = |bit: u32| shape & (1 << bit) != 0;
        let new = issuer.new_offer([0x4f; 16]);
        let path = path_with(0x60, new.path_id(0));
        let mut offer = match has(6) {
            true => OfferBuilder::with_paths([path]),
            false => OfferBuilder::new(new.issuer_id()).add_path(path),
        };
        let dollars = OfferAmount::Currency { currency: usd, amount: MinorUnits(350) };
        offer = offer.amount(if has(0) { dollars } else { OfferAmount::Bitcoin(Msat(3_500_000)) });
        offer = if has(1) { offer.issuer("a shop") } else { offer };
        offer = if has(2) { offer.quantity_max(Quantity::Unlimited) } else { offer };
        offer = if has(7) { offer.absolute_expiry(NOW) } else { offer };
        offer = if has(8) { offer.custom_field(1_000_000_001, *b"odd") } else { offer };
        let offer = new.build(offer.description("tea")).unwrap();

        let mut draft = payer.draft(&offer, NOW, CHAINS).unwrap().rate(rate).limit(Limit::AtMost(Msat(4_000_000)));
        draft = if has(2) { draft.quantity(1) } else { draft };
        draft = if has(3) { draft.amount(Msat(4_000_000)) } else { draft };
        draft = if has(4) { draft.payer_note("hot") } else { draft };
        let name = HumanReadableName::parse("tea@example.com").unwrap();
        draft = if has(5) { draft.bip_353_name(name) } else { draft };
        draft = if has(9) { draft.custom_field(2_000_000_001, *b"odd") } else { draft };
        let mut payment = draft.start([3; 32], NOW, UnixTime(NOW.0 + 600)).unwrap();
        let Action::Send(asked) = payment.poll(NOW).unwrap() else { panic!() };
        let received = issuer.receive(deliver(&asked, 0x70)).unwrap();
        let accepted = received.accept(&terms(NOW, Some(rate))).unwrap();
        let preimage = accepted.expected_payment().preimage;
        let invoice = accepted.invoice(preimage.payment_hash()).add_path(messages::path(2), &messages::payinfo());
        let invoice = invoice.build().unwrap();
        let invoice = match has(6) {
            true => invoice.sign(&last_key(0x60, new.path_id(0))).unwrap(),
            false => accepted.sign(invoice).unwrap(),
        };
        let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
        sides::begin(&mut payment, NOW);
        payment.paid(preimage).unwrap();

        let State::Paid(receipt) = payment.state() else { panic!() };
        assert_eq!(receipt.payer_note().map(|note| note.to_string()), has(4).then(|| "hot".to_owned()));
        let sign =
            |proof: bolt12::PayerProofBuilder<'_>| proof.build().unwrap().sign(&receipt.keypair().unwrap()).unwrap();
        let proof = sign(receipt.proof().note("table 7"));
        let amount = if has(3) { Msat(4_000_000) } else { Msat(3_500_000) };
        let expected =
            |payee| Expectation { payee, chain: ChainHash::BITCOIN, min_amount: amount, note: Some("table 7") };
        for payee in [ExpectedPayee::Offer(&offer), ExpectedPayee::Issuer(&offer)] {
            assert_eq!(proof.check(&expected(payee)), Ok(()), "shape {shape:010b}");
        }
        // The note is shown only where nothing else will do, and the payment's paths never have to be.
        let shown = receipt.proof().preview().unwrap().revealed;
        noted += usize::from(shown.contains(&Field::INVREQ_PAYER_NOTE));
        assert!(!shown.contains(&Field::INVOICE_PATHS));
        shapes += 1;
        // The fewest: without any of what was added, it might be another offer.
        let is_asked_for = |field: &Field| {
            let receipt = bolt12::PayerProofBuilder::receipt(receipt.invoice(), receipt.preimage());
            offer.tlvs().contains(field.number()) || receipt.preview().unwrap().revealed.contains(field)
        };
        for added in shown.into_iter().filter(|field| !is_asked_for(field)) {
            let less = sign(receipt.proof().hide(added).note("table 7"));
            let unmet = less.check(&expected(ExpectedPayee::Offer(&offer))).unwrap_err();
            assert_eq!(unmet.as_slice(), [Unmet::OfferMayHaveMore], "{added} in shape {shape:010b}");
        }
        // Who was paid is shown by every proof, however little else: five lines for an offer with paths alone.
        let minimal = bolt12::PayerProofBuilder::minimal(receipt.invoice(), receipt.preimage()).show_chain();
        let payee = ExpectedPayee::Issuer(&offer);
        let anything = Expectation { payee, chain: ChainHash::BITCOIN, min_amount: Msat(0), note: None };
        assert_eq!(sign(minimal).check(&anything), Ok(()), "shape {shape:010b}");
        let stranger = messages::offer();
        let unmet = proof.check(&expected(ExpectedPayee::Issuer(&stranger))).unwrap_err();
        assert_eq!(unmet.as_slice(), [Unmet::WrongNodeId]);
    }
    assert!(noted * 10 < shapes, "{noted} of {shapes}");
}
