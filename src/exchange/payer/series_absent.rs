//! What payments ask of subscriptions, where the feature is off: there are none.

use crate::error::Error;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::secret::Nonce;
use crate::invoice::Invoice;
use crate::invoice_request::InvoiceRequestBuilder;
use crate::offer::Offer;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

#[derive(Clone, Debug)]
pub(crate) enum Series {}

impl Series {
    pub(crate) fn once(_: &Offer, _: UnixTime) -> Option<Self> {
        None
    }

    pub(crate) fn nonce(&self) -> Option<Nonce> {
        match *self {}
    }

    pub(crate) fn ask<'a>(&self, _: InvoiceRequestBuilder<'a>) -> InvoiceRequestBuilder<'a> {
        match *self {}
    }

    pub(crate) fn is_asked_for(&self, _: &TlvStream) -> bool {
        match *self {}
    }

    pub(crate) fn goes_on(&self) -> bool {
        match *self {}
    }

    pub(crate) fn check(&self, _: &Invoice, _: UnixTime) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn until(&self, _: &Invoice) -> UnixTime {
        match *self {}
    }

    pub(crate) fn write(&self, _: &mut Writer) {
        match *self {}
    }

    pub(crate) fn read(_: &mut Reader<'_>, _: &Offer) -> Result<Self, Error> {
        Err(invalid())
    }
}
