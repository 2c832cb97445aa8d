//! What it costs and takes to pay over a blinded path.

use alloc::vec::Vec;
use core::fmt;

use super::{Cursor, Entries, Features, Value, into_entries};
use crate::error::Error;
use crate::units::Msat;

/// Fees and limits of one blinded path, from its introduction node to the recipient.
///
/// Every number is for the whole path: what its hops ask for was added up by its maker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PayInfo<'a> {
    /// The fee for a payment, in millisatoshi.
    pub fee_base_msat: u32,
    /// The fee per million, in parts of the amount.
    pub fee_proportional_millionths: u32,
    /// By how many blocks a payment is delayed at most: by all hops together, the recipient included.
    pub cltv_expiry_delta: u16,
    /// The least that can be sent, in millisatoshi.
    pub htlc_minimum_msat: u64,
    /// The most that can be sent at once, in millisatoshi. Some write all the bitcoin there will ever be:
    /// 2,100,000,000,000,000,000.
    pub htlc_maximum_msat: u64,
    /// Features that a payer must know to use the path (IVR-7).
    pub features: Features<'a>,
}

impl PayInfo<'static> {
    /// Fees and limits without features, in the order of the specification.
    ///
    /// ```
    /// use bolt12::{Msat, PayInfo};
    /// let payinfo = PayInfo::new(1_000, 250, 144, 1, 50_000_000);
    /// assert_eq!(payinfo.fee(Msat(1_000_000)), Some(Msat(1_250)));
    /// assert!(!payinfo.carries(Msat(50_000_001)));
    /// ```
    pub fn new(
        fee_base_msat: u32,
        fee_proportional_millionths: u32,
        cltv_expiry_delta: u16,
        htlc_minimum_msat: u64,
        htlc_maximum_msat: u64,
    ) -> Self {
        Self {
            fee_base_msat,
            fee_proportional_millionths,
            cltv_expiry_delta,
            htlc_minimum_msat,
            htlc_maximum_msat,
            features: Features::default(),
        }
    }
}

impl<'a> PayInfo<'a> {
    /// The bytes without features.
    pub(crate) const MIN_LEN: usize = 28;

    /// What is paid on top of an amount that goes over the path in one part; `None` if that exceeds 64 bits.
    pub fn fee(&self, amount: Msat) -> Option<Msat> {
        let share =
            u128::from(amount.0).checked_mul(self.fee_proportional_millionths.into())?.checked_div(1_000_000)?;
        let fee = share.checked_add(self.fee_base_msat.into())?;
        u64::try_from(fee).ok().map(Msat)
    }

    /// Whether an amount fits through the path in one part: it is within the limits, and together with its fee it does
    /// not exceed 64 bits (EXC-11). Zero is not an amount.
    pub fn carries(&self, amount: Msat) -> bool {
        amount.0 > 0
            && (self.htlc_minimum_msat..=self.htlc_maximum_msat).contains(&amount.0)
            && self.fee(amount).and_then(|fee| fee.checked_add(amount)).is_some()
    }

    /// The most of an amount that fits through the path in one part, all of it if that does; `None` if no part of it
    /// fits (EXC-11).
    pub fn share(&self, amount: Msat) -> Option<Msat> {
        let share = Msat(amount.0.min(self.htlc_maximum_msat));
        self.carries(share).then_some(share)
    }

    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        Ok(Self {
            fee_base_msat: cursor.u32()?,
            fee_proportional_millionths: cursor.u32()?,
            cltv_expiry_delta: cursor.u16()?,
            htlc_minimum_msat: cursor.u64()?,
            htlc_maximum_msat: cursor.u64()?,
            features: {
                let len = cursor.u16()?;
                Features::from_bytes(cursor.take(len.into())?)
            },
        })
    }

    /// Appends the payinfo as it stands in a message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let features = self.features.minimal();
        // No message has features of more bytes than 16 bits can count, and nobody makes them (D7).
        let len = features.len() as u16;
        out.reserve(PayInfo::MIN_LEN.saturating_add(features.len()));
        out.extend_from_slice(&self.fee_base_msat.to_be_bytes());
        out.extend_from_slice(&self.fee_proportional_millionths.to_be_bytes());
        out.extend_from_slice(&self.cltv_expiry_delta.to_be_bytes());
        out.extend_from_slice(&self.htlc_minimum_msat.to_be_bytes());
        out.extend_from_slice(&self.htlc_maximum_msat.to_be_bytes());
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(features);
    }
}

/// The payinfos of an invoice, one for each of its paths, in the same order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PayInfos<'a>(&'a [u8]);

impl<'a> PayInfos<'a> {
    /// The payinfos in a value that was checked before.
    pub(crate) const fn checked(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The payinfos.
    pub fn iter(&self) -> Entries<'a, PayInfo<'a>> {
        Entries::new(self.0, PayInfo::read)
    }

    /// The number of payinfos.
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}

into_entries!(PayInfos, PayInfo<'a>);

impl<'a> Value<'a> for PayInfos<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        while !cursor.is_at_end() {
            PayInfo::read(&mut cursor)?;
        }
        Ok(Self(value))
    }
}

impl fmt::Debug for PayInfos<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
