//! Makes blinded paths.

use alloc::vec::Vec;
use core::fmt;
use core::slice::from_ref;

use secp256k1::{Keypair, PublicKey};
use zeroize::Zeroizing;

use super::data::{PaymentConstraints, PaymentRelay, Plain};
use super::keys::{DummyKey, Secret, Shared};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Direction, Features, IntroductionNode, Point, ShortChannelId};
use crate::tlv::CustomField;

/// The most dummy hops that a path can have.
///
/// Each costs the recipient twice as much as a message, whenever one comes over the path.
pub const MAX_DUMMY_HOPS: usize = 10;

/// The most that a hop can be told: its length has 16 bits, and a tag of 16 bytes comes with it.
const MAX_DATA_LEN: usize = 0xffff - 16;

/// A path's last hop is told something, if only padding: one that is told nothing is that of a message to a node id,
/// and came over no path.
const MIN_DATA_LEN: usize = 2;

/// A node of a blinded path, with what it is told beside where to go next.
///
/// A public key is a hop that is told nothing else.
#[derive(Clone)]
#[must_use]
pub struct PathHop {
    node_id: PublicKey,
    channel: Option<ShortChannelId>,
    /// Those with a name.
    fields: Vec<CustomField>,
    /// Those added by number.
    custom: Vec<CustomField>,
}

impl PathHop {
    /// The node with this key.
    pub fn new(node_id: PublicKey) -> Self {
        Self { node_id, channel: None, fields: Vec::new(), custom: Vec::new() }
    }

    /// Names the next node by a channel that this node has with it, which takes 25 bytes less than its key.
    ///
    /// The channel's alias is as good, where the node knows it.
    pub fn by_channel(mut self, scid: ShortChannelId) -> Self {
        self.channel = Some(scid);
        self
    }

    /// Sets what the node charges for a payment over the path.
    pub fn payment_relay(self, relay: PaymentRelay) -> Self {
        self.with(Field::PAYMENT_RELAY, relay.to_bytes())
    }

    /// Sets which payments over the path the node may pass on.
    pub fn payment_constraints(self, constraints: PaymentConstraints) -> Self {
        self.with(Field::PAYMENT_CONSTRAINTS, constraints.to_bytes())
    }

    /// Sets which features a payment over the path may use.
    pub fn allowed_features(self, features: &Features<'_>) -> Self {
        self.with(Field::ALLOWED_FEATURES, features.minimal().to_vec())
    }

    /// Adds a field by its number, which is odd so that a node may ignore it (PTH-4).
    pub fn field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.push((number, value.into()));
        self
    }

    pub(super) fn node_id(&self) -> PublicKey {
        self.node_id
    }

    fn with(mut self, field: Field, value: Vec<u8>) -> Self {
        self.fields.push((field.number(), value));
        self
    }

    /// The hop's fields with those that depend on its place in the path.
    fn plain(self, place: impl IntoIterator<Item = CustomField>) -> Result<(PublicKey, Plain), Error> {
        let refused = |number: u64| number == Field::PADDING.number() || number % 2 == 0;
        if let Some((number, _)) = self.custom.iter().find(|(number, _)| refused(*number)) {
            return Err(Error::of(Field::numbered(*number), ErrorKind::OutOfRange, Rule::Pth4));
        }
        let mut fields = self.fields;
        fields.extend(self.custom);
        fields.extend(place);
        Ok((self.node_id, Plain::new(fields)?))
    }

    /// The hop's fields, if the next node is this one.
    fn leading_to(self, next: Option<&PublicKey>, path_key: Option<Point>) -> Result<(PublicKey, Plain), Error> {
        let next = match (self.channel, next) {
            (Some(scid), _) => (Field::SHORT_CHANNEL_ID.number(), scid.0.to_be_bytes().to_vec()),
            (None, Some(next)) => (Field::NEXT_NODE_ID.number(), next.serialize().to_vec()),
            (None, None) => return Err(Error::new(ErrorKind::UnknownIntroduction, Rule::Msg5)),
        };
        let path_key = path_key.map(|key| (Field::NEXT_PATH_KEY_OVERRIDE.number(), key.to_bytes().to_vec()));
        self.plain([Some(next), path_key].into_iter().flatten())
    }
}

