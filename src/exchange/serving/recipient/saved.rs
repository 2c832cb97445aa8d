//! An async recipient as bytes.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::AsyncRecipient;
use super::place::{Made, Offered, Pending, Phase, Place, Times};
use super::terms::RecipientTerms;
use crate::error::Error;
use crate::exchange::between::{ServingKind, ServingMessage};
use crate::exchange::payee::keys::Payee;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::exchange::schedule::{Retry, Schedule};
use crate::field::BlindedPath;
use crate::offer::Offer;
use crate::onion::OfferPaths;
use crate::units::UnixTime;

impl AsyncRecipient {
    /// The state as bytes, which [`Payee::load_async_recipient`] reads. Save them after every step, and before you send
    /// what it gave out or show an offer.
    ///
    /// They hold the paths to the server, with which others could take the slots.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::AsyncRecipient);
        out.array(self.id);
        out.array(self.round.to_be_bytes());
        out.number(self.terms.slots.into());
        out.number(self.terms.min_paths_lifetime.as_secs());
        out.number(self.terms.renew_invoice.as_secs());
        self.terms.retry.write(&mut out);
        out.number(self.server.len() as u64);
        for path in &self.server {
            out.bytes(path.as_bytes());
        }
        out.number(self.places.len() as u64);
        for (slot, place) in &self.places {
            out.array(slot.to_be_bytes());
            place.write(&mut out);
        }
        out.finish(self.payee.states())
    }

    fn read(reader: &mut Reader<'_>, payee: &Payee) -> Result<Self, Error> {
        let (id, round) = (reader.array()?, u32::from_be_bytes(reader.array()?));
        let slots = u16::try_from(reader.number()?).map_err(|_| invalid())?;
        let min_paths_lifetime = Duration::from_secs(reader.number()?);
        let renew_invoice = Duration::from_secs(reader.number()?);
        let terms = RecipientTerms { slots, min_paths_lifetime, renew_invoice, retry: Retry::read(reader)? };
        let mut server = Vec::new();
        for _ in 0..reader.number()? {
            server.push(path(reader)?);
        }
        let mut places = BTreeMap::new();
        for _ in 0..reader.number()? {
            places.insert(u16::from_be_bytes(reader.array()?), Place::read(reader, payee)?);
        }
        Ok(Self { payee: payee.clone(), id, server, terms, places, round })
    }
}

impl Payee {
    /// Loads what [`AsyncRecipient::to_bytes`] saved. A state that is not the latest does no harm: what was made since is
    /// made again, and takes the place of what the server has; but an offer that only a lost state knew is renewed no more.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_async_recipient(&self, bytes: &[u8]) -> Result<AsyncRecipient, Error> {
        Reader::load(bytes, Kind::AsyncRecipient, self.states(), |reader| AsyncRecipient::read(reader, self))
    }
}

fn path(reader: &mut Reader<'_>) -> Result<BlindedPath<'static>, Error> {
    BlindedPath::from_bytes(reader.bytes()?).map(BlindedPath::into_owned)
}

impl Place {
    fn write(&self, out: &mut Writer) {
        out.optional(self.follows.map(u16::to_be_bytes));
        out.array(self.round.to_be_bytes());
        self.schedule.write(out);
        match &self.phase {
            Phase::Asking => out.array([0]),
            Phase::Offered(offered) => {
                out.array([1]);
                out.bytes(&offered.paths.to_bytes());
                out.bytes(offered.serve_path.as_bytes());
            }
            Phase::Made(made) => {
                out.array([2]);
                made.write(out);
            }
        }
    }

    fn read(reader: &mut Reader<'_>, payee: &Payee) -> Result<Self, Error> {
        let follows = reader.optional()?.map(u16::from_be_bytes);
        let round = u32::from_be_bytes(reader.array()?);
        let schedule = Schedule::read(reader)?;
        let phase = match reader.byte()? {
            0 => Phase::Asking,
            1 => {
                let paths = OfferPaths::read(reader.bytes()?)?;
                Phase::Offered(Box::new(Offered { paths, serve_path: path(reader)? }))
            }
            2 => Phase::Made(Box::new(Made::read(reader, payee)?)),
            _ => return Err(invalid()),
        };
        Ok(Self { follows, round, schedule, phase })
    }
}

impl Made {
    fn write(&self, out: &mut Writer) {
        out.bytes(self.offer.as_bytes());
        out.number(self.made_at.0);
        out.bytes(self.serve_path.as_bytes());
        out.flag(self.served.is_some());
        if let Some(times) = &self.served {
            times.write(out);
        }
        out.flag(self.pending.is_some());
        if let Some(pending) = &self.pending {
            out.bytes(pending.message.as_bytes());
            pending.times.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>, payee: &Payee) -> Result<Self, Error> {
        let offer = Offer::read(reader.bytes()?.to_vec(), payee.known())?;
        let made_at = UnixTime(reader.number()?);
        let serve_path = path(reader)?;
        let served = if reader.flag()? { Some(Times::read(reader)?) } else { None };
        let pending = match reader.flag()? {
            false => None,
            true => {
                let message = ServingMessage::read(ServingKind::ServeStaticInvoice, reader.bytes()?)?;
                Some(Pending { message, times: Times::read(reader)? })
            }
        };
        Ok(Self { offer, made_at, serve_path, served, pending })
    }
}

impl Times {
    fn write(&self, out: &mut Writer) {
        out.number(self.created_at.0);
        out.number(self.expires_at.0);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { created_at: UnixTime(reader.number()?), expires_at: UnixTime(reader.number()?) })
    }
}
