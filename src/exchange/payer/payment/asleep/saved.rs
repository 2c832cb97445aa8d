//! A payment whose payee may be asleep, as bytes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::state::Release;
use super::{AsyncPayment, Failed, Going, Held, Served};
use crate::error::Error;
use crate::exchange::payer::keys::Payer;
use crate::exchange::payer::payment::Payment;
use crate::exchange::payer::state::Attempt;
use crate::exchange::saved::{Kind, Reader, Writer, invalid};
use crate::exchange::schedule::Schedule;
use crate::exchange::secret::Token;
use crate::payer_proof::Preimage;
use crate::static_invoice::StaticInvoice;
use crate::units::{Msat, UnixTime};

impl AsyncPayment {
    /// The state as bytes, which [`Payer::load_async`] reads: as [`Payment::to_bytes`], to be saved at the same times. They
    /// hold the preimage of a payment that was begun, which others could take the payment with while it is held.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::new(Kind::AsyncPayment);
        self.payment.write(&mut out);
        out.optional(self.preimage.map(|preimage| preimage.0));
        out.number(self.attempts.into());
        out.flag(self.failed.is_some());
        if let Some(Failed { served, amount }) = &self.failed {
            served.write(&mut out);
            out.number(amount.0);
        }
        match &self.held {
            Held::Nothing => out.array([0]),
            Held::Quoted(served) => {
                out.array([1]);
                served.write(&mut out);
            }
            Held::Paying(served, going) => {
                out.array([2]);
                served.write(&mut out);
                going.write(&mut out);
            }
            Held::Paid(served, amount, _) => {
                out.array([3]);
                served.write(&mut out);
                out.number(amount.0);
            }
        }
        out.finish(self.payment.payer.states())
    }

    fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let payment = Payment::read(reader, payer)?;
        let preimage = reader.optional()?.map(Preimage);
        let attempts = u32::try_from(reader.number()?).map_err(|_| invalid())?;
        let failed = match reader.flag()? {
            true => Some(Failed { served: Served::read(reader, payer)?, amount: Msat(reader.number()?) }),
            false => None,
        };
        let begun = || preimage.ok_or_else(invalid);
        let held = match reader.byte()? {
            0 => Held::Nothing,
            1 => Held::Quoted(Served::read(reader, payer)?),
            // What is being paid is the attempt that was begun last.
            2 => Held::Paying(Served::read(reader, payer)?, Going::read(reader, Attempt(attempts), begun()?)?),
            3 => Held::Paid(Served::read(reader, payer)?, Msat(reader.number()?), begun()?),
            _ => return Err(invalid()),
        };
        Ok(Self { payment, held, preimage, attempts, failed })
    }
}

impl Served {
    fn write(&self, out: &mut Writer) {
        out.bytes(self.invoice.as_bytes());
        out.array(self.token.id);
        out.array([self.token.generation, self.token.position]);
    }

    fn read(reader: &mut Reader<'_>, payer: &Payer) -> Result<Self, Error> {
        let invoice = Box::new(StaticInvoice::read(reader.bytes()?.to_vec(), payer.known())?);
        let token = Token { id: reader.array()?, generation: reader.byte()?, position: reader.byte()? };
        Ok(Self { invoice, token })
    }
}

impl Going {
    fn write(&self, out: &mut Writer) {
        out.number(self.amount.0);
        out.number(self.until.0);
        out.array([match self.release {
            Release::Hold => 0,
            Release::Release => 1,
            Release::GiveUp => 2,
        }]);
        self.schedule.write(out);
    }

    fn read(reader: &mut Reader<'_>, attempt: Attempt, preimage: Preimage) -> Result<Self, Error> {
        let (amount, until) = (Msat(reader.number()?), UnixTime(reader.number()?));
        let release = match reader.byte()? {
            0 => Release::Hold,
            1 => Release::Release,
            2 => Release::GiveUp,
            _ => return Err(invalid()),
        };
        Ok(Self { attempt, amount, preimage, until, release, schedule: Schedule::read(reader)? })
    }
}

impl Payer {
    /// Loads what [`AsyncPayment::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_async(&self, bytes: &[u8]) -> Result<AsyncPayment, Error> {
        Reader::load(bytes, Kind::AsyncPayment, self.states(), |reader| AsyncPayment::read(reader, self))
    }

    /// Loads a backup: what [`AsyncPayment::to_bytes`] saved, when it is not known whether that was the last time
    /// (EXC-13). As for [`restore`](Self::restore), what was not begun has ended, and what was being paid still is: also
    /// one that is held here may have been released since.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn restore_async(&self, bytes: &[u8]) -> Result<AsyncPayment, Error> {
        let mut payment = self.load_async(bytes)?;
        payment.payment.end_restored();
        if matches!(payment.held, Held::Quoted(_)) {
            payment.held = Held::Nothing;
        }
        Ok(payment)
    }
}
