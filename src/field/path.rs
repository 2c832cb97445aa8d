//! Blinded paths.

use alloc::borrow::Cow;
#[cfg(feature = "onion")]
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::str::FromStr;

use bitcoin::hex::DisplayHex;
use secp256k1::PublicKey;

use super::point::{self, Points};
use super::{Cursor, Entries, Point, Value, into_entries};
use crate::error::{Error, ErrorKind, Rule};

/// A channel by the place of its funding transaction: block, index in the block, output.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortChannelId(pub u64);

/// For example `539268x845x1`.
impl fmt::Display for ShortChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.0 >> 40, self.0 >> 16 & 0xff_ffff, self.0 & 0xffff)
    }
}

/// Block, transaction and output, such as `539268x845x1`.
impl FromStr for ShortChannelId {
    type Err = Error;

    /// # Errors
    ///
    /// `InvalidShortChannelId` for anything but three decimal numbers that fit, with an `x` between them (TLV-7).
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('x');
        // A number as it is written: no sign, no white space.
        let mut part = |bits: u32| {
            let digits = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse::<u64>().ok().filter(|number| number >> bits == 0)
        };
        match (part(24), part(24), part(16), parts.next()) {
            (Some(block), Some(transaction), Some(output), None) => Ok(Self(block << 40 | transaction << 16 | output)),
            _ => Err(Error::new(ErrorKind::InvalidShortChannelId, Rule::Tlv7)),
        }
    }
}

impl fmt::Debug for ShortChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Which end of a channel is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// 0: the node with the lesser key.
    NodeOne,
    /// 1: the node with the greater key.
    NodeTwo,
}

/// The node at which a blinded path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntroductionNode {
    /// Named by its key.
    NodeId(Point),
    /// Named as one end of a channel, which takes less room.
    Channel {
        /// The channel.
        scid: ShortChannelId,
        /// The end of it.
        direction: Direction,
    },
}

impl IntroductionNode {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Error> {
        let at = cursor.offset();
        match cursor.peek() {
            Some(direction @ (0 | 1)) => {
                cursor.u8()?;
                let scid = ShortChannelId(cursor.u64()?);
                let direction = if direction == 0 { Direction::NodeOne } else { Direction::NodeTwo };
                Ok(Self::Channel { scid, direction })
            }
            Some(2 | 3) => Ok(Self::NodeId(Point::unchecked(*cursor.array()?))),
            Some(_) => Err(Error::new(ErrorKind::InvalidDirection, Rule::Tlv7).at(at)),
            None => Err(Error::new(ErrorKind::Truncated, Rule::Tlv3).at(at)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::NodeId(point) => out.extend_from_slice(&point.to_bytes()),
            Self::Channel { scid, direction } => {
                out.push(match direction {
                    Direction::NodeOne => 0,
                    Direction::NodeTwo => 1,
                });
                out.extend_from_slice(&scid.0.to_be_bytes());
            }
        }
    }
}

/// For a person, for example "the node with the lesser key in channel 539268x845x1".
impl fmt::Display for IntroductionNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeId(key) => write!(f, "node {key}"),
            Self::Channel { scid, direction: Direction::NodeOne } => {
                write!(f, "the node with the lesser key in channel {scid}")
            }
            Self::Channel { scid, direction: Direction::NodeTwo } => {
                write!(f, "the node with the greater key in channel {scid}")
            }
        }
    }
}

impl From<PublicKey> for IntroductionNode {
    fn from(key: PublicKey) -> Self {
        Self::NodeId(key.into())
    }
}

/// One hop of a blinded path.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlindedHop<'a> {
    /// The key that stands for the hop's node.
    pub blinded_node_id: Point,
    /// What the hop's node can read, and nobody else.
    pub encrypted_recipient_data: &'a [u8],
}

impl<'a> BlindedHop<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let blinded_node_id = Point::unchecked(*cursor.array()?);
        let len = cursor.u16()?;
        Ok(Self { blinded_node_id, encrypted_recipient_data: cursor.take(len.into())? })
    }
}

impl fmt::Debug for BlindedHop<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindedHop")
            .field("blinded_node_id", &self.blinded_node_id)
            .field("encrypted_recipient_data", &format_args!("{}", self.encrypted_recipient_data.as_hex()))
            .finish()
    }
}

/// A blinded path: the bytes as they are in a message, either there or on their own.
///
/// It has at least one hop and all its keys are points on the curve.
#[derive(Clone)]
pub struct BlindedPath<'a> {
    bytes: Cow<'a, [u8]>,
    introduction_node: IntroductionNode,
    first_path_key: Point,
    /// Where the hops start, behind their number.
    hops_at: usize,
    last: Point,
    #[cfg(feature = "onion")]
    brought: Option<Box<Brought>>,
}

