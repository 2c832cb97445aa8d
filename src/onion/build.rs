//! Makes onion messages.

use alloc::vec::Vec;
use core::fmt;

use secp256k1::{Keypair, PublicKey};
use zeroize::Zeroizing;

use super::data::Plain;
use super::keys::{Secret, derive};
use super::packet::{self, Layer};
use super::path::{PathHop, blind, check_introduction, lead};
use super::{Contents, MAX_REPLY_HOPS, NextHop, OnionMessage, Unblinded};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Point};
use crate::tlv::{CustomField, Writer};

/// A message, and the peer it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerMessage {
    /// The peer. Who is not connected to it connects first, or sends the message through nodes of its own choice.
    pub to: NextHop,
    /// What is sent.
    pub message: OnionMessage,
}

/// Makes an onion message: to a node, or over a blinded path.
#[derive(Clone)]
#[must_use]
pub struct OnionMessageBuilder<'a> {
    destination: Destination<'a>,
    contents: Option<Contents<'a>>,
    through: Vec<PathHop>,
    only_to_start: bool,
    introduction: Option<PublicKey>,
    sender: Option<&'a Keypair>,
    reply_path: Option<&'a BlindedPath<'a>>,
    custom: Vec<CustomField>,
}

#[derive(Clone, Debug)]
enum Destination<'a> {
    Node(PublicKey),
    Path(&'a BlindedPath<'a>),
}

impl<'a> OnionMessageBuilder<'a> {
    /// A message to a node that is known by its key.
    pub fn to_node(node_id: PublicKey, contents: Contents<'a>) -> Self {
        Self::new(Destination::Node(node_id), contents)
    }

    /// A message over a blinded path: one of an offer, or a reply path.
    pub fn over(path: &'a BlindedPath<'a>, contents: Contents<'a>) -> Self {
        Self::new(Destination::Path(path), contents)
    }

    fn new(destination: Destination<'a>, contents: Contents<'a>) -> Self {
        Self {
            destination,
            contents: Some(contents),
            through: Vec::new(),
            only_to_start: false,
            introduction: None,
            sender: None,
            reply_path: None,
            custom: Vec::new(),
        }
    }

    /// Adds a node on the way to the destination, or to where the path starts. The first is a peer.
    pub fn through(mut self, hop: impl Into<PathHop>) -> Self {
        self.through.push(hop.into());
        self
    }

    /// Leaves out the nodes on the way that are not needed: the one where the message has to get, and those behind.
    pub(crate) fn only_to_start(mut self) -> Self {
        self.only_to_start = true;
        self
    }

    /// Says which node the path starts at, where that is named by a channel. It may also be the one that the path
    /// names.
    pub fn introduction(mut self, node_id: PublicKey) -> Self {
        self.introduction = Some(node_id);
        self
    }

    /// Says who sends the message: if the path starts at the sender itself, that hop is taken off, and the message goes
    /// to the next (MSG-5). Reply paths often start at anyone who answers. It is checked like a hop of a message that
    /// arrives (EXC-21).
    pub fn sender(mut self, node: &'a Keypair) -> Self {
        self.sender = Some(node);
        self
    }

    /// Says how to answer (MSG-2).
    pub fn reply_path(mut self, path: &'a BlindedPath<'a>) -> Self {
        self.reply_path = Some(path);
        self
    }

