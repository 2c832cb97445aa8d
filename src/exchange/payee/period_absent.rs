//! What the payee asks of subscriptions, where the feature is off: there are none.

use core::time::Duration;

use crate::error::Error;
use crate::exchange::payee::sale::SoldPeriod;
use crate::exchange::saved::{Reader, Writer};
use crate::invoice::InvoiceFields;
use crate::invoice_request::{AcceptedRequest, InvoiceRequest};
use crate::units::{Msat, UnixTime};

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
