//! A payment as bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use secp256k1::schnorr;

use crate::error::Error;
use crate::exchange::end::EndReason;
use crate::exchange::ids::PaymentId;
use crate::exchange::payer::budget::Budget;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::{Payment, Phase};
use crate::exchange::payer::purpose::Purpose;
use crate::exchange::payer::state::Attempt;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::exchange::schedule::Schedule;
use crate::invoice::Invoice;
use crate::payer_proof::Preimage;
use crate::units::UnixTime;

impl Payment {
    /// The state as bytes, which [`Payer::load`] reads. They say who paid whom for what, and contain the preimage of a
    /// completed payment, but no other secret.
    ///
    /// Save after every step that changed something, and before you act on it: before sending, so that answers find the
    /// payment; and before paying, so that it is not paid twice. An older state is a backup, although nothing in it
    /// says so: [restore](Payer::restore) it.
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
        self.purpose.write(out);
        self.budget.write(out);
        self.schedule.write(out);
        out.array([self.generation, self.renewals]);
        out.optional(self.signature.as_ref().map(|signature| signature.serialize()));
        out.optional_number(self.renewed_at.map(|at| at.0));
        out.bytes(&self.closed);
        out.flag(self.last_refusal.is_some());
        if let Some(end) = &self.last_refusal {
            end.write(out);
        }
        out.flag(self.objected.is_some());
        if let Some(invoice) = &self.objected {
            out.bytes(invoice.as_bytes());
        }
        out.number(self.attempts.into());
        out.number(self.failed.len() as u64);
        self.failed.iter().for_each(|invoice| out.bytes(invoice.as_bytes()));
        out.flag(self.restored);
        let (phase, invoice) = match &self.phase {
            Phase::Asking => (0, None),
            Phase::Quoted(invoice) => (1, Some(invoice)),
            Phase::Paying(invoice, _) => (2, Some(invoice)),
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
        let purpose = Purpose::read(reader, payer)?;
        let budget = Budget::read(reader)?;
        let schedule = Schedule::read(reader)?;
        let (generation, renewals) = (reader.byte()?, reader.byte()?);
        let signature = reader.optional::<64>()?.map(|bytes| schnorr::Signature::from_slice(&bytes));
        let signature = signature.transpose().map_err(|_| invalid())?.map(Box::new);
        let renewed_at = reader.optional_number()?.map(UnixTime);
        let closed = reader.bytes()?.to_vec();
        let invoice = |reader: &mut Reader<'_>| Invoice::read(reader.bytes()?.to_vec(), payer.known()).map(Box::new);
        let last_refusal = if reader.flag()? { Some(Box::new(EndReason::read(reader)?)) } else { None };
        let objected = if reader.flag()? { Some(invoice(reader)?) } else { None };
        let attempts = u32::try_from(reader.number()?).map_err(|_| invalid())?;
        let mut failed = Vec::new();
        for _ in 0..reader.number()? {
            failed.push(*invoice(reader)?);
        }
        let restored = reader.flag()?;
        let phase = match reader.byte()? {
            0 => Phase::Asking,
            1 => Phase::Quoted(invoice(reader)?),
            // What is being paid is the attempt that was begun last.
            2 => Phase::Paying(invoice(reader)?, Attempt(attempts)),
            3 => Phase::Paid(invoice(reader)?, Preimage(reader.array()?)),
            4 => Phase::Ended(EndReason::read(reader)?),
            _ => return Err(invalid()),
        };
        Ok(Self {
            payer: payer.clone(),
            id,
            purpose,
            budget,
            schedule,
            generation,
            signature,
            renewals,
            renewed_at,
            closed,
            last_refusal,
            objected,
            attempts,
            failed,
            restored,
            phase,
        })
    }

    /// Ends what was not begun, because it may have been since; also what its owner may have allowed since.
    pub(crate) fn end_restored(&mut self) {
        self.restored = true;
        let may_have_begun = match &self.phase {
            Phase::Asking | Phase::Quoted(_) => true,
            Phase::Ended(end) => end.can_be_allowed(),
            Phase::Paying(..) | Phase::Paid(..) => false,
        };
        if may_have_begun {
            self.phase = Phase::Ended(EndReason::Restored);
        }
    }
}

impl Payer {
    /// Loads what [`Payment::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// `InvalidState` for bytes that are damaged or were saved with another secret; `UnknownVersion` for a state that
    /// another version wrote; and the errors of a message in it, for example if other features were
    /// [known](Self::knowing) when it was saved.
    pub fn load(&self, bytes: &[u8]) -> Result<Payment, Error> {
        Reader::load(bytes, Kind::Payment, self.states(), |reader| Payment::read(reader, self))
    }

    /// Loads a backup: bytes of [`Payment::to_bytes`] that may not be the latest ones (EXC-13).
    ///
    /// If paying had not begun when the state was saved, it may have begun since, so the payment has
    /// [ended](EndReason::Restored). If paying had begun, it is still in progress: ask the node. If the attempt
    /// [failed](Payment::failed), the payment has ended too. If the node has never heard of the attempt, it has failed: do
    /// not pay it now, since another invoice may have been paid in its place. The node may also know payments that began
    /// after the backup was made: look for payments that no state describes.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn restore(&self, bytes: &[u8]) -> Result<Payment, Error> {
        let mut payment = self.load(bytes)?;
        payment.end_restored();
        Ok(payment)
    }

    /// Loads a state that was kept in memory.
    pub(crate) fn reload(&self, fields: &[u8]) -> Result<Payment, Error> {
        Reader::reload(fields, Kind::Payment, |reader| Payment::read(reader, self))
    }
}