    /// Adds a field to what the recipient gets, by its number, which is odd so that the recipient may ignore it.
    /// From 64 on it is a message of its own kind: only [without](Self::without_contents) one of offers.
    pub fn field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.push((number, value.into()));
        self
    }

    /// Leaves out the request, invoice or error: only fields that were added by number are sent.
    pub fn without_contents(mut self) -> Self {
        self.contents = None;
        self
    }

    /// Makes the message. `session` is 32 random bytes, used for nothing else.
    ///
    /// The onion has 1366 bytes, or 32834 if its payloads need that.
    ///
    /// # Errors
    ///
    /// - `InvalidSecret` for a `session` that is not a secret key, such as zeros
    /// - `TooLong` above 32768 bytes for all hops together
    /// - `OwnPath` for a path that starts at the sender and leads nowhere else from there (MSG-5); `DoesNotDecrypt` or
    ///   another error about the hop (PTH-2, PTH-4) for one that seems to start there
    /// - `TooManyEntries` for a reply path of more than [`MAX_REPLY_HOPS`] (EXC-1)
    /// - `WrongKey` for an introduction node other than the one that the path names (MSG-5)
    /// - `UnknownIntroduction` for nodes on the way to a path that starts at a channel (MSG-5)
    /// - `OutOfRange` (MSG-1, PTH-4) and `NotAscending` (TLV-1) for fields added by number, and `Unexpected` for one
    ///   that is 64 or above beside the contents or another such (MSG-1)
    pub fn build(mut self, session: [u8; 32]) -> Result<PeerMessage, Error> {
        let session = Secret::new(&Zeroizing::new(session))?;
        let custom = self.custom()?;
        if self.reply_path.is_some_and(|path| path.hops().nth(MAX_REPLY_HOPS).is_some()) {
            return Err(Error::of(Field::REPLY_PATH, ErrorKind::TooManyEntries, Rule::Exc1));
        }
        let route = match self.destination {
            Destination::Node(node_id) => {
                let (first, through) = self.way_to(&NextHop::NodeId(node_id));
                let mut hops = lead(through, Some(&node_id), None)?;
                hops.push((node_id, Plain::new(Vec::new())?));
                Route::own(first.unwrap_or(NextHop::NodeId(node_id)), hops, &session)?
            }
            Destination::Path(path) => {
                let (start, path_key, rest) = self.start_of(path)?;
                let (first, through) = self.way_to(&start);
                let mut route = match first {
                    None => Route { to: start, path_key, hops: Vec::new() },
                    Some(first) => {
                        let node_id = if let NextHop::NodeId(id) = &start { Some(id) } else { None };
                        Route::own(first, lead(through, node_id, Some(path_key))?, &session)?
                    }
                };
                for hop in path.hops().skip(rest) {
                    route.hops.push((hop.blinded_node_id.public_key()?, hop.encrypted_recipient_data.to_vec()));
                }
                route
            }
        };
        let Route { to, path_key, hops } = route;

        let last = hops.len().saturating_sub(1);
        let layers: Vec<Layer> = hops
            .into_iter()
            .enumerate()
            .map(|(at, (id, encrypted))| {
                let payload = if at == last { self.last_payload(&encrypted, &custom) } else { payload(&encrypted) };
                Layer { id, payload }
            })
            .collect();
        let len = packet::SMALL.saturating_add(packet::OVERHEAD);
        let message = OnionMessage::with(path_key, len, |out| packet::build(out, session, &layers, &[]))?;
        Ok(PeerMessage { to, message })
    }

    fn custom(&mut self) -> Result<Vec<CustomField>, Error> {
        let mut custom = core::mem::take(&mut self.custom);
        custom.sort_by_key(|(number, _)| *number);
        let mut has_message = self.contents.is_some();
        let mut last = None;
        for (number, _) in &custom {
            let refused = |kind, rule| Err(Error::of(Field::numbered(*number), kind, rule));
            if number % 2 == 0 {
                return refused(ErrorKind::OutOfRange, Rule::Msg1);
            }
            if last.replace(*number) == Some(*number) {
                return refused(ErrorKind::NotAscending, Rule::Tlv1);
            }
            // The numbers from there on are those of messages, of which there is one.
            if *number >= Field::ONION_INVOICE_REQUEST.number() && core::mem::replace(&mut has_message, true) {
                return refused(ErrorKind::Unexpected, Rule::Msg1);
            }
        }
        Ok(custom)
    }

    /// Where the message has to get: to the destination, or to where its path starts once the sender's own hops are
    /// taken off.
    pub(crate) fn start(&self) -> Result<NextHop, Error> {
        match self.destination {
            Destination::Node(node_id) => Ok(NextHop::NodeId(node_id)),
            Destination::Path(path) => self.start_of(path).map(|(start, ..)| start),
        }
    }

    /// The nodes on the way there, with the first of them.
    fn way_to(&mut self, start: &NextHop) -> (Option<NextHop>, Vec<PathHop>) {
        let mut through = core::mem::take(&mut self.through);
        if self.only_to_start {
            // A channel of the sender's own leads to a peer.
            let is_channel = matches!(start, NextHop::Channel(_));
            let is_there = |hop: &PathHop| is_channel || *start == NextHop::NodeId(hop.node_id());
            through.truncate(through.iter().position(is_there).unwrap_or(through.len()));
        }
        (through.first().map(|hop| NextHop::NodeId(hop.node_id())), through)
    }

    /// The first hop that is not the sender's, its path key, and how many hops stand before it.
    fn start_of(&self, path: &BlindedPath<'_>) -> Result<(NextHop, Point, usize), Error> {
        let start = match self.introduction {
            Some(node_id) => {
                check_introduction(path, &node_id)?;
                NextHop::NodeId(node_id)
            }
            None => path.introduction_node().try_into()?,
        };
        let path_key = path.first_path_key();
        let Some(sender) = self.sender else { return Ok((start, path_key, 0)) };
        let own = NextHop::NodeId(sender.public_key());
        if start != own {
            return Ok((start, path_key, 0));
        }
        // EXC-21: one layer, with the checks of a message that arrives. What leads to the sender again leads nowhere.
        let own_path = || Error::new(ErrorKind::OwnPath, Rule::Msg5);
        let mut hops = path.hops();
        let (Some(hop), Some(_)) = (hops.next(), hops.next()) else { return Err(own_path()) };
        let hop = Unblinded::new(sender, &path_key.public_key()?, hop.encrypted_recipient_data)?;
        if hop.is_dummy_of(&Secret::of(sender)) {
            return Err(own_path());
        }
        match hop.data().forward_to()? {
            next if next == own => Err(own_path()),
            next => Ok((next, hop.next_path_key()?.into(), 1)),
        }
    }

    fn last_payload(&self, encrypted: &[u8], custom: &[CustomField]) -> Vec<u8> {
        let reply_path = self.reply_path.map(BlindedPath::as_bytes);
        let contents = self.contents.map(|contents| contents.as_bytes());
        let len = [reply_path, Some(encrypted), contents].into_iter().flatten().map(<[u8]>::len);
        let mut writer = Writer::new(custom, len.fold(0, usize::saturating_add));
        if let Some(reply_path) = reply_path {
            writer.bytes(Field::REPLY_PATH.number(), reply_path);
        }
        writer.bytes(Field::ENCRYPTED_RECIPIENT_DATA.number(), encrypted);
        if let Some(contents) = self.contents {
            writer.bytes(contents.field().number(), contents.as_bytes());
        }
        writer.finish()
    }
}

