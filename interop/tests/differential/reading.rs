//! What `lightning` builds, we read; what we build, it reads; field by field, and the bytes come out
//! as they went in.

use std::collections::BTreeSet;

use lightning::offers::invoice::Bolt12Invoice;
use lightning::offers::invoice_request::InvoiceRequest;
use lightning::offers::offer::Offer;
use lightning::offers::refund::Refund;
use lightning::offers::static_invoice::StaticInvoice;

use crate::view::{ErrorView, InvoiceView, OfferView, RefundView, RequestView, StaticInvoiceView, their_request};
use crate::wire::{Kind, digest, merkle_root, records, their_offer_id};
use crate::{ours, theirs};

pub(crate) fn same_offer(ours: &bolt12::Offer, theirs: &Offer) {
    assert_eq!(OfferView::ours(ours), OfferView::from(theirs));
    assert_eq!(ours.as_bytes(), theirs.as_ref());
    // SIG-6
    assert_eq!(their_offer_id(ours.id()), theirs.id().0);
    assert_eq!(Some(ours.id().to_byte_array()), merkle_root(&records(ours.as_bytes()).unwrap()));
}

pub(crate) fn same_request(ours: &bolt12::InvoiceRequest, theirs: &InvoiceRequest) {
    assert_eq!((OfferView::ours(ours.offer()), RequestView::ours(ours)), their_request(theirs));
    assert_eq!(ours.signature(), theirs.signature());
    assert_eq!(ours.as_bytes(), theirs::bytes(theirs));
}

pub(crate) fn same_refund(ours: &bolt12::Refund, theirs: &Refund) {
    assert_eq!(RefundView::ours(ours), RefundView::from(theirs));
    assert_eq!(ours.signature(), None);
    assert_eq!(ours.as_bytes(), theirs.as_ref());
}

pub(crate) fn same_invoice(ours: &bolt12::Invoice, theirs: &Bolt12Invoice) {
    assert_eq!(InvoiceView::ours(ours), InvoiceView::from(theirs));
    assert_eq!(ours.as_bytes(), theirs::bytes(theirs));
    // SIG-6: a refund has no offer.
    let id = ours.offer().id().filter(|_| !theirs.is_for_refund());
    assert_eq!(id.map(their_offer_id), theirs.offer_id().map(|id| id.0));
    // SIG-4
    assert_eq!(digest(Kind::Invoice, &records(ours.as_bytes()).unwrap()), Some(theirs.signable_hash()));
}

pub(crate) fn same_static_invoice(ours: &bolt12::StaticInvoice, theirs: &StaticInvoice) {
    assert_eq!(StaticInvoiceView::ours(ours), StaticInvoiceView::from(theirs));
    assert_eq!(ours.as_bytes(), theirs::bytes(theirs));
    // SIG-6
    assert_eq!(ours.offer().id().map(their_offer_id), Some(theirs.offer_id().0));
}

pub(crate) fn same_error(ours: &bolt12::InvoiceError, theirs: &lightning::offers::invoice_error::InvoiceError) {
    assert_eq!(ErrorView::ours(ours), ErrorView::from(theirs));
    // ERW-2: a suggestion that could not stand in its field is not shown.
    let suggested = theirs.erroneous_field.as_ref().and_then(|field| field.suggested_value.as_deref());
    assert!(ours.suggested_value().is_none_or(|value| Some(value) == suggested));
}

/// Every field that a kind of message can have occurs in its corpus.
fn covers<'a>(messages: impl Iterator<Item = &'a [u8]>, expected: &[u64]) {
    let seen: BTreeSet<u64> = messages.flat_map(|bytes| records(bytes).unwrap()).map(|record| record.0).collect();
    let missing: Vec<_> = expected.iter().filter(|number| !seen.contains(number)).collect();
    assert!(missing.is_empty(), "no message has the fields {missing:?}");
}

#[test]
fn we_read_their_offers() {
    let offers = theirs::offers();
    // No features, which their builder cannot set, and no currency.
    covers(offers.iter().map(AsRef::as_ref), &[2, 4, 8, 10, 14, 16, 18, 20, 22]);
    for theirs in offers {
        same_offer(&bolt12::Offer::try_from(theirs.as_ref()).unwrap(), &theirs);
        let text = theirs.to_string();
        let ours: bolt12::Offer = text.parse().unwrap();
        assert_eq!(ours.to_string(), text);
        same_offer(&ours, &theirs);
    }
}

#[test]
fn they_read_our_offers() {
    let offers = ours::offers();
    covers(offers.iter().map(AsRef::as_ref), &[2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 1_000_000_001, 1_999_999_999]);
    for ours in offers {
        same_offer(&ours, &Offer::try_from(ours.as_bytes().to_vec()).unwrap());
        for text in [ours.to_string(), format!("{ours:#}"), ours.wrapped(20).unwrap().to_string()] {
            same_offer(&ours, &text.parse().unwrap());
        }
    }
}

