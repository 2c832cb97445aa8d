//! The same things as types of both crates.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ldk::blinded_path as their_path;
use ldk::blinded_path::message::BlindedMessagePath;
use ldk::blinded_path::payment::{BlindedPayInfo, BlindedPaymentPath};
use ldk::offers::invoice::Bolt12Invoice;
use ldk::offers::invoice_error as their_error;
use ldk::offers::parse::{Bolt12ParseError, Bolt12SemanticError};
use ldk::offers::{invoice_request as their_request, offer as their_offer, refund as their_refund};
use ldk::onion_message::offers as their_message;
use ldk::types::features::{BlindedHopFeatures, Bolt12InvoiceFeatures, InvoiceRequestFeatures, OfferFeatures};
use ldk::types::string::UntrustedString;
use ldk::util::ser::{Readable, Writeable};

use crate::error::{Error, Field};
use crate::exchange::OffersMessage;
use crate::field::{
    BlindedPath, CurrencyCode, Direction, Feature, Features, IntroductionNode, PayInfo, Point, ShortChannelId,
};
use crate::invoice::Invoice;
use crate::invoice_error::{InvoiceError, without_length};
use crate::invoice_request::{InvoiceRequest, Refund};
use crate::offer::Offer;
use crate::tlv::TlvStream;

/// Why something has no counterpart in the other crate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// `lightning` does not handle requests and invoices for offers in another currency than bitcoin. Without a
    /// node ([`OnionPeers`](super::OnionPeers)) they can be handled.
    #[error("the lightning crate does not handle offers in {0}")]
    Currency(CurrencyCode),
    /// `lightning` refuses what this crate accepts. It says why in its own words, for developers.
    #[error("the lightning crate refuses this: {0}")]
    RefusedByLightning(String),
    /// This crate refuses what `lightning` accepts.
    #[error(transparent)]
    Refused(#[from] Error),
    /// A payment path that starts at a channel: `lightning` lets no one but itself make such paths.
    #[error("the lightning crate does not accept a payment path that starts at a channel ({0})")]
    StartsAtChannel(ShortChannelId),
    /// An invoice error with a field that `lightning` has no place for.
    #[error("the lightning crate has no place for TLV {} of an invoice error", .0.number())]
    ErrorField(Field),
    /// An invoice error that lacks what `lightning` requires: a text, or the field that a suggested value is for.
    #[error("the lightning crate requires more fields in an invoice error")]
    IncompleteError,
    /// A static invoice, which the adapter does not deal with.
    #[error("this is a static invoice, which is not supported")]
    StaticInvoice,
    /// A message about a payment that is held, which is none of `lightning`'s messages about offers.
    #[cfg(feature = "async_payments")]
    #[error("the lightning crate has no place for this message about a payment that is held")]
    HeldPayment,
    /// A message of a static invoice server or for one, which is none of `lightning`'s messages about offers, or a request
    /// to be forwarded, which goes with a reply path of its own.
    #[cfg(feature = "async_payments")]
    #[error("the lightning crate has no place for this message of a static invoice server or for one")]
    Serving,
    /// What was converted would not be written as it was read. No message is known for which that happens; if it
    /// did, signatures would become invalid.
    #[error("converting this would change it")]
    Changed,
}

/// Reads a message of ours as theirs, and makes sure that it stayed what it was.
fn theirs<T>(tlvs: &TlvStream, bytes: &[u8]) -> Result<T, ConversionError>
where
    T: TryFrom<Vec<u8>, Error = Bolt12ParseError> + Writeable,
{
    let theirs = T::try_from(bytes.to_vec()).map_err(|error| match (error, currency(tlvs)) {
        (Bolt12ParseError::InvalidSemantics(Bolt12SemanticError::UnsupportedCurrency), Some(currency)) => {
            ConversionError::Currency(currency)
        }
        // There is no other text of these errors.
        (error, _) => ConversionError::RefusedByLightning(format!("{error:?}")),
    })?;
    if theirs.encode() == bytes { Ok(theirs) } else { Err(ConversionError::Changed) }
}

fn currency(tlvs: &TlvStream) -> Option<CurrencyCode> {
    let text = core::str::from_utf8(tlvs.value(Field::OFFER_CURRENCY.number())?).ok()?;
    text.parse().ok()
}

