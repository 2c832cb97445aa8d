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
    /// The request, invoice, error, query or proof, unread; `None` if the message carries none of them (MSG-1).
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

    /// What this node was told by the maker of the path.
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

/// What a hop that is not the last leaves for the next.
struct Onward {
    hop: Box<Unblinded>,
    rest: Rest,
}

impl Onward {
    fn message(&self) -> Result<OnionMessage, Refusal> {
        let message =
            |path_key: PublicKey| OnionMessage::with(path_key.into(), self.rest.len(), |out| self.rest.write(out));
        self.hop.next_path_key().and_then(message).map_err(unusable)
    }
}

/// What was in one layer.
enum Layer {
    Received(Received),
    /// One of this node's own dummy hops.
    Dummy(Onward),
    Forward(Onward, NextHop),
}

/// Something for another node, which this node passes on if it wants to.
pub struct Forward {
    onward: Onward,
    next: NextHop,
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
    /// `Unusable`, which nobody meets: it takes a hash that is not a scalar.
    pub fn message(&self) -> Result<OnionMessage, Refusal> {
        self.onward.message()
    }
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward").field("next", &self.next).finish_non_exhaustive()
    }
}

impl OnionMessage {
    /// Takes this node's layer off, and those of [its own dummy hops](super::BlindedPathBuilder::own) that follow.
    ///
    /// `node` is the key of this node. Costs two point multiplications, and four more for each dummy hop. Who did not
    /// make the path cannot add dummy hops: what others send from this node to itself is a [`Forward`] to this node,
    /// which leads nowhere.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] for whatever does not authenticate or parse, and for a message that breaks MSG-1 or PTH-4.
    pub fn peel(&self, node: &Keypair) -> Result<Peeled, Refusal> {
        self.peel_counting(node, &mut 0)
    }

    /// The same, and counts the point multiplications that it takes, also if it fails (EXC-20).
    pub(crate) fn peel_counting(&self, node: &Keypair, operations: &mut u32) -> Result<Peeled, Refusal> {
        let node = Secret::of(node);
        let mut layer = self.peel_once(&node, operations)?;
        let mut dummies = 0..MAX_DUMMY_HOPS;
        loop {
            match layer {
                Layer::Received(received) => return Ok(Peeled::Received(received)),
                Layer::Forward(onward, next) => return Ok(Peeled::Forward(Forward { onward, next })),
                Layer::Dummy(onward) => {
                    // No path of ours has more.
                    dummies.next().ok_or(Refusal::Unusable)?;
                    *operations = operations.saturating_add(2);
                    // Whatever is inside, it passed this node's own layer: it was not cheap.
                    layer = onward.message()?.peel_once(&node, operations).map_err(|_| Refusal::Unusable)?;
                }
            }
        }
    }

    fn peel_once(&self, node: &Secret, operations: &mut u32) -> Result<Layer, Refusal> {
        let path_key: PublicKey = self.path_key().public_key().map_err(|_| Refusal::Malformed)?;
        let packet = Packet::read(self.packet())?;
        *operations = operations.saturating_add(2);
        let shared = Shared::new(&path_key, node);
        let key = shared.blinding().and_then(|blinding| node.times(&blinding)).map_err(unusable)?;
        let opened = packet.open(&key, &[])?;

        let payload = Payload::read_any(opened.payload).map_err(unusable)?;
        let encrypted = payload.encrypted_recipient_data().ok_or(Refusal::Unusable)?;
        let hop = Unblinded::open(shared, key, path_key, encrypted).map_err(unusable)?;
        match opened.rest {
            Some(rest) if payload.is_intermediate() => {
                let onward = |hop| Onward { hop: Box::new(hop), rest };
                if hop.is_dummy_of(node) {
                    return Ok(Layer::Dummy(onward(hop)));
                }
                let next = hop.data().forward_to().map_err(unusable)?;
                Ok(Layer::Forward(onward(hop), next))
            }
            None if hop.data().next().is_none() => {
                hop.data().check_for_message().map_err(unusable)?;
                let payload = payload.check_last().map_err(unusable)?;
                let (data, key) = hop.into_parts();
                Ok(Layer::Received(Received { payload, data, key }))
            }
            _ => Err(Refusal::Unusable),
        }
    }
}

fn unusable(_: Error) -> Refusal {
    Refusal::Unusable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onion::{BlindedPathBuilder, Contents, OnionMessageBuilder};
    use crate::signature::context;

    /// EXC-20: each layer takes two multiplications, and each dummy hop two more for the key of the next.
    #[test]
    fn what_dummy_hops_cost_is_counted() {
        let node = Keypair::from_seckey_slice(context(), &[1; 32]).unwrap();
        for count in 0..=MAX_DUMMY_HOPS {
            let path = BlindedPathBuilder::own(&node).dummy_hops(count).build([3; 32]).unwrap();
            let contents = Contents::InvoiceRequest(b"request");
            let message = OnionMessageBuilder::over(&path, contents).build([4; 32]).unwrap().message;
            let mut operations = 0;
            message.peel_counting(&node, &mut operations).unwrap();
            assert_eq!(operations as usize, 2 + 4 * count);
        }
    }
}
