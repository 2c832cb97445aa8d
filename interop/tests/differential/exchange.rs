//! Whole exchanges in which the two crates take turns.

use bolt12::{
    Arrival, Invoice, InvoiceContext, InvoiceRequest, InvoiceRequestBuilder, Msat, Offer, OfferAmount, Point, Refund,
    RefundContext, SentTo,
};
use lightning::offers::invoice::Bolt12Invoice;
use lightning::util::ser::Writeable;

use crate::material::*;
use crate::reading::{same_invoice, same_request};
use crate::{ours, theirs};

/// Checks an invoice for a request as a payer does before it pays.
fn check(request: &InvoiceRequest, invoice: &Invoice, max_amount: Msat) -> Result<Msat, bolt12::Error> {
    let sent_to = match request.offer().paths() {
        Some(paths) => SentTo::Path(paths.iter().last().unwrap().last_blinded_node_id()),
        None => SentTo::IssuerId,
    };
    let arrival = Arrival::OwnPath;
    let context = InvoiceContext { request, sent_to, arrival, now: NOW, chains: &ours::CHAINS, max_amount };
    invoice.check(&context).map(|payable| payable.amount())
}

fn check_refund(refund: &Refund, invoice: &Invoice, payee: u8) -> Result<Msat, bolt12::Error> {
    let arrival = if refund.paths().is_some() { Arrival::OwnPath } else { Arrival::Direct };
    let payee = Some(key(payee));
    let context = RefundContext { refund, arrival, now: NOW, chains: &ours::CHAINS, payee };
    invoice.check_refund(&context).map(|payable| payable.amount())
}

fn send<M: TryFrom<Vec<u8>, Error: std::fmt::Debug>>(bytes: &[u8]) -> M {
    M::try_from(bytes.to_vec()).unwrap()
}

#[test]
fn we_pay_their_offers() {
    for (at, offer) in theirs::offers().into_iter().filter(|offer| !offer.is_expired()).enumerate() {
        let our_offer: Offer = offer.to_string().parse().unwrap();
        let request = ours::request(&our_offer);
        let their_request: lightning::offers::invoice_request::InvoiceRequest = send(request.as_bytes());
        let derived = offer.metadata().is_some_and(|metadata| metadata.len() == 48);
        let derived_with_paths = offer.issuer_signing_pubkey() != Some(key(ISSUER));
        let invoice = if derived || derived_with_paths {
            theirs::invoice_with_derived_keys(their_request, derived_with_paths)
        } else {
            theirs::invoice(&their_request)
        };
        let our_invoice: Invoice = send(&invoice.encode());
        same_invoice(&our_invoice, &invoice);
        let due = request.amount().unwrap_or_else(|| Msat(offer_price(&our_offer)));
        let paid = check(&request, &our_invoice, due).unwrap_or_else(|error| panic!("offer {at}: {error:#}"));
        assert_eq!(paid, due);
        // IVR-11: more than was authorised.
        assert_eq!(check(&request, &our_invoice, Msat(due.0 - 1)).unwrap_err().rule(), bolt12::Rule::Ivr11);
        // IVR-8: the invoice answers no other request.
        let another = InvoiceRequestBuilder::new(our_offer.usable(NOW, &ours::CHAINS).unwrap(), key(PAYER), [0x77; 16]);
        let another = request.amount().into_iter().fold(another, InvoiceRequestBuilder::amount);
        let another = request.quantity().into_iter().fold(another, InvoiceRequestBuilder::quantity);
        let another = another.payer_note("thanks").build().unwrap().sign(&keypair(PAYER)).unwrap();
        assert_eq!(check(&another, &our_invoice, due).unwrap_err().rule(), bolt12::Rule::Ivr8);
    }
}

fn offer_price(offer: &Offer) -> u64 {
    match offer.amount() {
        Some(OfferAmount::Bitcoin(price)) => price.0,
        price => panic!("an offer of lightning has a price in bitcoin, not {price:?}"),
    }
}