/// Conversions both ways for messages that are their bytes in both crates.
macro_rules! messages {
    ($($ours:ident, $theirs:ty;)*) => {$(
        #[doc = concat!("Fails for what `lightning` refuses: see [`ConversionError`].")]
        impl TryFrom<&$ours> for $theirs {
            type Error = ConversionError;

            fn try_from(message: &$ours) -> Result<Self, ConversionError> {
                theirs(message.tlvs(), message.as_bytes())
            }
        }

        #[doc = concat!("Fails for what this crate refuses: see [`ConversionError`].")]
        impl TryFrom<&$theirs> for $ours {
            type Error = ConversionError;

            fn try_from(message: &$theirs) -> Result<Self, ConversionError> {
                Ok($ours::try_from(message.encode())?)
            }
        }
    )*};
}

messages! {
    Offer, their_offer::Offer;
    InvoiceRequest, their_request::InvoiceRequest;
    Refund, their_refund::Refund;
    Invoice, Bolt12Invoice;
}

/// Fails for fields that `lightning` has no place for, and without what it requires.
impl TryFrom<&InvoiceError> for their_error::InvoiceError {
    type Error = ConversionError;

    fn try_from(error: &InvoiceError) -> Result<Self, ConversionError> {
        if let Some(unknown) = error.unknown().next() {
            return Err(ConversionError::ErrorField(Field::numbered(unknown.number())));
        }
        let message = error.error().ok_or(ConversionError::IncompleteError)?;
        // As it stands there, whether it means anything or not.
        let suggested_value = error.tlvs().value(Field::SUGGESTED_VALUE.number()).map(<[u8]>::to_vec);
        let erroneous_field = match (error.erroneous_field(), suggested_value) {
            (Some(field), suggested_value) => {
                Some(their_error::ErroneousField { tlv_fieldnum: field.number(), suggested_value })
            }
            (None, None) => None,
            (None, Some(_)) => return Err(ConversionError::IncompleteError),
        };
        Ok(Self { erroneous_field, message: UntrustedString(message.as_raw().into()) })
    }
}

impl TryFrom<&their_error::InvoiceError> for InvoiceError {
    type Error = ConversionError;

    fn try_from(error: &their_error::InvoiceError) -> Result<Self, ConversionError> {
        // What `lightning` writes starts with a length, which is not part of the message.
        Ok(InvoiceError::try_from(without_length(&error.encode()))?)
    }
}

/// Fails for what the conversions of the single messages fail for.
impl TryFrom<&OffersMessage> for their_message::OffersMessage {
    type Error = ConversionError;

    fn try_from(message: &OffersMessage) -> Result<Self, ConversionError> {
        Ok(match message {
            OffersMessage::InvoiceRequest(message) => Self::InvoiceRequest(message.try_into()?),
            OffersMessage::Invoice(message) => Self::Invoice(message.try_into()?),
            OffersMessage::InvoiceError(message) => Self::InvoiceError(message.try_into()?),
            #[cfg(feature = "async_payments")]
            OffersMessage::StaticInvoice(message) => Self::StaticInvoice(theirs(message.tlvs(), message.as_bytes())?),
            #[cfg(feature = "async_payments")]
            OffersMessage::HeldHtlcAvailable | OffersMessage::ReleaseHeldHtlc => {
                return Err(ConversionError::HeldPayment);
            }
            #[cfg(feature = "async_payments")]
            OffersMessage::Serving(_) | OffersMessage::Forwarded(_) => return Err(ConversionError::Serving),
        })
    }
}

/// Fails for static invoices, and for what this crate refuses.
impl TryFrom<&their_message::OffersMessage> for OffersMessage {
    type Error = ConversionError;

    fn try_from(message: &their_message::OffersMessage) -> Result<Self, ConversionError> {
        use their_message::OffersMessage as Theirs;
        Ok(match message {
            Theirs::InvoiceRequest(message) => Self::InvoiceRequest(message.try_into()?),
            Theirs::Invoice(message) => Self::Invoice(message.try_into()?),
            Theirs::InvoiceError(message) => Self::InvoiceError(message.try_into()?),
            Theirs::StaticInvoice(_) => return Err(ConversionError::StaticInvoice),
        })
    }
}

/// Does not fail: both crates want at least one hop, and points on the curve.
impl TryFrom<&BlindedPath<'_>> for BlindedMessagePath {
    type Error = ConversionError;

    fn try_from(path: &BlindedPath<'_>) -> Result<Self, ConversionError> {
        let theirs = Self::read(&mut path.as_bytes())
            .map_err(|error| ConversionError::RefusedByLightning(format!("{error:?}")))?;
        if theirs.encode() == path.as_bytes() { Ok(theirs) } else { Err(ConversionError::Changed) }
    }
}

/// Fails for a path of more than 255 hops, which was not read from anywhere.
impl TryFrom<&BlindedMessagePath> for BlindedPath<'static> {
    type Error = ConversionError;

    fn try_from(path: &BlindedMessagePath) -> Result<Self, ConversionError> {
        ours(path.introduction_node(), path.blinding_point(), path.blinded_hops())
    }
}

