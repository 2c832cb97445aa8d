//! A client asks for paths for an offer.

use super::keys::StaticInvoiceServer;
use super::slot::{Slot, SlotToken};
use crate::error::Error;
use crate::exchange::between::ServingMessage;
use crate::exchange::ids::PathId;
use crate::exchange::message::{Destination, OffersMessage, OutgoingMessage};
use crate::field::BlindedPath;
use crate::onion::OfferPaths;
use crate::units::UnixTime;

/// A client of a [`StaticInvoiceServer`] asks for paths for an offer.
///
/// Drop it if the client is none any more. Nothing is stored: the same question has an answer every time.
#[derive(Clone, Debug)]
#[must_use]
pub struct PathsAsked {
    server: StaticInvoiceServer,
    token: SlotToken,
    reply_path: BlindedPath<'static>,
}

impl PathsAsked {
    pub(super) fn new(server: StaticInvoiceServer, token: SlotToken, reply_path: BlindedPath<'static>) -> Self {
        Self { server, token, reply_path }
    }

    /// Who asks, and for which slot.
    pub fn slot(&self) -> Slot {
        self.token.slot
    }

    /// The path id for the paths to this server: requests over them are for this slot, until they
    /// [expire](Self::expires_at).
    pub fn path_id(&self) -> PathId {
        self.token.path_id(&self.server.keys.offer_paths)
    }

    /// The last second at which requests over the paths are answered.
    pub fn expires_at(&self) -> UnixTime {
        self.token.until
    }

    /// The message with the paths, preferred ones first, each made with the [path id](Self::path_id). Its reply path is
    /// what the client hands in its static invoices over, this one and later ones for the same offer: it should last as
    /// long as the paths.
    ///
    /// # Errors
    ///
    /// `NoEntries` without a path (D8), `TooLong` (D7).
    pub fn answer<'a>(self, paths: impl IntoIterator<Item = BlindedPath<'a>>) -> Result<OutgoingMessage, Error> {
        let paths = OfferPaths::new(paths, Some(self.token.until))?;
        Ok(OutgoingMessage {
            message: OffersMessage::Serving(ServingMessage::from(paths)),
            destination: Destination::Path(self.reply_path),
            reply_path_id: Some(self.token.path_id(&self.server.keys.serve_paths)),
        })
    }
}
