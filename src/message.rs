//! What all messages share: the one door through which bytes become a message.
//!
//! Reading has two halves. [`Structure`] is everything that costs no curve operation: the text, the stream, every
//! field's form, and every rule about fields alone. [`Structure::check_points`] then looks at the points, and
//! decompresses those that are computed with at once. Builders come in through the same first half; they hold keys that
//! are on the curve already, and skip the second.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::ops::RangeInclusive;

use secp256k1::{PublicKey, schnorr};

use crate::contacts;
use crate::error::{Error, ErrorKind, Field, MessageKind, Rule};
use crate::field::{KnownFeatures, Point, Points, Spec, Value, find, named, path};
use crate::recurrence;
use crate::signature::Start;
use crate::text;
use crate::tlv::{TlvRecord, TlvStream};

/// What a kind of message consists of.
pub struct Schema {
    pub(crate) kind: MessageKind,
    /// The types that may occur (TLV-5).
    pub(crate) ranges: &'static [RangeInclusive<u64>],
    /// The rule to name for a type outside the ranges.
    pub(crate) range_rule: Rule,
    /// The known fields.
    pub(crate) fields: &'static [&'static [Spec]],
    /// The rules about several fields.
    pub(crate) rules: fn(&TlvStream, &KnownFeatures) -> Result<(), Error>,
}

/// The one field of signed messages that no part of them shares.
pub(crate) static SIGNATURE_FIELDS: &[Spec] = &[Spec {
    field: Field::SIGNATURE,
    check: |value| schnorr::Signature::decode(value).map(drop),
    show: |value, f| fmt::Debug::fmt(&crate::field::Bytes(value), f),
}];

/// The fields that hold blinded paths.
const PATHS: &[Field] = &[
    Field::OFFER_PATHS,
    Field::INVREQ_PATHS,
    Field::INVOICE_PATHS,
    #[cfg(feature = "async_payments")]
    Field::STATIC_INVOICE_MESSAGE_PATHS,
    #[cfg(feature = "async_payments")]
    Field::DRAFT_MESSAGE_PATHS,
];

/// The keys of a message, decompressed once, and what else was computed of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keys {
    pub(crate) payer_id: Option<PublicKey>,
    /// The key that signs the invoice. In a request it is known only if [`Structure::check_points_with`] was told.
    pub(crate) invoice_signer: Option<PublicKey>,
    /// Hashes of a request that was verified: its invoice begins with the same records.
    pub(crate) start: Option<Start>,
}

/// A message whose fields are well formed and obey all rules, but whose points have not been looked
/// at.
#[derive(Clone)]
pub(crate) struct Structure {
    pub(crate) tlvs: TlvStream,
    pub(crate) known: &'static KnownFeatures,
}

impl Structure {
    /// Reads bytes (TLV-1 to TLV-7, and the rules of the kind of message).
    pub(crate) fn read(schema: &Schema, bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        let tlvs = TlvStream::read(bytes).map_err(|error| schema.named(error))?;
        Self::of(schema, tlvs, known)
    }

    /// The same for a message that lacks only its signature, for which room is left.
    pub(crate) fn to_sign(schema: &Schema, bytes: Vec<u8>, known: &'static KnownFeatures) -> Result<Self, Error> {
        let tlvs = TlvStream::read_with_room(bytes, 1).map_err(|error| schema.named(error))?;
        Self::of(schema, tlvs, known)
    }

    /// The same for a stream that was read already.
    pub(crate) fn of(schema: &Schema, tlvs: TlvStream, known: &'static KnownFeatures) -> Result<Self, Error> {
        match schema.check(&tlvs, known) {
            Ok(()) => Ok(Self { tlvs, known }),
            // Whatever else is wrong follows from that.
            Err(error) => Err(outdated(schema.kind, &tlvs).unwrap_or(error)),
        }
    }

    /// Checks every point (TLV-7), and decompresses those that sign: the costly half of reading.
    pub(crate) fn check_points(self) -> Result<Message, Error> {
        self.check_points_with(None)
    }