impl From<PublicKey> for PathHop {
    fn from(node_id: PublicKey) -> Self {
        Self::new(node_id)
    }
}

/// Leaves out what the hop's node is told.
impl fmt::Debug for PathHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathHop")
            .field("node_id", &format_args!("{}", self.node_id))
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Makes a blinded path, over which others can reach a node without knowing it.
///
/// ```
/// use bolt12::onion::BlindedPathBuilder;
/// # use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
/// # let own = Keypair::from_seckey_slice(&Secp256k1::new(), &[1; 32])?;
/// # let peer: PublicKey = "0324653eac434488002cc06bbfb7f10fe18991e35f9fe4302dbea6d2353dc0ab1c".parse()?;
/// # let random = [7; 32];
/// let path = BlindedPathBuilder::own(&own)
///     .through(peer) // where the path starts
///     .path_id([1; 32])
///     .dummy_hops(1)
///     .build(random)?;
/// assert_eq!(path.hops().count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct BlindedPathBuilder<'a> {
    through: Vec<PathHop>,
    end: End<'a>,
    path_id: Option<Vec<u8>>,
    dummy_hops: usize,
    /// Of anyone who makes a path to itself.
    dummy_key: Option<DummyKey>,
    introduction: Option<IntroductionNode>,
    min_len: usize,
    pads_end: bool,
}

#[derive(Clone)]
enum End<'a> {
    Node(PathHop),
    Path(&'a BlindedPath<'a>, PublicKey),
}

impl BlindedPathBuilder<'static> {
    /// A path to a node.
    pub fn new(recipient: impl Into<PathHop>) -> Self {
        Self::ending(End::Node(recipient.into()))
    }

    /// A path to one's own node. It can have [dummy hops](Self::dummy_hops).
    pub fn own(node: &Keypair) -> Self {
        let path = Self::new(node.public_key());
        Self { dummy_key: Some(DummyKey::of(&Secret::of(node))), ..path }
    }
}

impl<'a> BlindedPathBuilder<'a> {
    /// A path that leads to the start of somebody else's. `introduction` is the node id of the node where that
    /// starts, which the path itself may name by a channel only.
    pub fn joining(path: &'a BlindedPath<'a>, introduction: PublicKey) -> Self {
        Self::ending(End::Path(path, introduction))
    }

    fn ending(end: End<'a>) -> Self {
        Self {
            through: Vec::new(),
            end,
            path_id: None,
            dummy_hops: 0,
            dummy_key: None,
            introduction: None,
            min_len: MIN_DATA_LEN,
            pads_end: true,
        }
    }

    /// Adds a node that passes messages on. The first is where the path starts: the introduction node.
    pub fn through(mut self, hop: impl Into<PathHop>) -> Self {
        self.through.push(hop.into());
        self
    }

