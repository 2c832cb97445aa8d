//! What stands in for subscriptions where that feature is off: there are none.

use core::time::Duration;

use crate::error::Error;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::secret::Nonce;
use crate::exchange::sold::SoldPeriod;
use crate::invoice::{Invoice, InvoiceFields};
use crate::invoice_request::{AcceptedRequest, InvoiceRequest, InvoiceRequestBuilder};
use crate::offer::Offer;
use crate::tlv::TlvStream;
use crate::units::{Msat, UnixTime};

/// The side that is paid.
#[derive(Clone, Debug)]
pub(crate) enum Period {}

impl Period {
    pub(crate) fn sold(&self, _: &InvoiceRequest, _: UnixTime) -> Option<SoldPeriod> {
        match *self {}
    }

    pub(crate) fn due(&self) -> Option<Msat> {
        match *self {}
    }

    pub(crate) fn limit(&self, _: UnixTime, _: Duration) -> Duration {
        match *self {}
    }

    pub(crate) fn accept<'a>(&self, _: AcceptedRequest<'a>) -> AcceptedRequest<'a> {
        match *self {}
    }

    pub(crate) fn check(&self, _: &InvoiceFields, _: UnixTime) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) fn write(&self, _: &mut Writer) {
        match *self {}
    }

    pub(crate) fn read(_: &mut Reader<'_>, _: &InvoiceRequest, _: Option<Msat>) -> Result<Option<Self>, Error> {
        Ok(None)
    }
}

/// The side that pays.
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
