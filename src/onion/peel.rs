//! Takes a layer off an onion message.

use alloc::boxed::Box;
use core::fmt;

use secp256k1::{Keypair, PublicKey};

use super::data::HopData;
use super::keys::{Secret, Shared};
use super::packet::{Packet, Rest};
use super::path::MAX_DUMMY_HOPS;
use super::refusal::Refusal;
use super::{Contents, HopKey, NextHop, OnionMessage, Payload, Unblinded};
use crate::error::Error;
use crate::field::BlindedPath;

/// What was in an onion message.
#[derive(Debug)]
pub enum Peeled {
    /// Something for this node.
    Received(Received),
    /// Something for another node.
    Forward(Forward),
}

/// What arrived at its last hop.
///
/// `Debug` shows neither the contents nor a secret, and the key is wiped when this is dropped.
pub struct Received {
    payload: Payload,
    data: HopData,
    key: Secret,
}

impl Received {
    /// The request, invoice, error, query or proof, unread; nothing if the message carries none of them (MSG-1).
    pub fn contents(&self) -> Option<Contents<'_>> {
        self.payload.contents()
    }

    /// `path_id` (TLV 6)
    ///
    /// What the path said that the message came over: any bytes, of any length. Without one it came over no path
    /// of this node that has one. A message whose `path_id` is not the right one for what it carries is ignored,
    /// not answered (PTH-2).
    pub fn path_id(&self) -> Option<&[u8]> {
        self.data.path_id()
    }

    /// Where the answer goes. Without it there is none (MSG-3).
    pub fn reply_path(&self) -> Option<BlindedPath<'_>> {
        self.payload.reply_path()
    }

    /// The key of the last hop: the `blinded_node_id` under which this node was reached. It signs the invoices
    /// of an offer that has no issuer id (PTH-3). Costs a point multiplication.
    pub fn signing_key(&self) -> Keypair {
        self.key.keypair()
    }

    /// The same key, to be kept until it is known whether it is needed.
    pub fn into_hop_key(self) -> HopKey {
        HopKey::new(self.key)
    }

    /// What this node was told by whoever made the path.
    pub fn data(&self) -> &HopData {
        &self.data
    }

    /// All that was sent, fields without a name too.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("payload", &self.payload).field("data", &self.data).finish_non_exhaustive()
    }
}

/// Something for another node, which this node passes on if it wants to.
pub struct Forward {
    hop: Box<Unblinded>,
    next: NextHop,
    rest: Rest,
}

impl Forward {
    /// The node it goes to: a peer, or it cannot be passed on.
    pub fn next(&self) -> NextHop {
        self.next
    }

    /// The message for that node. Costs two point multiplications.
    ///
    /// # Errors
    ///
    /// `Unusable`, which nobody meets: it takes a hash that is no scalar.
    pub fn message(&self) -> Result<OnionMessage, Refusal> {
        let message =
            |path_key: PublicKey| OnionMessage::with(path_key.into(), self.rest.len(), |out| self.rest.write(out));
        self.hop.next_path_key().and_then(message).map_err(unusable)
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("next", &self.next).finish_non_exhaustive()
    }
}

impl OnionMessage {
    /// Takes this node's layer off, and the layers of dummy hops that follow, at most [`MAX_DUMMY_HOPS`].
    ///
    /// `node` is the key of this node. Costs two point multiplications, and four more for each dummy hop.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for whatever does not authenticate or parse, and for a message that breaks MSG-1 or PTH-4.
    pub fn peel(&self, node: &Keypair) -> Result<Peeled, Refusal> {
        let own = NextHop::NodeId(node.public_key());
        let mut peeled = self.peel_once(node)?;
        for _ in 0..MAX_DUMMY_HOPS {
            match peeled {
                Peeled::Forward(dummy) if dummy.next == own => {
                    // Whatever is inside, it passed this node's own layer: it was not cheap.
                    peeled = dummy.message()?.peel_once(node).map_err(|_| Refusal::Unusable)?;
                }
                other => return Ok(other),
            }
        }
        match peeled {
            Peeled::Forward(dummy) if dummy.next == own => Err(Refusal::Unusable),
            other => Ok(other),
        }
    }

    fn peel_once(&self, node: &Keypair) -> Result<Peeled, Refusal> {
        let path_key: PublicKey = self.path_key().public_key().map_err(|_| Refusal::Malformed)?;
        let packet = Packet::read(self.packet())?;
        let node = Secret::of(node);
        let shared = Shared::new(&path_key, &node);
        let key = shared.blinding().and_then(|blinding| node.times(&blinding)).map_err(unusable)?;
        let opened = packet.open(&key, &[])?;

        let payload = Payload::read_any(opened.payload).map_err(unusable)?;
        let encrypted = payload.encrypted_recipient_data().ok_or(Refusal::Unusable)?;
        let hop = Unblinded::open(shared, key, path_key, encrypted).map_err(unusable)?;
        hop.data().check_for_message().map_err(unusable)?;
        match (opened.rest, hop.data().next()) {
            (Some(rest), Some(next)) if payload.is_intermediate() && hop.data().path_id().is_none() => {
                Ok(Peeled::Forward(Forward { hop: Box::new(hop), next, rest }))
            }
            (None, None) => {
                let payload = payload.check_last().map_err(unusable)?;
                let (data, key) = hop.into_parts();
                Ok(Peeled::Received(Received { payload, data, key }))
            }
            _ => Err(Refusal::Unusable),
        }
    }
}

fn unusable(_: Error) -> Refusal {
    Refusal::Unusable
}
