//! Without the feature `contacts`, the fields that say who pays are odd fields like any other.

use super::raw::*;
use bolt12::{Invoice, InvoiceRequest, Offer};

// TLV-4, CON-4
#[test]
fn who_pays_is_kept_and_repeated_and_not_looked_at() {
    let named = [2_000_001_729, 2_000_001_731, 2_000_001_733, 2_000_001_735];
    let raw = named.into_iter().fold(request_for(offer()), |raw, number| raw.with(number, [7; 3]));
    let raw = raw.sign_request(&payer());
    let offer: Offer = offer().read();
    let request: InvoiceRequest = raw.read();
    assert_eq!(request.unknown().map(|record| record.number()).collect::<Vec<_>>(), named);
    let accepted = request.accept(&request_context(&offer)).unwrap();
    let invoice = invoice_builder(accepted).build().unwrap().sign(&issuer()).unwrap();
    let again: Invoice = Raw::of(invoice.as_bytes()).read();
    assert_eq!(again.request().unknown().count(), 4);
}
