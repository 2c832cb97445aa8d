//! serde: a message is its text where people read it, and its bytes elsewhere; what has no text is hexadecimal there.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use bitcoin::hex::{DisplayHex, FromHex};
use serde::Serializer;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::error::{Error, ErrorKind, Rule};
use crate::tlv::{MAX_LEN, check_len};

/// Reads a message from text or bytes, whichever the format holds.
pub(crate) fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = Error> + TryFrom<Vec<u8>, Error = Error>,
{
    let visitor = Message(PhantomData);
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(visitor)
    } else {
        deserializer.deserialize_bytes(visitor)
    }
}

struct Message<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for Message<T>
where
    T: FromStr<Err = Error> + TryFrom<Vec<u8>, Error = Error>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a BOLT 12 message, as text or bytes")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        check_len(bytes).map_err(E::custom)?;
        T::try_from(bytes.to_vec()).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
            if bytes.len() > MAX_LEN {
                break;
            }
        }
        T::try_from(bytes).map_err(A::Error::custom)
    }
}

/// Writes bytes: in hexadecimal where people read them.
pub(crate) fn serialize_hex<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        serializer.collect_str(&bytes.as_hex())
    } else {
        serializer.serialize_bytes(bytes)
    }
}

/// Reads what [`serialize_hex`] wrote.
pub(crate) fn deserialize_hex<'de, D, T, E>(
    deserializer: D,
    what: &'static str,
    read: fn(&[u8]) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: fmt::Display,
{
    let visitor = Hex { what, read };
    if deserializer.is_human_readable() {
        deserializer.deserialize_str(visitor)
    } else {
        deserializer.deserialize_bytes(visitor)
    }
}

/// The most bytes of a value that is written in hexadecimal: a message to send, with the path it goes over, is the
/// longest.
const MAX_VALUE: usize = 2 * MAX_LEN + 64;

/// What is too long is not even copied.
fn check_value(len: usize) -> Result<(), Error> {
    match len {
        0..=MAX_VALUE => Ok(()),
        _ => Err(Error::new(ErrorKind::TooLong { len, max: MAX_VALUE }, Rule::D7)),
    }
}

struct Hex<T, E> {
    what: &'static str,
    read: fn(&[u8]) -> Result<T, E>,
}

impl<'de, T, E: fmt::Display> Visitor<'de> for Hex<T, E> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, in hexadecimal or as bytes", self.what)
    }

    fn visit_str<F: serde::de::Error>(self, text: &str) -> Result<T, F> {
        check_value(text.len() / 2).map_err(F::custom)?;
        self.visit_bytes(&Vec::from_hex(text).map_err(F::custom)?)
    }

    fn visit_bytes<F: serde::de::Error>(self, bytes: &[u8]) -> Result<T, F> {
        (self.read)(bytes).map_err(F::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
            check_value(bytes.len()).map_err(A::Error::custom)?;
        }
        self.visit_bytes(&bytes)
    }
}

/// `Serialize` and `Deserialize` in hexadecimal or as bytes, by a function to bytes and one from them.
macro_rules! as_hex {
    ($type:ty, $what:literal, $to:expr, $from:expr) => {
        /// Hexadecimal if the format is human-readable, otherwise the bytes.
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::serde::serialize_hex(AsRef::<[u8]>::as_ref(&$to(self)), serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::serde::deserialize_hex(deserializer, $what, $from)
            }
        }
    };
}
pub(crate) use as_hex;
