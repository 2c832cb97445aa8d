//! Without the feature `recurrence`, this crate is an older reader: what must be understood is refused, and what
//! need not be is kept and passed on.

use super::raw::*;
use bolt12::{ErrorKind, Field, Invoice, InvoiceRequest, Offer, OfferBuilder, Rule};

const MONTH: [u8; 2] = [2, 1];

// TLV-4
#[test]
fn a_compulsory_recurrence_is_refused() {
    for (number, value) in [(1_000_000_024, &MONTH[..]), (1_000_000_026, &[0, 1])] {
        let error = offer().with(number, value).refusal::<Offer>();
        assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(number));
        let builder = OfferBuilder::new(issuer().public_key()).custom_field(number, value);
        let error = builder.build().unwrap_err();
        assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(number));
    }
    for number in [2_000_000_092, 2_000_000_094] {
        let error = request_for(offer()).with(number, []).sign_request(&payer()).refusal::<InvoiceRequest>();
        assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(number));
    }
}

// TLV-4
#[test]
fn an_optional_recurrence_is_paid_once() {
    let raw = offer().with(1_000_000_025, MONTH).with(1_000_000_027, [0, 0, 0, 1]).with(1_000_000_029, [11]);
    let offer: Offer = raw.read();
    assert_eq!(
        offer.unknown().map(|record| record.number()).collect::<Vec<_>>(),
        [1_000_000_025, 1_000_000_027, 1_000_000_029]
    );
    let request = request_for(raw).sign_request(&payer());
    let read: InvoiceRequest = request.read();
    let accepted = read.accept(&request_context(&offer)).unwrap();
    let invoice = invoice_builder(accepted).build().unwrap().sign(&issuer()).unwrap();
    assert!(invoice.offer().same_offer(&offer));
    // A field of an invoice that nobody asked for is ignored too.
    let odd = invoice_for(request, issuer().public_key()).with(3_000_000_177, [1]).sign_invoice(&issuer());
    assert_eq!(odd.read::<Invoice>().unknown().count(), 1);
}
