//! `encrypted_data_tlv`: what a hop of a blinded path learns from the maker of the path.

use alloc::vec::Vec;
use core::fmt;

use secp256k1::PublicKey;

use super::NextHop;
use super::keys::DummyKey;
use crate::crypto::{Bytes32, open, seal};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{Bytes, Cursor, Features, Point, ShortChannelId, Value, exactly, fields, find, named};
use crate::tlv::{CustomField, TlvStream, Writer, bigsize};

fields! {
    DATA_FIELDS for HopData {
        1 PADDING "padding" "padding": Bytes<'_>;
        2 SHORT_CHANNEL_ID "short_channel_id" "channel to the next node": ShortChannelId;
        4 NEXT_NODE_ID "next_node_id" "next node": Point;
        6 PATH_ID "path_id" "path id": Bytes<'_>;
        8 NEXT_PATH_KEY_OVERRIDE "next_path_key_override" "next path key": Point;
        10 PAYMENT_RELAY "payment_relay" "fees of the hop": PaymentRelay =>
            /// What the hop's node charges and how long it delays a payment. Not used by onion messages.
            payment_relay;
        12 PAYMENT_CONSTRAINTS "payment_constraints" "limits of the hop": PaymentConstraints =>
            /// Which payments the hop's node may pass on. Not used by onion messages.
            payment_constraints;
        14 ALLOWED_FEATURES "allowed_features" "features of the path": Features<'_> =>
            /// Features that a payment over the path may use.
            allowed_features;
    }
}

impl Value<'_> for ShortChannelId {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        exactly(value).map(|bytes| Self(u64::from_be_bytes(bytes)))
    }
}

/// `payment_relay`: what a hop charges for a payment. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentRelay {
    /// By how many blocks the hop delays a payment.
    pub cltv_expiry_delta: u16,
    /// The fee per million, in parts of the amount.
    pub fee_proportional_millionths: u32,
    /// The fee for a payment, in millisatoshi.
    pub fee_base_msat: u32,
}

impl PaymentRelay {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(10);
        out.extend_from_slice(&self.cltv_expiry_delta.to_be_bytes());
        out.extend_from_slice(&self.fee_proportional_millionths.to_be_bytes());
        bigsize::write_truncated(&mut out, self.fee_base_msat.into());
        out
    }
}

impl Value<'_> for PaymentRelay {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        Ok(Self {
            cltv_expiry_delta: cursor.u16()?,
            fee_proportional_millionths: cursor.u32()?,
            fee_base_msat: Value::decode(value.get(cursor.offset()..).unwrap_or_default())?,
        })
    }
}

/// `payment_constraints`: which payments a hop may pass on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PaymentConstraints {
    /// The block height after which the path may not be used.
    pub max_cltv_expiry: u32,
    /// The least that may be sent, in millisatoshi.
    pub htlc_minimum_msat: u64,
}

impl PaymentConstraints {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(12);
        out.extend_from_slice(&self.max_cltv_expiry.to_be_bytes());
        bigsize::write_truncated(&mut out, self.htlc_minimum_msat);
        out
    }
}

impl Value<'_> for PaymentConstraints {
    fn decode(value: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(value);
        Ok(Self {
            max_cltv_expiry: cursor.u32()?,
            htlc_minimum_msat: Value::decode(value.get(cursor.offset()..).unwrap_or_default())?,
        })
    }
}

/// What a hop of a blinded path learns: the specification's `encrypted_data_tlv`, decrypted.
///
/// `Debug` leaves out the `path_id`, which is a secret.
#[derive(Clone)]
pub struct HopData {
    tlvs: TlvStream,
    next_node_id: Option<PublicKey>,
    next_path_key_override: Option<Point>,
}