    /// Sets what the recipient will know the path by (PTH-2): a secret that only it can make.
    pub fn path_id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.path_id = Some(id.into());
        self
    }

    /// Hides how long the path is, by hops at its end that all are the recipient itself (PTH-1): one's
    /// [own](Self::own) node, since only hops that it made itself are taken off there.
    pub fn dummy_hops(mut self, count: usize) -> Self {
        self.dummy_hops = count;
        self
    }

    /// Names the node where the path starts as one end of a channel, which takes 24 bytes less than its key.
    ///
    /// Only who knows the channel can use the path.
    pub fn introduction_by_channel(mut self, scid: ShortChannelId, direction: Direction) -> Self {
        self.introduction = Some(IntroductionNode::Channel { scid, direction });
        self
    }

    /// Pads what each hop is told to at least so many bytes, so that several paths look the same (PTH-1).
    ///
    /// Hops of one path are padded to the same length anyway.
    pub fn pad_to(mut self, len: usize) -> Self {
        self.min_len = len.max(MIN_DATA_LEN);
        self
    }

    /// Lets the last hop be told as much or as little as it is, where the hops before it are padded to one length of
    /// theirs.
    ///
    /// Which hop is the last everybody sees anyway, and dummy hops still look like the others. What shows is how much
    /// it is told: of a [path id](Self::path_id), the length. That makes a path shorter for which every letter counts,
    /// or whose path id is long.
    pub fn unpadded_end(mut self) -> Self {
        self.pads_end = false;
        self
    }

    /// Makes the path. `session` is 32 random bytes, used for nothing else.
    ///
    /// # Errors
    ///
    /// - `InvalidSecret` for a `session` that is not a secret key, such as zeros
    /// - `Unexpected` for a `path_id` of a path that ends with somebody else's, for dummy hops of any but one's own
    ///   node, and for a recipient that is the hop before as well, or has a channel to a next node; `NoHops` for a path
    ///   that ends with somebody else's and has no hop of its own
    /// - `WrongKey` for somebody else's path that names another node as the one where it starts (MSG-5)
    /// - `TooManyEntries` for more than [`MAX_DUMMY_HOPS`] dummy hops (PTH-1), more than 255 hops, or more than 65519
    ///   bytes that one of them is told
    /// - `OutOfRange` (PTH-4) and `NotAscending` (TLV-1) for fields added by number
    pub fn build(self, session: [u8; 32]) -> Result<BlindedPath<'static>, Error> {
        let session = Secret::new(&Zeroizing::new(session))?;
        let first = match (self.through.first(), &self.end) {
            (Some(hop), _) | (None, End::Node(hop)) => hop.node_id,
            (None, End::Path(..)) => return Err(Error::new(ErrorKind::NoHops, Rule::Ofr8)),
        };
        let introduction = self.introduction.unwrap_or(first.into());
        let (min_len, pads_end) = (self.min_len, self.pads_end);
        let (hops, joined) = self.plain_hops()?;
        let lengths = match hops.split_last() {
            Some((last, before)) if !pads_end => [common_len(before, min_len)?, common_len(from_ref(last), min_len)?],
            _ => [common_len(&hops, min_len)?; 2],
        };
        let (first_path_key, hops) = blind(session, hops, lengths)?;
        let own = hops.iter().map(|hop| Ok((hop.id, hop.encrypted.as_slice())));
        let joined = joined.into_iter().flat_map(BlindedPath::hops);
        let joined = joined.map(|hop| Ok((hop.blinded_node_id.public_key()?, hop.encrypted_recipient_data)));
        BlindedPath::new(introduction, first_path_key, own.chain(joined).collect::<Result<Vec<_>, Error>>()?)
    }

    /// Whether the last node on the way is the recipient, which then would have to send the message to itself. The
    /// dummy hops of a payment path are of this kind: a payment's onion has a layer for each of them.
    fn goes_in_circles(&self) -> bool {
        let relays_payments =
            |hop: &PathHop| hop.fields.iter().any(|(number, _)| *number == Field::PAYMENT_RELAY.number());
        match (self.through.last(), &self.end) {
            (Some(hop), End::Node(recipient)) => {
                hop.node_id == recipient.node_id && hop.channel.is_none() && !relays_payments(hop)
            }
            _ => false,
        }
    }

    /// What each hop is told, and the path that is joined.
    fn plain_hops(self) -> Result<PlainHops<'a>, Error> {
        if self.dummy_hops > MAX_DUMMY_HOPS {
            return Err(Error::new(ErrorKind::TooManyEntries, Rule::Pth1));
        }
        if self.goes_in_circles() {
            return Err(Error::new(ErrorKind::Unexpected, Rule::Pth1));
        }
        let (target, path_key) = match &self.end {
            End::Node(hop) => (hop.node_id, None),
            End::Path(path, introduction) => {
                check_introduction(path, introduction)?;
                (*introduction, Some(path.first_path_key()))
            }
        };
        let mut hops = lead(self.through, Some(&target), path_key)?;
        match self.end {
            End::Path(..) if self.dummy_hops > 0 => Err(Error::new(ErrorKind::Unexpected, Rule::Pth1)),
            End::Path(..) if self.path_id.is_some() => {
                Err(Error::of(Field::PATH_ID, ErrorKind::Unexpected, Rule::Pth2))
            }
            End::Path(path, _) => Ok((hops, Some(path))),
            End::Node(PathHop { channel: Some(_), .. }) => {
                Err(Error::of(Field::SHORT_CHANNEL_ID, ErrorKind::Unexpected, Rule::Pth4))
            }
            End::Node(hop) => {
                for _ in 0..self.dummy_hops {
                    let key = self.dummy_key.clone().ok_or(Error::new(ErrorKind::Unexpected, Rule::Pth1))?;
                    hops.push((target, Plain::dummy(key)));
                }
                hops.push(hop.plain(self.path_id.map(|id| (Field::PATH_ID.number(), id)))?);
                Ok((hops, None))
            }
        }
    }
}

