//! What was sold, encrypted in the path id of an invoice's paths (EXC-22).

use alloc::vec::Vec;

use secp256k1::PublicKey;

use crate::error::Error;
use crate::exchange::payee::keys::Payee;
use crate::exchange::saved::{Reader, Writer, invalid};
use crate::exchange::secret::{MacKey, request_records};
use crate::exchange::sold::SoldPeriod;
use crate::field::{CurrencyCode, OfferAmount};
use crate::invoice_request::RequestFields;
use crate::signature::OfferId;
use crate::units::{MinorUnits, Msat, UnixTime};

/// The limit on the application's own data in a payment, in bytes.
pub const MAX_SALE_DATA: usize = 64;

/// What was sold with an invoice. It comes back with the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sale {
    /// The offer. For a refund, the id of the fields that it shares with an offer.
    pub offer_id: OfferId,
    /// The key that requested the invoice.
    pub payer_id: PublicKey,
    /// The request. Several invoices may have been made for it, and they share this id.
    pub request_id: [u8; 16],
    /// The number of items, if the offer sells several.
    pub quantity: Option<u64>,
    /// When the invoice was made.
    pub quoted_at: UnixTime,
    /// The price of all items in the currency of the offer, if it has one.
    pub price: Option<(CurrencyCode, MinorUnits)>,
    /// The payment of a subscription: its counter, the start of period 0, and the number of the first paid period
    /// (feature `recurrence`).
    pub period: Option<SoldPeriod>,
    /// What the payer said of itself, if it wants to be known by this payee: find it among the
    /// [contacts](crate::exchange::Contact::find).
    #[cfg(feature = "contacts")]
    pub introduction: Option<crate::invoice_request::Introduction>,
    /// What the application [added](crate::exchange::Accepted::sale_data).
    pub data: Vec<u8>,
}

/// The length of what stands before everything that varies.
const TAG_LEN: usize = 16;

impl Sale {
    /// What a request or refund asks for.
    pub(crate) fn of(payee: &Payee, request: &RequestFields, payer_id: PublicKey, quoted_at: UnixTime) -> Self {
        let quantity = request.quantity();
        let price = match request.price() {
            Ok(Some(OfferAmount::Currency { currency, amount })) => Some((currency, amount)),
            _ => None,
        };
        let [low, high, rest] = request_records(request.tlvs());
        let metadata = request.tlvs().value(0).unwrap_or_default();
        Self {
            offer_id: request.offer().id().unwrap_or(OfferId::from_byte_array([0; 32])),
            payer_id,
            request_id: payee.payment_ids().short(&[&(metadata.len() as u64).to_be_bytes(), metadata, low, high, rest]),
            quantity,
            quoted_at,
            price,
            period: None,
            #[cfg(feature = "contacts")]
            introduction: request.introduction(),
            data: Vec::new(),
        }
    }

    fn write(&self, amount: Msat, expires_at: UnixTime) -> Vec<u8> {
        let mut out = Writer::raw();
        out.number(amount.0);
        out.number(expires_at.0);
        out.number(self.quoted_at.0);
        out.array(self.offer_id.to_byte_array());
        out.array(self.payer_id.serialize());
        out.array(self.request_id);
        out.optional_number(self.quantity);
        out.flag(self.price.is_some());
        if let Some((currency, amount)) = self.price {
            out.bytes(currency.as_str().as_bytes());
            out.number(amount.0);
        }
        out.flag(self.period.is_some());
        if let Some(period) = self.period {
            out.array(period.counter.to_be_bytes());
            out.number(period.basetime.0);
            out.optional(period.start.map(u32::to_be_bytes));
            out.number(period.until.0);
        }
        out.bytes(&self.data);
        #[cfg(feature = "contacts")]
        if let Some(introduction) = &self.introduction {
            out.rest(&introduction.to_bytes());
        }
        out.into_bytes()
    }