/// Leaves out what is sent.
impl fmt::Debug for OnionMessageBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnionMessageBuilder")
            .field("destination", &self.destination)
            .field("through", &self.through)
            .field("reply_path", &self.reply_path)
            .finish_non_exhaustive()
    }
}

/// Where a message goes: the blinded keys of all hops, and what each is told.
struct Route {
    to: NextHop,
    path_key: Point,
    hops: Vec<(PublicKey, Vec<u8>)>,
}

impl Route {
    /// Hops that the sender blinds itself, without padding: nobody but they will see them.
    fn own(to: NextHop, hops: Vec<(PublicKey, Plain)>, session: &Secret) -> Result<Self, Error> {
        // Not the onion's own session: equal keys would tell the first hop that it got the message from its sender.
        let (path_key, hops) = blind(Secret::new(&derive(b"path_key", &session.bytes()))?, hops, [0; 2])?;
        Ok(Self { to, path_key: path_key.into(), hops: hops.into_iter().map(|hop| (hop.id, hop.encrypted)).collect() })
    }
}

/// The payload of a hop that passes the message on.
fn payload(encrypted: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new(&[], encrypted.len());
    writer.bytes(Field::ENCRYPTED_RECIPIENT_DATA.number(), encrypted);
    writer.finish()
}
