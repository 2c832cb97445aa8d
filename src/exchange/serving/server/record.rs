//! The record of a slot, as bytes: the static invoice, and where requests for it are forwarded to.

use alloc::vec::Vec;

use super::keys::StaticInvoiceServer;
use super::slot::Slot;
use crate::error::Error;
use crate::exchange::ids::ClientId;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::field::BlindedPath;
use crate::static_invoice::StaticInvoice;
use crate::units::UnixTime;

/// What is stored of one slot.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) slot: Slot,
    /// By the server's clock.
    pub(super) stored_at: UnixTime,
    pub(super) invoice: StaticInvoice,
    pub(super) forward_path: BlindedPath<'static>,
}

impl Record {
    pub(super) fn to_bytes(&self, server: &StaticInvoiceServer) -> Vec<u8> {
        let mut out = Writer::new(Kind::ServedInvoice);
        out.array(self.slot.client.0);
        out.array(self.slot.number.to_be_bytes());
        out.number(self.stored_at.0);
        out.bytes(self.invoice.as_bytes());
        out.bytes(self.forward_path.as_bytes());
        out.finish(&server.keys.records)
    }

    /// Reads the record of this slot, and of no other.
    ///
    /// # Errors
    ///
    /// `InvalidState`, `UnknownVersion`.
    pub(super) fn load(server: &StaticInvoiceServer, slot: Slot, bytes: &[u8]) -> Result<Self, Error> {
        let record = Reader::load(bytes, Kind::ServedInvoice, &server.keys.records, |reader| {
            let slot = Slot { client: ClientId(reader.array()?), number: u16::from_be_bytes(reader.array()?) };
            let stored_at = UnixTime(reader.number()?);
            let invoice = StaticInvoice::read(reader.bytes()?.to_vec(), server.known)?;
            let forward_path = BlindedPath::from_bytes(reader.bytes()?)?.into_owned();
            Ok(Self { slot, stored_at, invoice, forward_path })
        })?;
        if record.slot == slot { Ok(record) } else { Err(invalid()) }
    }
}