    fn read(bytes: &[u8]) -> Result<(Self, Msat, UnixTime), Error> {
        let mut reader = Reader::raw(bytes);
        let (amount, expires_at) = (Msat(reader.number()?), UnixTime(reader.number()?));
        let quoted_at = UnixTime(reader.number()?);
        let offer_id = OfferId::from_byte_array(reader.array()?);
        let payer_id = PublicKey::from_slice(&reader.array::<33>()?).map_err(|_| invalid())?;
        let request_id = reader.array()?;
        let quantity = reader.optional_number()?;
        let price = if reader.flag()? { Some((reader.text()?.parse()?, MinorUnits(reader.number()?))) } else { None };
        let period = match reader.flag()? {
            false => None,
            true => Some(SoldPeriod {
                counter: u32::from_be_bytes(reader.array()?),
                basetime: UnixTime(reader.number()?),
                start: reader.optional()?.map(u32::from_be_bytes),
                until: UnixTime(reader.number()?),
            }),
        };
        let data = reader.bytes()?.to_vec();
        // What software with more features made says more.
        let rest = reader.rest();
        #[cfg(not(feature = "contacts"))]
        let _ = rest;
        let sale = Self {
            offer_id,
            payer_id,
            request_id,
            quantity,
            quoted_at,
            price,
            period,
            #[cfg(feature = "contacts")]
            introduction: crate::invoice_request::Introduction::from_bytes(rest),
            data,
        };
        Ok((sale, amount, expires_at))
    }

    /// Encrypted and authenticated: a tag over all of it, from which the keystream follows (so the same twice is the
    /// same text, and nothing else is).
    pub(crate) fn seal(&self, payee: &Payee, amount: Msat, expires_at: UnixTime) -> Vec<u8> {
        let plain = self.write(amount, expires_at);
        let tag: [u8; TAG_LEN] = payee.sales().short(&[&plain]);
        let mut sealed = tag.to_vec();
        sealed.extend(encrypt(payee.sale_stream(), &tag, &plain));
        sealed
    }

    pub(crate) fn open(payee: &Payee, sealed: &[u8]) -> Option<(Self, Msat, UnixTime)> {
        let (tag, text) = sealed.split_first_chunk::<TAG_LEN>()?;
        if text.len() > MAX_SALE_LEN {
            return None;
        }
        let plain = encrypt(payee.sale_stream(), tag, text);
        if !payee.sales().verifies(&[&plain], tag) {
            return None;
        }
        Self::read(&plain).ok()
    }
}

/// No sale is longer.
const MAX_SALE_LEN: usize = 660;

/// The exclusive or with a keystream, which is its own inverse.
fn encrypt(key: &MacKey, tag: &[u8; TAG_LEN], text: &[u8]) -> Vec<u8> {
    let block = |at: u8| key.mac(&[tag, &[at]]);
    let blocks = text.chunks(32).zip(0u8..).map(|(chunk, at)| (chunk, block(at)));
    blocks
        .flat_map(|(chunk, block)| chunk.iter().zip(block).map(|(byte, key)| byte ^ key).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// With so many bytes of the application's.
    fn sale(len: usize) -> Sale {
        Sale {
            offer_id: OfferId::from_byte_array([2; 32]),
            payer_id: "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse().unwrap(),
            request_id: [3; 16],
            quantity: None,
            quoted_at: UnixTime(4),
            price: None,
            period: None,
            #[cfg(feature = "contacts")]
            introduction: None,
            data: vec![5; len],
        }
    }

    // EXC-22: whatever is changed of it, nothing was sold.
    #[test]
    fn what_was_changed_is_not_opened() {
        let payee = Payee::new([1; 32]);
        let sealed = sale(9).seal(&payee, Msat(6), UnixTime(7));
        assert_eq!(Sale::open(&payee, &sealed), Some((sale(9), Msat(6), UnixTime(7))));
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Sale::open(&payee, &changed), None, "{bit}");
        }
        assert_eq!(Sale::open(&Payee::new([2; 32]), &sealed), None);
    }

    // EXC-22: what is longer than any sale is not even decrypted.
    #[test]
    fn the_longest_sale_is_read_and_nothing_longer() {
        let payee = Payee::new([1; 32]);
        let sealed = |len| sale(len).seal(&payee, Msat(6), UnixTime(7));
        let most = 300 + TAG_LEN + MAX_SALE_LEN - sealed(300).len();
        assert_eq!(Sale::open(&payee, &sealed(most)), Some((sale(most), Msat(6), UnixTime(7))));
        for more in [1, 2, 100] {
            assert_eq!(Sale::open(&payee, &sealed(most + more)), None);
        }
        // Whatever its tag is.
        assert_eq!(Sale::open(&payee, &vec![5; 100_000]), None);
    }
}
