//! What comes to a static invoice server.

use alloc::boxed::Box;

use super::asked::PathsAsked;
use super::keys::StaticInvoiceServer;
use super::requested::ServedRequest;
use super::slot::{Slot, SlotToken};
use super::storing::ToServe;
use crate::error::{Error, ErrorKind, Field, Rule, ServingFault};
use crate::exchange::between::ServingKind;
use crate::exchange::message::{IncomingMessage, MessageArrival, OffersMessageKind};
use crate::exchange::refused::Refused;
use crate::onion::OfferPathsRequest;
use crate::units::UnixTime;

/// What a message to a [`StaticInvoiceServer`] leads to.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum ServerStep {
    /// A client asks for paths for an offer.
    PathsAsked(PathsAsked),
    /// A client hands in a static invoice.
    Serve(Box<ToServe>),
    /// Somebody asks a client's offer for an invoice.
    Request(ServedRequest),
}

impl StaticInvoiceServer {
    /// Takes a message: what a client sends, or somebody's request to a client. Costs a MAC before anything is looked at.
    ///
    /// # Errors
    ///
    /// A refusal, which [is cheap](Refused::is_cheap) for what came over no path of this server for this kind of message:
    /// a request may then be for an offer of your own. `WrongArrival` (STA-8); `Expired` for a path that has; `NoReplyPath`
    /// (MSG-3); for what a client asks, `NoSuchSlot` and the errors of [`OfferPathsRequest::read`]; for a static invoice,
    /// those of [`ServeStaticInvoice::read`](crate::onion::ServeStaticInvoice::read), `TooLong`, `Expired` (STA-3, OFR-9),
    /// and any rule of a static invoice.
    pub fn receive(&self, message: IncomingMessage, now: UnixTime) -> Result<ServerStep, Box<Refused>> {
        let IncomingMessage { kind, bytes, arrival, reply_path } = message;
        let key = match kind {
            OffersMessageKind::InvoiceRequest => &self.keys.offer_paths,
            OffersMessageKind::Serving(ServingKind::OfferPathsRequest) => &self.keys.client_paths,
            OffersMessageKind::Serving(ServingKind::ServeStaticInvoice) => &self.keys.serve_paths,
            kind => return Err(Refused::silent(Error::of(kind.field(), ErrorKind::Unexpected, Rule::Sta8))),
        };
        let token = match arrival {
            MessageArrival::Path(path_id) => SlotToken::read(key, &path_id),
            _ => None,
        };
        let Some(SlotToken { slot, until }) = token else {
            return Err(Refused::silent(Error::new(ErrorKind::WrongArrival, Rule::Sta8)));
        };
        // Nobody is told anything over a path that has ended: it does as if it led nowhere.
        let quiet = |error| Refused::answered(error, None);
        if now > until {
            return Err(quiet(Error::new(ErrorKind::Expired { at: until }, Rule::Sta8)));
        }
        let Some(reply_path) = reply_path else {
            return Err(quiet(Error::new(ErrorKind::NoReplyPath, Rule::Msg3)));
        };
        Ok(match kind {
            OffersMessageKind::InvoiceRequest => {
                ServerStep::Request(ServedRequest::new(self.clone(), slot, bytes, reply_path))
            }
            OffersMessageKind::Serving(ServingKind::OfferPathsRequest) => {
                let number = OfferPathsRequest::read(&bytes).map_err(quiet)?.invoice_slot;
                self.check_slot(number).map_err(quiet)?;
                let slot = Slot { number, ..slot };
                let until = now.saturating_add(self.limits.paths_lifetime).min(until);
                ServerStep::PathsAsked(PathsAsked::new(self.clone(), SlotToken { slot, until }, reply_path))
            }
            _ => {
                // The limit may have been lowered.
                self.check_slot(slot.number).map_err(quiet)?;
                let to_serve = ToServe::read(self.clone(), slot, &bytes, reply_path, now).map_err(quiet)?;
                ServerStep::Serve(Box::new(to_serve))
            }
        })
    }

    fn check_slot(&self, number: u16) -> Result<(), Error> {
        let slots = self.limits.slots;
        if number < slots {
            return Ok(());
        }
        Err(Error::of(Field::SERVED_SLOT, ErrorKind::Serving(ServingFault::NoSuchSlot { slots }), Rule::Sta8))
    }
}
