//! The record of a slot, as bytes: the static invoice, and where requests for it are forwarded to.

use alloc::vec::Vec;

use super::keys::StaticInvoiceServer;
use super::slot::Slot;
use crate::error::Error;
use crate::exchange::ids::ClientId;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::field::BlindedPath;
use crate::static_invoice::StaticInvoice;
use crate::tlv::TlvStream;
use crate::units::UnixTime;

/// What is stored of one slot, as the server stored it: what is dear to read is read when it is needed.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) slot: Slot,
    /// By the server's clock.
    pub(super) stored_at: UnixTime,
    pub(super) invoice: &'a [u8],
    pub(super) forward_path: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn to_bytes(&self, server: &StaticInvoiceServer) -> Vec<u8> {
        let mut out = Writer::new(Kind::ServedInvoice);
        out.array(self.slot.client.0);
        out.array(self.slot.number.to_be_bytes());
        out.number(self.stored_at.0);
        out.bytes(self.invoice);
        out.bytes(self.forward_path);
        out.finish(&server.keys.records)
    }

    /// Reads the record of this slot, and of no other. Costs a MAC.
    ///
    /// # Errors
    ///
    /// `InvalidState`, `UnknownVersion`.
    pub(super) fn load(server: &StaticInvoiceServer, slot: Slot, bytes: &'a [u8]) -> Result<Self, Error> {
        let record = Reader::load(bytes, Kind::ServedInvoice, &server.keys.records, |reader| {
            let slot = Slot { client: ClientId(reader.array()?), number: u16::from_be_bytes(reader.array()?) };
            let stored_at = UnixTime(reader.number()?);
            Ok(Self { slot, stored_at, invoice: reader.bytes()?, forward_path: reader.bytes()? })
        })?;
        if record.slot == slot { Ok(record) } else { Err(invalid()) }
    }

    /// The records of the static invoice, for comparisons.
    pub(super) fn tlvs(&self) -> Result<TlvStream, Error> {
        TlvStream::read(self.invoice.to_vec()).map_err(|_| invalid())
    }

    /// The static invoice. What it says may need a feature that this version does not know.
    pub(super) fn invoice(&self, server: &StaticInvoiceServer) -> Result<StaticInvoice, Error> {
        StaticInvoice::read(self.invoice.to_vec(), server.known).map_err(|_| invalid())
    }

    pub(super) fn forward_path(&self) -> Result<BlindedPath<'static>, Error> {
        BlindedPath::from_bytes(self.forward_path).map(BlindedPath::into_owned).map_err(|_| invalid())
    }
}