/// A path for payments, as it stands in an invoice, with what it costs.
///
/// # Errors
///
/// `StartsAtChannel`.
pub fn to_payment_path(path: &BlindedPath<'_>, payinfo: &PayInfo<'_>) -> Result<BlindedPaymentPath, ConversionError> {
    let introduction_node = match path.introduction_node() {
        IntroductionNode::NodeId(point) => point.public_key()?,
        IntroductionNode::Channel { scid, .. } => return Err(ConversionError::StartsAtChannel(scid)),
    };
    let theirs = BlindedMessagePath::try_from(path)?;
    let (key, hops) = (theirs.blinding_point(), theirs.blinded_hops().to_vec());
    Ok(BlindedPaymentPath::from_blinded_path_and_payinfo(introduction_node, key, hops, payinfo.into()))
}

/// A path for payments that a node's router made, and what it costs, for
/// [`InvoiceBuilder::add_path`](crate::InvoiceBuilder::add_path).
///
/// # Errors
///
/// `Refused` for a path of more than 255 hops, which was not read from anywhere.
pub fn from_payment_path(
    path: &BlindedPaymentPath,
) -> Result<(BlindedPath<'static>, PayInfo<'static>), ConversionError> {
    let ours = ours(path.introduction_node(), path.blinding_point(), path.blinded_hops())?;
    Ok((ours, PayInfo::try_from(&path.payinfo)?))
}

fn ours(
    introduction_node: &their_path::IntroductionNode,
    path_key: secp256k1::PublicKey,
    hops: &[their_path::BlindedHop],
) -> Result<BlindedPath<'static>, ConversionError> {
    let introduction_node = match introduction_node {
        their_path::IntroductionNode::NodeId(id) => IntroductionNode::NodeId(Point::from(*id)),
        their_path::IntroductionNode::DirectedShortChannelId(direction, scid) => {
            let direction = match direction {
                their_path::Direction::NodeOne => Direction::NodeOne,
                their_path::Direction::NodeTwo => Direction::NodeTwo,
            };
            IntroductionNode::Channel { scid: ShortChannelId(*scid), direction }
        }
    };
    let hops = hops.iter().map(|hop| (hop.blinded_node_id, &hop.encrypted_payload[..]));
    Ok(BlindedPath::new(introduction_node, path_key, hops)?)
}

impl From<&PayInfo<'_>> for BlindedPayInfo {
    fn from(payinfo: &PayInfo<'_>) -> Self {
        Self {
            fee_base_msat: payinfo.fee_base_msat,
            fee_proportional_millionths: payinfo.fee_proportional_millionths,
            cltv_expiry_delta: payinfo.cltv_expiry_delta,
            htlc_minimum_msat: payinfo.htlc_minimum_msat,
            htlc_maximum_msat: payinfo.htlc_maximum_msat,
            features: (&payinfo.features).into(),
        }
    }
}

/// Fails for features above 65535.
impl TryFrom<&BlindedPayInfo> for PayInfo<'static> {
    type Error = ConversionError;

    fn try_from(payinfo: &BlindedPayInfo) -> Result<Self, ConversionError> {
        Ok(Self {
            fee_base_msat: payinfo.fee_base_msat,
            fee_proportional_millionths: payinfo.fee_proportional_millionths,
            cltv_expiry_delta: payinfo.cltv_expiry_delta,
            htlc_minimum_msat: payinfo.htlc_minimum_msat,
            htlc_maximum_msat: payinfo.htlc_maximum_msat,
            features: Features::try_from(&payinfo.features)?,
        })
    }
}

/// Conversions of features, which keep every bit, but not zero bytes in front (D9).
macro_rules! features {
    ($($theirs:ty)*) => {$(
        impl From<&Features<'_>> for $theirs {
            fn from(features: &Features<'_>) -> Self {
                Self::from_be_bytes(features.as_bytes().to_vec())
            }
        }

        /// Fails for features above 65535.
        impl TryFrom<&$theirs> for Features<'static> {
            type Error = ConversionError;

            fn try_from(features: &$theirs) -> Result<Self, ConversionError> {
                Ok(Features::new(set_bits(features.le_flags()))?)
            }
        }
    )*};
}

features!(OfferFeatures InvoiceRequestFeatures Bolt12InvoiceFeatures BlindedHopFeatures);

pub(super) fn set_bits(little_endian: &[u8]) -> impl Iterator<Item = Feature> + '_ {
    let bytes = little_endian.iter().zip((0u32..).step_by(8));
    bytes.flat_map(|(byte, first)| {
        (0u32..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| Feature(first.saturating_add(bit)))
    })
}