impl HopData {
    /// Reads what was decrypted.
    ///
    /// # Errors
    ///
    /// TLV-1 to TLV-3, `UnknownEvenField` (PTH-4), and a known field that does not decode, such as a key that is
    /// not on the curve (TLV-7).
    pub fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        let tlvs = read_known(bytes, &[DATA_FIELDS], Rule::Pth4)?;
        // Whoever passes the message on needs the node's key, but the override only in the message.
        let next_node_id = point(&tlvs, Field::NEXT_NODE_ID, |bytes| Point::unchecked(bytes).public_key())?;
        let next_path_key_override = point(&tlvs, Field::NEXT_PATH_KEY_OVERRIDE, Point::try_from)?;
        Ok(Self { tlvs, next_node_id, next_path_key_override })
    }

    /// Decrypts and reads (PTH-4).
    pub(super) fn decrypt(encrypted: &[u8], rho: &Bytes32) -> Result<Self, Error> {
        let mut data = encrypted.to_vec();
        let len = open(rho, [0; 12], &[], &mut data).map(|text| text.len());
        data.truncate(len.ok_or(Error::new(ErrorKind::DoesNotDecrypt, Rule::Pth4))?);
        Self::read(data)
    }

    /// Where the message goes next; nothing for the last hop. A node id counts for more than a channel.
    pub fn next(&self) -> Option<NextHop> {
        let channel = || self.tlvs.value(Field::SHORT_CHANNEL_ID.number()).and_then(|scid| Value::decode(scid).ok());
        self.next_node_id.map(NextHop::NodeId).or_else(|| channel().map(NextHop::Channel))
    }

    /// `path_id` (TLV 6)
    ///
    /// By which the maker of the path knows it again (PTH-2). Anyone who compares it with something does so in constant
    /// time, or has it authenticate itself.
    pub fn path_id(&self) -> Option<&[u8]> {
        self.tlvs.value(Field::PATH_ID.number())
    }

    /// `next_path_key_override` (TLV 8)
    ///
    /// The path key that the next node gets, where somebody else's path begins there.
    pub fn next_path_key_override(&self) -> Option<Point> {
        self.next_path_key_override
    }

    /// Where a hop that is not the last sends an onion message on. Every such hop is checked here: one that arrived in
    /// an onion, and one of the sender's own at the start of somebody's path (MSG-5), so that nobody can tell from what
    /// becomes of a message whether it had to go on from here, or began here (EXC-21).
    ///
    /// # Errors
    ///
    /// What [`check_for_message`](Self::check_for_message) refuses, `Unexpected` for a `path_id` (PTH-2), which only a
    /// last hop has, and `OwnPath` (MSG-5) for a hop that leads nowhere.
    pub(super) fn forward_to(&self) -> Result<NextHop, Error> {
        self.check_for_message()?;
        if self.path_id().is_some() {
            return Err(Error::of(Field::PATH_ID, ErrorKind::Unexpected, Rule::Pth2));
        }
        self.next().ok_or(Error::new(ErrorKind::OwnPath, Rule::Msg5))
    }

    /// Whether this is a dummy hop that was made with this key: it leads to the same node again (PTH-1).
    pub(super) fn is_dummy(&self, key: &DummyKey, rho: &Bytes32) -> bool {
        self.next().is_none() && self.path_id().is_some_and(|id| key.verifies(rho, id))
    }

    /// Refuses what an onion message's hop is not told: what is for payments (PTH-4), and so a path made for them,
    /// and features of messages, none of which is known.
    pub(super) fn check_for_message(&self) -> Result<(), Error> {
        let refused = |field, kind| Err(Error::of(field, kind, Rule::Pth4));
        for field in [Field::PAYMENT_RELAY, Field::PAYMENT_CONSTRAINTS] {
            if self.tlvs.contains(field.number()) {
                return refused(field, ErrorKind::Unexpected);
            }
        }
        match self.allowed_features().and_then(|features| features.iter().next()) {
            Some(feature) => refused(Field::ALLOWED_FEATURES, ErrorKind::UnknownFeature(feature.0)),
            None => Ok(()),
        }
    }

    /// All fields, the padding and those without a name too.
    pub fn tlvs(&self) -> &TlvStream {
        &self.tlvs
    }
}

impl fmt::Debug for HopData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopData")
            .field("next", &self.next())
            .field("next_path_key_override", &self.next_path_key_override)
            .field("payment_relay", &self.payment_relay())
            .field("payment_constraints", &self.payment_constraints())
            .finish_non_exhaustive()
    }
}

