//! Without the feature `async_payments`, this crate is an older reader: what must be understood is refused.

use super::raw::*;
use bolt12::exchange::OffersMessageKind;
use bolt12::{ErrorKind, Field, Invoice, Rule};

// TLV-4
#[test]
fn message_paths_of_a_static_invoice_are_refused() {
    for number in [178, 236] {
        let raw = invoice_for(request(), issuer().public_key()).with(number, path());
        let error = raw.sign_invoice(&issuer()).refusal::<Invoice>();
        assert_error(&error, ErrorKind::UnknownEvenField, Rule::Tlv4, Field::numbered(number));
    }
}

// MSG-1
#[test]
fn onion_messages_about_static_invoices_are_not_understood() {
    for number in [70, 72, 74] {
        assert_eq!(OffersMessageKind::from_tlv_type(number), None);
        #[cfg(feature = "onion")]
        {
            let error = bolt12::onion::Payload::read(Raw::empty().with(number, [0]).encode()).unwrap_err();
            assert_error(&error, ErrorKind::UnknownEvenField, Rule::Msg1, Field::numbered(number));
        }
    }
}
