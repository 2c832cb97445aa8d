//! serde: a message is its text where people read it, and its bytes elsewhere.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::error::Error;

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
        T::try_from(bytes.to_vec()).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<T, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = sequence.next_element()? {
            bytes.push(byte);
            if bytes.len() > crate::tlv::MAX_LEN {
                break;
            }
        }
        T::try_from(bytes).map_err(A::Error::custom)
    }
}