#[test]
fn we_read_their_requests() {
    let requests: Vec<_> = theirs::requests().into_iter().map(|request| (theirs::bytes(&request), request)).collect();
    covers(requests.iter().map(|request| &request.0[..]), &[0, 80, 82, 86, 88, 89, 91, 240]);
    for (bytes, theirs) in requests {
        same_request(&bolt12::InvoiceRequest::try_from(bytes).unwrap(), &theirs);
    }
}

#[test]
fn they_read_our_requests() {
    let requests = ours::requests();
    covers(requests.iter().map(AsRef::as_ref), &[0, 80, 82, 84, 86, 88, 89, 91, 240, 1_999_999_999, 2_999_999_999]);
    for ours in requests {
        let theirs = InvoiceRequest::try_from(ours.as_bytes().to_vec());
        if ours.offer().currency().is_some() {
            // RQR-9: `lightning` answers nobody who asks for an offer in another currency.
            theirs.unwrap_err();
        } else {
            same_request(&ours, &theirs.unwrap());
        }
    }
}

#[test]
fn we_read_their_refunds() {
    let refunds = theirs::refunds();
    covers(refunds.iter().map(AsRef::as_ref), &[0, 10, 14, 18, 80, 82, 86, 88, 89, 90]);
    for theirs in refunds {
        same_refund(&bolt12::Refund::try_from(theirs.as_ref()).unwrap(), &theirs);
        let text = theirs.to_string();
        let ours: bolt12::Refund = text.parse().unwrap();
        assert_eq!(ours.to_string(), text);
    }
}

#[test]
fn they_read_our_refunds() {
    let refunds = ours::refunds();
    covers(refunds.iter().map(AsRef::as_ref), &[0, 10, 14, 18, 80, 82, 84, 88, 89, 90, 1_000_000_003, 2_000_000_001]);
    for ours in refunds {
        same_refund(&ours, &Refund::try_from(ours.as_bytes().to_vec()).unwrap());
        for text in [ours.to_string(), format!("{ours:#}"), ours.wrapped(20).unwrap().to_string()] {
            same_refund(&ours, &text.parse().unwrap());
        }
    }
}

#[test]
fn we_read_their_invoices() {
    let invoices: Vec<_> = theirs::invoices().into_iter().map(|invoice| (theirs::bytes(&invoice), invoice)).collect();
    covers(invoices.iter().map(|invoice| &invoice.0[..]), &[160, 162, 164, 166, 168, 170, 172, 174, 176, 240]);
    for (bytes, theirs) in invoices {
        let ours = bolt12::Invoice::try_from(bytes).unwrap();
        same_invoice(&ours, &theirs);
        assert_eq!(ours.to_string().parse::<bolt12::Invoice>().unwrap(), ours);
    }
}

#[test]
fn they_read_our_invoices() {
    let invoices = ours::invoices();
    covers(
        invoices.iter().map(AsRef::as_ref),
        &[160, 162, 164, 166, 168, 170, 172, 174, 176, 240, 1_999_999_999, 2_999_999_999, 3_999_999_999],
    );
    for ours in invoices {
        let theirs = Bolt12Invoice::try_from(ours.as_bytes().to_vec());
        if ours.offer().currency().is_some() {
            // RQR-9, as for requests.
            theirs.unwrap_err();
        } else {
            same_invoice(&ours, &theirs.unwrap());
        }
    }
}

// STA-1, STA-2, STA-3
#[test]
fn both_read_the_others_static_invoices() {
    let theirs = theirs::static_invoices();
    let bytes: Vec<_> = theirs.iter().map(theirs::bytes).collect();
    covers(bytes.iter().map(Vec::as_slice), &[160, 162, 164, 166, 172, 174, 176, 236, 240]);
    for (bytes, theirs) in bytes.into_iter().zip(theirs) {
        same_static_invoice(&bolt12::StaticInvoice::try_from(bytes).unwrap(), &theirs);
    }
    let ours = ours::static_invoices();
    let known = [160, 162, 164, 166, 172, 174, 176, 236, 240, 1_000_000_001, 1_999_999_999, 3_999_999_999];
    covers(ours.iter().map(AsRef::as_ref), &known);
    for ours in ours {
        same_static_invoice(&ours, &StaticInvoice::try_from(ours.as_bytes().to_vec()).unwrap());
        ldk::offers::static_invoice::StaticInvoice::try_from(ours.as_bytes().to_vec()).unwrap();
    }
}

#[test]
fn both_read_the_others_errors() {
    for theirs in theirs::errors() {
        let bytes = theirs::error_bytes(&theirs);
        let ours = bolt12::InvoiceError::try_from(bytes.clone()).unwrap();
        same_error(&ours, &theirs);
        assert_eq!(ours.as_bytes(), bytes);
    }
    for ours in ours::errors() {
        let theirs = theirs::read_error(ours.as_bytes()).unwrap();
        same_error(&ours, &theirs);
        assert_eq!(ours.as_bytes(), theirs::error_bytes(&theirs));
    }
}