/// What is known of a reply path besides its bytes: how the message came that it belongs to. It stays with the path in
/// memory, until the answer is sent, but is never written, so that what is read back has none (EXC-19).
#[cfg(feature = "onion")]
#[derive(Clone, Copy)]
pub(crate) struct Brought {
    /// The peer that brought the message.
    pub(crate) by: PublicKey,
    /// The path id over which it came, if it was an invoice.
    pub(crate) invoice_over: Option<[u8; 32]>,
}

/// The bytes say all about a path; who brought it is no part of it.
impl PartialEq for BlindedPath<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for BlindedPath<'_> {}

impl Hash for BlindedPath<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<'a> BlindedPath<'a> {
    /// Builds a path from its parts.
    ///
    /// # Errors
    ///
    /// `NoHops` (OFR-8), `TooManyEntries` above 255 hops or 65535 bytes for one hop (TLV-6), and
    /// `InvalidPoint` for an introduction node whose key is not on the curve (TLV-7).
    pub fn new<'h>(
        introduction_node: IntroductionNode,
        first_path_key: PublicKey,
        hops: impl IntoIterator<Item = (PublicKey, &'h [u8])>,
    ) -> Result<BlindedPath<'static>, Error> {
        // That of an onion message's path key was not checked.
        if let IntroductionNode::NodeId(point) = introduction_node {
            point::check(&point.to_bytes())?;
        }
        let mut bytes = Vec::new();
        introduction_node.write(&mut bytes);
        bytes.extend_from_slice(&first_path_key.serialize());
        let count_at = bytes.len();
        bytes.push(0);
        let hops_at = bytes.len();
        let mut count = 0u8;
        let mut last = None;
        for (id, data) in hops {
            let len = u16::try_from(data.len()).map_err(|_| Error::new(ErrorKind::TooManyEntries, Rule::Tlv6))?;
            count = count.checked_add(1).ok_or(Error::new(ErrorKind::TooManyEntries, Rule::Tlv6))?;
            let id = Point::from(id);
            bytes.extend_from_slice(&id.to_bytes());
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(data);
            last = Some(id);
        }
        let last = last.ok_or(Error::new(ErrorKind::NoHops, Rule::Ofr8))?;
        if let Some(slot) = bytes.get_mut(count_at) {
            *slot = count;
        }
        Ok(BlindedPath {
            bytes: Cow::Owned(bytes),
            introduction_node,
            first_path_key: first_path_key.into(),
            hops_at,
            last,
            #[cfg(feature = "onion")]
            brought: None,
        })
    }

    /// Reads a single path.
    ///
    /// # Errors
    ///
    /// `Truncated`, and `InvalidLength` for bytes after the end (TLV-3); `InvalidDirection` and `InvalidPoint` (TLV-7);
    /// `NoHops` (OFR-8).
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes);
        let path = Self::read(bytes, &mut cursor)?;
        if !cursor.is_at_end() {
            return Err(Error::new(ErrorKind::InvalidLength, Rule::Tlv3).at(cursor.offset()));
        }
        check_points(bytes, &mut Points::default())?;
        Ok(path)
    }

    /// Reads one path of a list. The points are not looked at.
    fn read(value: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Self, Error> {
        let start = cursor.offset();
        let introduction_node = IntroductionNode::read(cursor)?;
        let first_path_key = Point::unchecked(*cursor.array()?);
        let count_at = cursor.offset();
        let count = cursor.u8()?;
        let hops_at = cursor.offset().saturating_sub(start);
        if count == 0 {
            return Err(Error::new(ErrorKind::NoHops, Rule::Ofr8).at(count_at));
        }
        let mut last = BlindedHop::read(cursor)?;
        for _ in 1..count {
            last = BlindedHop::read(cursor)?;
        }
        Ok(Self {
            bytes: Cow::Borrowed(value.get(start..cursor.offset()).unwrap_or_default()),
            introduction_node,
            first_path_key,
            hops_at,
            last: last.blinded_node_id,
            #[cfg(feature = "onion")]
            brought: None,
        })
    }

    /// The bytes, as they are in a message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path on its own, independent of the message it came from.
    pub fn into_owned(self) -> BlindedPath<'static> {
        BlindedPath { bytes: Cow::Owned(self.bytes.into_owned()), ..self }
    }

    /// Remembers how the message came that this reply path belongs to.
    #[cfg(feature = "onion")]
    pub(crate) fn set_brought(&mut self, brought: Brought) {
        self.brought = Some(Box::new(brought));
    }

    /// How the message came that this reply path belongs to.
    #[cfg(feature = "onion")]
    pub(crate) fn brought(&self) -> Option<Brought> {
        self.brought.as_deref().copied()
    }

    /// The node at which the path starts: the specification's `first_node_id`.
    pub fn introduction_node(&self) -> IntroductionNode {
        self.introduction_node
    }

    /// The specification's `first_path_key`.
    pub fn first_path_key(&self) -> Point {
        self.first_path_key
    }

    /// The hops, the introduction node's first.
    pub fn hops(&self) -> impl Iterator<Item = BlindedHop<'_>> + '_ {
        let mut cursor = Cursor::new(self.bytes.get(self.hops_at..).unwrap_or_default());
        core::iter::from_fn(move || if cursor.is_at_end() { None } else { BlindedHop::read(&mut cursor).ok() })
    }

    /// The key of the last hop: the recipient. A request over this path is answered by it (OFR-11),
    /// and signed by it if the offer has no issuer id (IVW-3).
    pub fn last_blinded_node_id(&self) -> Point {
        self.last
    }
}

