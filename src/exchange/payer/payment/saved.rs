//! A payment as bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::Error;
use crate::exchange::end::EndReason;
use crate::exchange::ids::PaymentId;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::{Bounds, Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::exchange::schedule::Schedule;
use crate::invoice::Invoice;
use crate::payer_proof::Preimage;
use crate::units::{Msat, UnixTime};

impl Payment {
    /// The state as bytes, which [`Payer::load`] reads. They say who paid whom for what, and hold the preimage of a
    /// payment that was made; no other secret.
    ///
    /// Save after every step that changed something, and before anything is acted upon: before sending, so that
    /// answers find the payment; before paying, so that it is not made twice. An older state than the last one must
    /// not be loaded, which nothing in it can tell.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.state_fields().finish(self.payer.states())
    }

    pub(crate) fn state_fields(&self) -> Writer {
        let mut out = Writer::new(Kind::Payment);
        self.write(&mut out);
        out
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.array(self.id.0);
        self.asked.write(out);
        out.number(self.bounds.max.0);
        out.optional_number(self.bounds.estimate.map(|estimate| estimate.0));
        out.number(self.bounds.deadline.0);
        out.flag(self.bounds.ask_again);
        self.schedule.write(out);
        out.array([self.generation]);
        out.bytes(&self.refused);
        out.flag(self.told.is_some());
        if let Some(told) = &self.told {
            told.write(out);
        }
        out.number(self.begun.len() as u64);
        self.begun.iter().for_each(|invoice| out.bytes(invoice.as_bytes()));
        let (phase, invoice) = match &self.phase {
            Phase::Asking => (0, None),
            Phase::Quoted(invoice) => (1, Some(invoice)),
            Phase::Paying(invoice) => (2, Some(invoice)),
            Phase::Paid(invoice, _) => (3, Some(invoice)),
            Phase::Ended(_) => (4, None),
        };
        out.array([phase]);
        if let Some(invoice) = invoice {
            out.bytes(invoice.as_bytes());
        }
        match &self.phase {
            Phase::Paid(_, preimage) => out.array(preimage.0),
            Phase::Ended(end) => end.write(out),
            _ => {}
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let id = PaymentId(reader.array()?);
        let asked = Purpose::read(reader, payer)?;
        let bounds = Bounds {
            max: Msat(reader.number()?),
            estimate: reader.optional_number()?.map(Msat),
            deadline: UnixTime(reader.number()?),
            ask_again: reader.flag()?,
        };
        let schedule = Schedule::read(reader)?;
        let generation = reader.byte()?;
        let refused = reader.bytes()?.to_vec();
        let invoice = |reader: &mut Reader<'_>| Invoice::read(reader.bytes()?.to_vec(), payer.known()).map(Box::new);
        let told = if reader.flag()? { Some(EndReason::read(reader)?) } else { None };
        let mut begun = Vec::new();
        for _ in 0..reader.number()? {
            begun.push(*invoice(reader)?);
        }
        let phase = match reader.byte()? {
            0 => Phase::Asking,
            1 => Phase::Quoted(invoice(reader)?),
            2 => Phase::Paying(invoice(reader)?),
            3 => Phase::Paid(invoice(reader)?, Preimage(reader.array()?)),
            4 => Phase::Ended(EndReason::read(reader)?),
            _ => return Err(invalid()),
        };
        Ok(Self { payer: payer.clone(), id, asked, bounds, schedule, generation, refused, told, begun, phase })
    }
}

impl Payer {
    /// Loads what [`Payment::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// `InvalidState` for bytes that are damaged or were saved with another secret, `UnknownVersion` for a state from
    /// newer software, and what a message in it is refused for: were other features [known](Self::knowing) then?
    pub fn load(&self, bytes: &[u8]) -> Result<Payment, Error> {
        Reader::load(bytes, Kind::Payment, self.states(), |reader| Payment::read(reader, self))
    }

    /// Loads a state that was kept in memory.
    pub(crate) fn reload(&self, fields: &[u8]) -> Result<Payment, Error> {
        Reader::reload(fields, Kind::Payment, |reader| Payment::read(reader, self))
    }
}