type PlainHops<'a> = (Vec<(PublicKey, Plain)>, Option<&'a BlindedPath<'a>>);

/// Leaves out the `path_id`.
impl fmt::Debug for BlindedPathBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlindedPathBuilder")
            .field("through", &self.through)
            .field("dummy_hops", &self.dummy_hops)
            .field("introduction", &self.introduction)
            .finish_non_exhaustive()
    }
}

/// Refuses a node that is not the one that the path says it starts at, if it names one (MSG-5).
pub(super) fn check_introduction(path: &BlindedPath<'_>, node_id: &PublicKey) -> Result<(), Error> {
    match path.introduction_node() {
        IntroductionNode::NodeId(named) if named != Point::from(*node_id) => {
            Err(Error::new(ErrorKind::WrongKey, Rule::Msg5))
        }
        _ => Ok(()),
    }
}

/// What nodes are told that lead to a target: its node id if that is known, and its path key if it is the start of
/// somebody else's path.
pub(super) fn lead(
    through: Vec<PathHop>,
    target: Option<&PublicKey>,
    path_key: Option<Point>,
) -> Result<Vec<(PublicKey, Plain)>, Error> {
    let mut hops = Vec::with_capacity(through.len().saturating_add(1));
    let mut through = through.into_iter().peekable();
    while let Some(hop) = through.next() {
        hops.push(match through.peek() {
            Some(next) => hop.leading_to(Some(&next.node_id), None)?,
            None => hop.leading_to(target, path_key)?,
        });
    }
    Ok(hops)
}

/// A hop as others see it.
pub(super) struct Blinded {
    pub(super) id: PublicKey,
    pub(super) encrypted: Vec<u8>,
}

/// What hops can be padded to so that all are of one length.
fn common_len(hops: &[(PublicKey, Plain)], min_len: usize) -> Result<usize, Error> {
    let longest = hops.iter().map(|(_, plain)| plain.len()).fold(min_len, usize::max);
    // There are few lengths to which padding cannot bring a hop, so the first that will do is near.
    let fits = |len: &usize| hops.iter().all(|(_, plain)| plain.fits(*len));
    (longest..=MAX_DATA_LEN).find(fits).ok_or(Error::new(ErrorKind::TooManyEntries, Rule::Tlv6))
}

/// Blinds hops, and returns the first path key with them. `len` is what their data is padded to, and the last one's.
pub(super) fn blind(
    mut session: Secret,
    hops: Vec<(PublicKey, Plain)>,
    [len, last_len]: [usize; 2],
) -> Result<(PublicKey, Vec<Blinded>), Error> {
    let first_path_key = session.public_key();
    let mut path_key = first_path_key;
    let mut blinded = Vec::with_capacity(hops.len());
    let mut left = hops.len();
    for (node_id, plain) in hops {
        let shared = Shared::new(&node_id, &session);
        let len = if left == 1 { last_len } else { len };
        blinded.push(Blinded { id: shared.blinding()?.times(node_id)?, encrypted: plain.encrypt(len, &shared.rho()) });
        left = left.saturating_sub(1);
        if left > 0 {
            session = session.times(&shared.next(&path_key)?)?;
        }
        // The last hop's path key is needed by nobody but the hop.
        if left > 1 {
            path_key = session.public_key();
        }
    }
    Ok((first_path_key, blinded))
}