    /// The same, and keeps the key of a point in one of the paths, which is going to sign the invoice.
    pub(crate) fn check_points_with(self, signer: Option<Point>) -> Result<Message, Error> {
        let signer = signer.map(Point::to_bytes);
        let mut points = Points::default();
        let mut key = |field: Field| {
            let key = self.tlvs.get(field.number()).map(|record| {
                points.key(record.value()).map_err(|error| error.in_field(field).at(record.value_offset()))
            });
            key.transpose()
        };
        let payer_id = key(Field::INVREQ_PAYER_ID)?;
        let node_id = key(Field::INVOICE_NODE_ID)?;
        // Most messages that repeat an offer do not need its key.
        if let Some(record) = self.tlvs.get(Field::OFFER_ISSUER_ID.number()) {
            points
                .check(record.value())
                .map_err(|error| error.in_field(Field::OFFER_ISSUER_ID).at(record.value_offset()))?;
        }
        // If it is not a point, the error has to name its place in the path.
        let invoice_signer = node_id.or_else(|| signer.as_ref().and_then(|signer| points.key(signer).ok()));
        for field in PATHS {
            if let Some(record) = self.tlvs.get(field.number()) {
                path::check_points(record.value(), &mut points)
                    .map_err(|error| error.in_field(*field).within(record.value_offset()))?;
            }
        }
        contacts::check_points(&self.tlvs, &mut points)?;
        Ok(self.with_keys(Keys { payer_id, invoice_signer, start: None }))
    }

    /// A message whose points are known to be on the curve, because they came as keys or from a
    /// message that was read.
    pub(crate) fn with_keys(self, keys: Keys) -> Message {
        let is_any = keys.payer_id.or(keys.invoice_signer).is_some();
        Message { tlvs: self.tlvs, keys: is_any.then(|| Box::new(keys)), known: self.known }
    }
}

/// A message that obeys every rule that can be checked without a context and a signature.
#[derive(Clone)]
pub struct Message {
    pub(crate) tlvs: TlvStream,
    /// Room for two, and only if there is one: offers have none, and offers are what is kept.
    keys: Option<Box<Keys>>,
    pub(crate) known: &'static KnownFeatures,
}

impl Schema {
    /// Checks every field alone, then several together.
    fn check(&self, tlvs: &TlvStream, known: &KnownFeatures) -> Result<(), Error> {
        for record in tlvs.records() {
            let number = record.number();
            if !self.ranges.iter().any(|range| range.contains(&number)) {
                let field = self.field(number);
                return Err(Error::of(field, ErrorKind::OutOfRange, self.range_rule).at(record.offset()));
            }
            match find(self.fields, number) {
                Some(spec) => (spec.check)(record.value())
                    .map_err(|error| own_rule(error, spec.field).in_field(spec.field).within(record.value_offset()))?,
                None if number % 2 == 0 => {
                    let error = Error::of(Field::numbered(number), ErrorKind::UnknownEvenField, Rule::Tlv4);
                    return Err(error.at(record.offset()));
                }
                None => {}
            }
        }
        (self.rules)(tlvs, known).map_err(|error| {
            match error.field().and_then(|field| tlvs.get(field.number())) {
                // The first of all fields that are missing is not worth a name.
                _ if tlvs.is_empty() => Error::new(ErrorKind::Empty, error.rule()),
                Some(record) => error.at(record.offset()),
                None => error,
            }
        })
    }

    /// The name of a field of this kind of message.
    pub(crate) fn field(&self, number: u64) -> Field {
        named(self.fields, number)
    }

    /// Gives an error's field its name, which the stream does not know.
    pub(crate) fn named(&self, error: Error) -> Error {
        match error.field() {
            Some(field) => error.in_field(self.field(field.number())),
            None => error,
        }
    }

    /// Reads text; errors in the bytes get the column of the text that they come from.
    pub(crate) fn read_text<T>(&self, text: &str, read: impl FnOnce(Vec<u8>) -> Result<T, Error>) -> Result<T, Error> {
        let bytes = text::decode_as(self.kind, text)?;
        read(bytes).map_err(|error| in_text(error, text))
    }

