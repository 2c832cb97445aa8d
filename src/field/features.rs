//! Feature bits.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use super::Value;
use crate::error::{Error, ErrorKind, Rule};

/// A feature: an even bit that a reader must know, and the odd one after it, which it may ignore.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature(pub u32);

impl Feature {
    /// 16: the payment must be split into parts. Invoices only (IVW-7).
    pub const MULTI_PART_REQUIRED: Self = Self(16);
    /// 17: the payment may be split into parts. Invoices only (IVW-7).
    pub const MULTI_PART_OPTIONAL: Self = Self(17);
    /// 258: as 259, and a peer must know it. Of nodes.
    pub const DNS_RESOLVER_REQUIRED: Self = Self(258);
    /// 259: the node answers queries for what names stand for (DNS-5). Of nodes.
    pub const DNS_RESOLVER_OPTIONAL: Self = Self(259);

    /// The bit's number.
    pub const fn bit(self) -> u32 {
        self.0
    }

    /// Whether a reader that does not know the feature must refuse it.
    pub const fn is_compulsory(self) -> bool {
        self.0 % 2 == 0
    }

    /// The name of a feature that offers, requests or invoices use today.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::MULTI_PART_REQUIRED => Some("multi-part payment required"),
            Self::MULTI_PART_OPTIONAL => Some("multi-part payment optional"),
            _ => None,
        }
    }
}

impl fmt::Debug for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => self.0.fmt(f),
        }
    }
}

/// A bitmap of features as it stands in a field: the last byte holds bits 0 to 7.
///
/// Read as it comes, leading zero bytes included; written without them (D9).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Features<'a>(Cow<'a, [u8]>);

/// No features.
impl Default for Features<'_> {
    fn default() -> Self {
        Self::from_bytes(&[])
    }
}

impl<'a> Features<'a> {
    /// Features to be written, in the shortest form.
    ///
    /// # Errors
    ///
    /// `TooLong` for a bit above 65535 (D7).
    pub fn new(features: impl IntoIterator<Item = Feature>) -> Result<Features<'static>, Error> {
        let mut little_endian = Vec::new();
        for Feature(bit) in features {
            if bit > 0xffff {
                let len = (bit / 8) as usize;
                return Err(Error::new(ErrorKind::TooLong { len: len.saturating_add(1), max: 0x2000 }, Rule::D7));
            }
            let at = (bit / 8) as usize;
            while little_endian.len() <= at {
                little_endian.push(0);
            }
            if let Some(byte) = little_endian.get_mut(at) {
                *byte |= 1u8 << (bit % 8);
            }
        }
        little_endian.reverse();
        Ok(Features(Cow::Owned(little_endian)))
    }

    pub(crate) const fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(Cow::Borrowed(bytes))
    }

    /// The bytes as they are in the field.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as a builder writes them: without leading zeros (D9).
    pub(crate) fn minimal(&self) -> &[u8] {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        self.0.get(zeros..).unwrap_or_default()
    }

    /// The features that are set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Feature> + '_ {
        let bytes = self.0.iter().rev().zip((0..).step_by(8)).filter(|(byte, _)| **byte != 0);
        bytes.flat_map(|(byte, first)| {
            (first..).zip(0..8).filter(move |(_, shift)| byte >> shift & 1 == 1).map(|(bit, _)| Feature(bit))
        })
    }

    /// Whether a feature is set, in just this form (compulsory or optional).
    pub fn contains(&self, feature: Feature) -> bool {
        let at = (feature.0 / 8) as usize;
        self.0.iter().rev().nth(at).is_some_and(|byte| byte >> (feature.0 % 8) & 1 == 1)
    }

    /// The first compulsory feature that is not among the known ones.
    pub fn first_unknown(&self, known: FeatureBits) -> Option<Feature> {
        self.iter().find(|feature| feature.is_compulsory() && !known.contains(&feature.0))
    }
}

impl<'a> Value<'a> for Features<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        Ok(Self::from_bytes(value))
    }
}

impl fmt::Debug for Features<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Numbers of compulsory (even) feature bits.
pub type FeatureBits = &'static [u32];

/// The compulsory features that a reader knows, by the field that has them (OFR-2, RQR-2, IVR-3, IVR-7).
///
/// The default knows the features that the specification defines today. An application that implements more passes
/// them when it reads a message. Messages that are built from that message know the same features.
///
/// ```
/// use bolt12::{KnownFeatures, Offer};
/// static KNOWN: KnownFeatures = KnownFeatures { offer: &[122], ..KnownFeatures::DEFAULT };
/// # let bytes = hex::decode("0c1004000000000000000000000000000000\
/// #     162102eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619")?;
/// assert!(Offer::try_from(bytes.clone()).is_err());
/// assert!(Offer::read(bytes, &KNOWN).is_ok());
/// # Ok::<(), hex::FromHexError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KnownFeatures {
    /// Known in `offer_features`.
    pub offer: FeatureBits,
    /// Known in `invreq_features`.
    pub invoice_request: FeatureBits,
    /// Known in `invoice_features`.
    pub invoice: FeatureBits,
    /// Known in the features of a payinfo.
    pub payinfo: FeatureBits,
}

impl KnownFeatures {
    /// What the specification defines today: multi-part payments, in invoices.
    pub const DEFAULT: Self = Self { offer: &[], invoice_request: &[], invoice: &[16], payinfo: &[] };

    pub(crate) const fn default_ref() -> &'static Self {
        const { &Self::DEFAULT }
    }
}

impl Default for KnownFeatures {
    fn default() -> Self {
        Self::DEFAULT
    }
}