#[cfg(feature = "serde")]
crate::serde::as_hex!(BlindedPath<'static>, "a blinded path", BlindedPath::as_bytes, |bytes| {
    BlindedPath::from_bytes(bytes).map(BlindedPath::into_owned)
});

impl fmt::Debug for BlindedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Hops<'a, 'b>(&'a BlindedPath<'b>);
        impl fmt::Debug for Hops<'_, '_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_list().entries(self.0.hops()).finish()
            }
        }
        f.debug_struct("BlindedPath")
            .field("introduction_node", &self.introduction_node())
            .field("first_path_key", &self.first_path_key())
            .field("hops", &Hops(self))
            .finish()
    }
}

/// The blinded paths of one field, preferred ones first.
///
/// ```
/// # let offer: bolt12::Offer = "lno1zcss9mk8y3wkklfvevcrszlmu23kfrxh49px20665dqwmn4p72pksese".parse()?;
/// for path in offer.paths().into_iter().flatten() {
///     println!("{} hops, from {:?}", path.hops().count(), path.introduction_node());
/// }
/// # Ok::<(), bolt12::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlindedPaths<'a>(&'a [u8]);

impl<'a> BlindedPaths<'a> {
    /// The paths in a value that was checked before.
    pub(crate) const fn checked(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The paths. Each step walks over one path.
    pub fn iter(&self) -> Entries<'a, BlindedPath<'a>> {
        Entries::new(self.0, |cursor| BlindedPath::read(cursor.value, cursor))
    }

    /// The number of paths.
    pub fn count(&self) -> usize {
        self.iter().count()
    }
}

into_entries!(BlindedPaths, BlindedPath<'a>);

/// D8: a list holds at least one path.
impl<'a> Value<'a> for BlindedPaths<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, Error> {
        if value.is_empty() {
            return Err(Error::new(ErrorKind::NoEntries, Rule::D8).at(0));
        }
        let mut cursor = Cursor::new(value);
        while !cursor.is_at_end() {
            BlindedPath::read(value, &mut cursor)?;
        }
        Ok(Self(value))
    }
}

impl fmt::Debug for BlindedPaths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Checks that every key in a list of paths is on the curve (TLV-7).
///
/// A paths field that is well formed otherwise; the costly part of reading it.
pub(crate) fn check_points<'a>(value: &'a [u8], points: &mut Points<'a>) -> Result<(), Error> {
    let mut cursor = Cursor::new(value);
    while !cursor.is_at_end() {
        if let Some(2 | 3) = cursor.peek() {
            check_point(&mut cursor, |point| points.check(point))?;
        } else {
            IntroductionNode::read(&mut cursor)?;
        }
        // Blinded keys are random, and not worth remembering.
        check_point(&mut cursor, |point| points.check_once(point))?;
        for _ in 0..cursor.u8()? {
            check_point(&mut cursor, |point| points.check_once(point))?;
            let len = cursor.u16()?;
            cursor.take(len.into())?;
        }
    }
    Ok(())
}

fn check_point<'a>(cursor: &mut Cursor<'a>, check: impl FnOnce(&'a [u8]) -> Result<(), Error>) -> Result<(), Error> {
    let at = cursor.offset();
    check(cursor.array::<33>()?).map_err(|error| error.at(at))
}
