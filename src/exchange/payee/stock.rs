//! Offers that sell once, or so many times, or were withdrawn (EXC-23).

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::payee::expected::ExpectedPayment;
use crate::exchange::payee::keys::Payee;
use crate::exchange::payee::received::ReceivedRequest;
use crate::exchange::refused::Refused;
use crate::exchange::saved::{Kind, Reader, Writer};
use crate::invoice_error::InvoiceError;
use crate::offer::Offer;
use crate::signature::OfferId;
use crate::units::UnixTime;

/// How many items are left of each offer that sells only so many: 49 bytes each. Offers that are not in it sell any
/// number.
///
/// A request costs nothing here, and reserves nothing: anybody can ask. That no more is sold than there is, is decided
/// when the money comes ([`take`](Self::take)), since several invoices for the last item can be open. A sale takes as
/// many items as its [quantity](crate::exchange::Sale::quantity) says, or one.
///
/// An offer that sells for a time needs none of this: set its
/// [`absolute_expiry`](crate::OfferBuilder::absolute_expiry).
///
/// ```
/// # use bolt12::exchange::{ExpectedPayment, IncomingMessage, Payee, ReceivedRequest, Refused, Stock, TakenPayments};
/// # use bolt12::{Error, Msat, Offer, Preimage, UnixTime};
/// fn publish(stock: &mut Stock, painting: &Offer, prints: &Offer) {
///     stock.set(painting, 1);
///     stock.set(prints, 50); // save `to_bytes`
/// }
///
/// /// A request came: the payer is told if everything was sold, or how many are left.
/// fn receive(payee: &Payee, stock: &Stock, request: IncomingMessage) -> Result<ReceivedRequest, Box<Refused>> {
///     stock.check(payee.receive(request)?)
/// }
///
/// /// A payment is waiting at the node, which calls it `id`.
/// fn settle(
///     stock: &mut Stock,
///     taken: &mut TakenPayments,
///     (expected, id): (&ExpectedPayment, &[u8]),
///     received: Msat,
///     now: UnixTime,
/// ) -> Result<Preimage, Error> {
///     // A payment that the node reports again takes nothing from the stock.
///     if !taken.has(expected, id) {
///         expected.check(received, now)?;
///         taken.take(expected, id, now)?;
///         stock.take(expected)?;
///     }
///     Ok(expected.preimage) // save both before you claim with it
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock(BTreeMap<OfferId, Entry>);

/// What is known of one offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// How many items may still be sold.
    left: u64,
    is_withdrawn: bool,
    /// The last second at which the offer can be used.
    until: UnixTime,
}

impl Stock {
    /// Nothing is limited.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets an offer sell so many items from now on: 1 for what there is once. Also for more of what was sold out.
    pub fn set(&mut self, offer: &Offer, items: u64) {
        self.insert(offer, items, false);
    }

    /// Withdraws an offer: nothing of it is sold any more, not even to anyone who has an invoice.
    pub fn withdraw(&mut self, offer: &Offer) {
        self.insert(offer, 0, true);
    }

    fn insert(&mut self, offer: &Offer, left: u64, is_withdrawn: bool) {
        let until = offer.absolute_expiry().unwrap_or(UnixTime(u64::MAX));
        self.0.insert(offer.id(), Entry { left, is_withdrawn, until });
    }

    /// How many items may still be sold; `None` if it is any number.
    pub fn left(&self, offer: OfferId) -> Option<u64> {
        self.0.get(&offer).map(|entry| entry.left)
    }

    /// Passes a request on, if there is as much as it asks for.
    ///
    /// # Errors
    ///
    /// A refusal with the answer to send: `Withdrawn`, `SoldOut`, and `QuantityTooLarge` for more items than are left,
    /// which suggests those.
    pub fn check(&self, request: ReceivedRequest) -> Result<ReceivedRequest, Box<Refused>> {
        let Some(id) = request.request().offer().id() else { return Ok(request) };
        match self.check_items(id, request.request().quantity()) {
            Ok(_) => Ok(request),
            Err(error) => {
                // What is about no field is told all the same: it is the issuer's own choice.
                let told = InvoiceError::answering(&error).or_else(|| InvoiceError::new(&error.to_string()).ok());
                Err(Refused::telling(error, told, request.reply_path))
            }
        }
    }

    /// Takes what was paid for out of the stock. Save it before the preimage is given away.
    ///
    /// # Errors
    ///
    /// `SoldOut` and `QuantityTooLarge` for more than is left, `Withdrawn`: fail the payment, so that the money goes
    /// back. Nothing is taken then.
    pub fn take(&mut self, payment: &ExpectedPayment) -> Result<(), Error> {
        let left = self.check_items(payment.sale.offer_id, payment.sale.quantity)?;
        if let (Some(entry), Some(left)) = (self.0.get_mut(&payment.sale.offer_id), left) {
            entry.left = left;
        }
        Ok(())
    }

    /// How many items are left after a sale; nothing where any number is.
    fn check_items(&self, offer: OfferId, quantity: Option<u64>) -> Result<Option<u64>, Error> {
        let Some(entry) = self.0.get(&offer) else { return Ok(None) };
        if entry.is_withdrawn {
            return Err(Error::new(ErrorKind::Withdrawn, Rule::Exc23));
        }
        match entry.left.checked_sub(quantity.unwrap_or(1)) {
            Some(left) => Ok(Some(left)),
            None if entry.left == 0 => Err(Error::new(ErrorKind::SoldOut, Rule::Exc23)),
            None => {
                let kind = ErrorKind::QuantityTooLarge { max: entry.left };
                Err(Error::of(Field::INVREQ_QUANTITY, kind, Rule::Exc23))
            }
        }
    }

    /// Forgets offers that could be used until before this time. Choose a time so long ago that no invoice for them is
    /// open. Offers that do not expire are remembered.
    pub fn forget_before(&mut self, time: UnixTime) {
        self.0.retain(|_, entry| entry.until >= time);
    }

    /// All of it as bytes, which [`Payee::load_stock`] reads.
    pub fn to_bytes(&self, payee: &Payee) -> Vec<u8> {
        let mut out = Writer::new(Kind::Stock);
        out.number(self.0.len() as u64);
        for (id, entry) in &self.0 {
            out.array(id.to_byte_array());
            out.number(entry.left);
            out.flag(entry.is_withdrawn);
            out.number(entry.until.0);
        }
        out.finish(payee.states())
    }
}

impl Payee {
    /// Loads what [`Stock::to_bytes`] saved.
    ///
    /// # Errors
    ///
    /// As for [`Payer::load`](crate::exchange::Payer::load).
    pub fn load_stock(&self, bytes: &[u8]) -> Result<Stock, Error> {
        Reader::load(bytes, Kind::Stock, self.states(), |reader| {
            let mut stock = BTreeMap::new();
            for _ in 0..reader.number()? {
                let id = OfferId::from_byte_array(reader.array()?);
                let (left, is_withdrawn) = (reader.number()?, reader.flag()?);
                stock.insert(id, Entry { left, is_withdrawn, until: UnixTime(reader.number()?) });
            }
            Ok(Stock(stock))
        })
    }
}