    /// Shows a message's fields by name.
    pub(crate) fn debug(&self, name: &str, tlvs: &TlvStream, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(name, self.fields, tlvs.records(), f)
    }
}

/// Shows records by the names that tables have for them.
pub(crate) fn show<'a>(
    name: &str,
    tables: &[&'static [Spec]],
    records: impl Iterator<Item = TlvRecord<'a>>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    struct Show<'a>(Option<&'static Spec>, &'a [u8]);
    impl fmt::Debug for Show<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                Some(spec) => (spec.show)(self.1, f),
                None => crate::field::Bytes(self.1).fmt(f),
            }
        }
    }
    f.write_str(name)?;
    f.write_str(" ")?;
    let shown = records.map(|record| {
        let spec = find(tables, record.number());
        (named(tables, record.number()), Show(spec, record.value()))
    });
    f.debug_map().entries(shown).finish()
}

/// The records within `ranges` that `table` has no name for.
pub(crate) fn unknown<'a>(
    table: &'static [Spec],
    tlvs: &'a TlvStream,
    ranges: &'static [RangeInclusive<u64>],
) -> impl Iterator<Item = TlvRecord<'a>> + 'a {
    tlvs.records().filter(move |record| {
        ranges.iter().any(|range| range.contains(&record.number()))
            && find(&[table, recurrence::FIELDS, contacts::FIELDS], record.number()).is_none()
    })
}

impl Message {
    pub(crate) fn keys(&self) -> &Keys {
        static NONE: Keys = Keys { payer_id: None, invoice_signer: None, start: None };
        self.keys.as_deref().unwrap_or(&NONE)
    }

    /// Keeps what was hashed, for the message that answers this one.
    pub(crate) fn keep(&mut self, start: Option<Start>) {
        if let Some(keys) = &mut self.keys {
            keys.start = start;
        }
    }

    /// Says where the value stands that a verification failed with.
    pub(crate) fn located(&self, error: Error) -> Error {
        match error.field().and_then(|field| self.tlvs.get(field.number())) {
            Some(record) => error.at(record.value_offset()),
            None => error,
        }
    }
}

/// A message by software that followed an early draft: no newer software will understand it (TLV-4).
///
/// Offers of 2021 and 2022 have their key, of 32 bytes, in TLV 30, and many a signature. Payer proofs of a draft have
/// the fields that are now 1001 to 1004 in 242 to 250.
fn outdated(kind: MessageKind, tlvs: &TlvStream) -> Option<Error> {
    let of_len = |number, len| tlvs.get(number).filter(|record| record.value().len() == len);
    let record = match kind {
        MessageKind::Offer => of_len(30, 32).or_else(|| of_len(Field::SIGNATURE.number(), 64))?,
        MessageKind::PayerProof => [242, 244, 246, 248, 250].into_iter().find_map(|number| tlvs.get(number))?,
        _ => return None,
    };
    Some(Error::of(Field::numbered(record.number()), ErrorKind::Outdated(kind), Rule::Tlv4).at(record.offset()))
}

/// The same fault in a value breaks another rule where another message's field holds it.
pub(crate) fn own_rule(error: Error, field: Field) -> Error {
    match error.kind() {
        ErrorKind::NoHops if field == Field::INVREQ_PATHS => error.against(Rule::Rqr4),
        ErrorKind::NoHops if field == Field::INVOICE_PATHS => error.against(Rule::Ivr5),
        #[cfg(feature = "async_payments")]
        ErrorKind::NoHops if crate::async_payments::MESSAGE_PATHS.contains(&field) => error.against(Rule::Sta1),
        _ => error,
    }
}

/// Adds the column of the text to an error in the bytes it stands for.
pub(crate) fn in_text(error: Error, text: &str) -> Error {
    match error.offset() {
        Some(offset) => error.in_column(text::column_of(text, offset)),
        None => error,
    }
}