/// The point in a field, if it is there (TLV-7).
fn point<T>(
    tlvs: &TlvStream,
    field: Field,
    read: impl FnOnce([u8; 33]) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let point = tlvs.get(field.number()).map(|record| {
        let point = exactly(record.value()).and_then(read);
        point.map_err(|error| error.in_field(field).within(record.value_offset()))
    });
    point.transpose()
}

/// Reads a stream of fields that are in one of the tables, or odd.
pub(super) fn read_known(
    bytes: Vec<u8>,
    tables: &[&'static [crate::field::Spec]],
    unknown: Rule,
) -> Result<TlvStream, Error> {
    let tlvs = TlvStream::read(bytes).map_err(|error| match error.field() {
        Some(field) => error.in_field(named(tables, field.number())),
        None => error,
    })?;
    for record in tlvs.records() {
        match find(tables, record.number()) {
            Some(spec) => (spec.check)(record.value())
                .map_err(|error| error.in_field(spec.field).within(record.value_offset()))?,
            None if record.number() % 2 == 0 => {
                let field = Field::numbered(record.number());
                return Err(Error::of(field, ErrorKind::UnknownEvenField, unknown).at(record.offset()));
            }
            None => {}
        }
    }
    Ok(tlvs)
}

/// The fields of one hop before they are encrypted, in ascending order.
pub(super) struct Plain {
    fields: Vec<CustomField>,
    /// Without padding.
    len: usize,
    /// With which a dummy hop shows its maker that it is one.
    dummy: Option<DummyKey>,
}

impl Plain {
    /// Refuses a field that is there twice.
    pub(super) fn new(mut fields: Vec<CustomField>) -> Result<Self, Error> {
        fields.sort_by_key(|(number, _)| *number);
        let mut len = 0usize;
        let mut last = None;
        for (number, value) in &fields {
            if last == Some(*number) {
                let field = named(&[DATA_FIELDS], *number);
                return Err(Error::of(field, ErrorKind::NotAscending, Rule::Tlv1));
            }
            last = Some(*number);
            len = len.saturating_add(record_len(*number, value.len()));
        }
        Ok(Self { fields, len, dummy: None })
    }

    /// A dummy hop, which is told nothing but that (PTH-1).
    pub(super) fn dummy(key: DummyKey) -> Self {
        let len = record_len(Field::PATH_ID.number(), DummyKey::TAG_LEN);
        Self { fields: Vec::new(), len, dummy: Some(key) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether padding can bring it to that length (PTH-1): there is none of one byte, for example.
    pub(super) fn fits(&self, len: usize) -> bool {
        len == self.len || self.padding(len).is_some()
    }

    /// The length of the padding's value that makes it so long.
    fn padding(&self, len: usize) -> Option<usize> {
        let short = len.checked_sub(self.len)?;
        [2, 4, 6].into_iter().find_map(|overhead| {
            let value = short.checked_sub(overhead)?;
            (record_len(Field::PADDING.number(), value) == short).then_some(value)
        })
    }

    /// Pads to that length if it can be, and encrypts.
    pub(super) fn encrypt(mut self, len: usize, rho: &Bytes32) -> Vec<u8> {
        self.fields.extend(self.dummy.iter().map(|key| (Field::PATH_ID.number(), key.tag(rho).to_vec())));
        let padding = self.padding(len).map(|padding| alloc::vec![0; padding]);
        let mut writer = Writer::new(&self.fields, len);
        if let Some(padding) = &padding {
            writer.bytes(Field::PADDING.number(), padding);
        }
        // Has room for the tag too.
        let mut data = writer.finish();
        let tag = seal(rho, [0; 12], &[], &mut data);
        data.extend_from_slice(&tag);
        data
    }
}

/// The length of a whole record.
fn record_len(number: u64, value: usize) -> usize {
    [bigsize::BigSize::new(number), bigsize::BigSize::new(value as u64)]
        .iter()
        .fold(value, |len, size| len.saturating_add(size.as_ref().len()))
}