#[test]
fn they_pay_our_offers() {
    let mut paid = 0;
    for offer in ours::offers() {
        let their_offer: lightning::offers::offer::Offer = offer.to_string().parse().unwrap();
        if offer.currency().is_some() {
            // RQR-9: `lightning` does not ask for offers in another currency.
            let key = theirs::expanded_key();
            let builder = their_offer.request_invoice(&key, theirs::nonce(5), secp(), theirs::PAYMENT).unwrap();
            assert!(builder.build_and_sign().is_err());
            continue;
        }
        let their_request = theirs::request(&their_offer, 5);
        let request: InvoiceRequest = send(&theirs::bytes(&their_request));
        same_request(&request, &their_request);
        let signer = if offer.issuer_id().is_some() { ISSUER } else { PAYEE };
        let invoice = ours::invoice(ours::accept(&request, &offer), signer);
        let their_invoice: Bolt12Invoice = send(invoice.as_bytes());
        same_invoice(&invoice, &their_invoice);
        // The payer authenticates the invoice by what it put into the request. `lightning` does so over
        // the known fields of the offer when it asks and over all when it checks, so that it never pays
        // an offer with unknown ones. That is a mistake there, which nobody but it can do anything about.
        let payment = their_invoice.verify_using_metadata(&theirs::expanded_key(), secp());
        let expected = if offer.unknown().next().is_some() { Err(()) } else { Ok(theirs::PAYMENT) };
        assert_eq!(payment, expected);
        paid += 1;
    }
    assert_eq!(paid, ours::offers().len() - 1);
}

#[test]
fn they_claim_our_refunds() {
    for refund in ours::refunds() {
        let their_refund: lightning::offers::refund::Refund = refund.to_string().parse().unwrap();
        let their_invoice = theirs::refund_invoice(&their_refund);
        let invoice: Invoice = send(&their_invoice.encode());
        same_invoice(&invoice, &their_invoice);
        assert_eq!(check_refund(&refund, &invoice, PAYEE).unwrap(), refund.amount());
        // IVR-9: whoever else claims it.
        assert_eq!(check_refund(&refund, &invoice, ISSUER).unwrap_err().rule(), bolt12::Rule::Ivr9);
    }
}

#[test]
fn we_claim_their_refunds() {
    let mut verified = 0;
    for their_refund in theirs::refunds() {
        let refund: Refund = their_refund.to_string().parse().unwrap();
        let accepted = refund.accept(NOW, &ours::CHAINS, key(PAYEE));
        if refund.amount() == Msat(0) {
            // D3: nobody can pay nothing.
            assert_eq!(accepted.unwrap_err().rule(), bolt12::Rule::Rqr11);
            continue;
        }
        let invoice = ours::invoice(accepted.unwrap(), PAYEE);
        let their_invoice: Bolt12Invoice = send(invoice.as_bytes());
        same_invoice(&invoice, &their_invoice);
        if their_invoice.verify_using_metadata(&theirs::expanded_key(), secp()) == Ok(theirs::PAYMENT) {
            verified += 1;
        }
    }
    assert_eq!(verified, 2, "the refunds with derived metadata, with and without paths");
}

#[test]
fn a_hidden_issuer_is_known_by_the_last_hop() {
    let offer = ours::paths_only();
    let request = ours::request(&offer);
    let _: lightning::offers::invoice_request::InvoiceRequest = send(request.as_bytes());
    let invoice = ours::invoice(ours::accept(&request, &offer), PAYEE);
    let _: Bolt12Invoice = send(invoice.as_bytes());
    // IVR-9
    assert_eq!(check(&request, &invoice, Msat(20_000)).unwrap(), Msat(20_000));
    let elsewhere = SentTo::Path(Point::from(key(0x21)));
    let (arrival, max_amount) = (Arrival::OwnPath, Msat(20_000));
    let context =
        InvoiceContext { request: &request, sent_to: elsewhere, arrival, now: NOW, chains: &ours::CHAINS, max_amount };
    assert_eq!(invoice.check(&context).unwrap_err().rule(), bolt12::Rule::Ivr9);
}