/// Refuses an unknown compulsory feature in a field.
pub(crate) fn check_features(
    tlvs: &TlvStream,
    field: Field,
    known: crate::field::FeatureBits,
    rule: Rule,
) -> Result<(), Error> {
    let features = tlvs.value(field.number()).and_then(|value| crate::field::Features::decode(value).ok());
    match features.and_then(|features| features.first_unknown(known)) {
        Some(feature) => Err(Error::of(field, ErrorKind::UnknownFeature(feature.bit()), rule)),
        None => Ok(()),
    }
}

/// What shows the fields of a message, and holds it.
#[allow(unreachable_pub, reason = "Rust 1.85 does not see that `Sealed` names it")]
pub trait View: Sized {
    fn of(message: Message) -> Self;
    fn message(&self) -> &Message;
    fn into_message(self) -> Message;
}

/// Fields, text, bytes, comparison, `Debug` and serde for a message type, whose `fields` are this view.
macro_rules! message_traits {
    ($type:ident, $view:ident, $schema:expr) => {
        crate::message::view_traits!($type, $view, $schema);

        impl $type {
            /// How many letters the text has, and so how large its QR code is: those of `Display`.
            pub fn text_len(&self) -> usize {
                crate::text::Encoded { kind: $schema.kind, bytes: self.as_bytes() }.len()
            }

            /// The text, split into lines of at most `width` characters with `+` (TXT-7).
            ///
            /// # Errors
            ///
            /// `TooNarrow` if `width` is less than 3.
            pub fn wrapped(&self, width: usize) -> Result<crate::text::Wrapped<'_>, crate::error::Error> {
                crate::text::Wrapped::new($schema.kind, self.as_bytes(), width)
            }
        }

        impl core::str::FromStr for $type {
            type Err = crate::error::Error;

            /// Reads the text form: either case, with or without `+` continuations.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $schema.read_text(text, Self::try_from)
            }
        }

        /// The text: lower case, or with `{:#}` upper case, which makes smaller QR codes.
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                crate::text::Encoded { kind: $schema.kind, bytes: self.as_bytes() }.fmt(f)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            /// The text if the format is human-readable, otherwise the bytes.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(self.as_bytes())
                }
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::serde::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use message_traits;

/// Fields, bytes, comparison and `Debug` for a message type, whose `fields` are this view.
macro_rules! view_traits {
    ($type:ident, $view:ident, $schema:expr) => {
        impl $type {
            /// The exact bytes.
            pub fn as_bytes(&self) -> &[u8] {
                self.tlvs().as_bytes()
            }

            /// The records, whatever they mean.
            pub fn tlvs(&self) -> &crate::tlv::TlvStream {
                &crate::message::View::message(&self.fields).tlvs
            }

            /// The exact bytes, without a copy.
            pub fn into_bytes(self) -> alloc::vec::Vec<u8> {
                crate::message::View::into_message(self.fields).tlvs.into_bytes()
            }
        }

        impl core::ops::Deref for $type {
            type Target = $view;

            fn deref(&self) -> &$view {
                &self.fields
            }
        }

        crate::message::byte_traits!($type, $schema);
    };
}
pub(crate) use view_traits;

/// Bytes, comparison and `Debug` for a message type.
macro_rules! byte_traits {
    ($type:ident, $schema:expr) => {
        impl TryFrom<&[u8]> for $type {
            type Error = crate::error::Error;

            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                crate::tlv::check_len(bytes)?;
                Self::try_from(bytes.to_vec())
            }
        }

        impl AsRef<[u8]> for $type {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        /// Messages are equal if their bytes are.
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl Eq for $type {}

        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type {
            fn cmp(&self, other: &Self) -> core::cmp::Ordering {
                self.as_bytes().cmp(other.as_bytes())
            }
        }

        impl core::hash::Hash for $type {
            fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        /// The fields by name.
        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                $schema.debug(stringify!($type), self.tlvs(), f)
            }
        }
    };
}
pub(crate) use byte_traits;
