//! What is sent to peers.

use alloc::boxed::Box;
use core::time::Duration;

use secp256k1::PublicKey;

use super::error::SendError;
use super::peer::Standing;
use super::queue::{Conversation, Kind, Source};
use super::set::{Channels, Peers};
use crate::exchange::messenger::Parcel;
use crate::exchange::{Destination, OutgoingDnsMessage, OutgoingMessage, PathId, Route};
use crate::onion::OnionMessage;

/// What an answer holds is not made for nothing: signatures, a path for the payment.
const ANSWERING: u32 = 4;

impl Peers {
    /// Sends a message: it waits until [the peer](Self::next_to_send) takes it. Returns the peer.
    ///
    /// What answers a message that came goes back the way that came, or through a peer that we chose: the reply path
    /// knows which way that was, unless it was saved and loaded since, or made from its bytes. Everything else
    /// goes to where its path starts, if we chose that peer, or else through another that we chose (EXC-19); and its
    /// answer comes back through the same peer. `randomness` is 32 random bytes, used for nothing else.
    ///
    /// # Errors
    ///
    /// [`SendError`]: whoever waits for an answer takes the others than `Message` for unreachable.
    pub fn send(
        &mut self,
        outgoing: &OutgoingMessage,
        randomness: [u8; 32],
        now: Duration,
        channels: &impl Channels,
    ) -> Result<PublicKey, SendError> {
        self.send_parcel(&Parcel::of(outgoing), randomness, now, channels)
    }

    /// The same for a query for a name, or the answer to one (DNS-1, DNS-2).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn send_dns(
        &mut self,
        outgoing: &OutgoingDnsMessage,
        randomness: [u8; 32],
        now: Duration,
        channels: &impl Channels,
    ) -> Result<PublicKey, SendError> {
        self.send_parcel(&Parcel::about_a_name(outgoing, &outgoing.message.to_bytes()), randomness, now, channels)
    }

    fn send_parcel(
        &mut self,
        parcel: &Parcel<'_>,
        randomness: [u8; 32],
        now: Duration,
        channels: &impl Channels,
    ) -> Result<PublicKey, SendError> {
        // What wants an answer begins here, whoever asked us something over the same path: a stranger can name any
        // path that it knows, that of an offer too, and would get what we send over it (EXC-19).
        let brought = match (parcel.destination, &parcel.reply_path_id, parcel.reply_path) {
            (Destination::Path(path), None, None) => path.brought(),
            _ => None,
        };
        let invoice_over = brought.and_then(|brought| brought.invoice_over).map(PathId);
        // Several may have come before the first was answered.
        if invoice_over.is_some_and(|path_id| self.answered.has(&path_id)) {
            return Err(SendError::Answered);
        }
        let from = brought.map(|brought| brought.by).filter(|id| self.peers.contains_key(id));
        let way = self.way(parcel.destination, from, channels)?;
        let source = match (from, &parcel.reply_path_id) {
            (Some(from), _) => self.source(from, &way.first),
            // The answer to somebody who is gone takes none of the room for what we wait for.
            (None, None) => Source::Peer(self.messenger.node_id(), Kind::Known),
            (None, path_id) => Source::Own(conversation(*path_id)),
        };
        let has_room =
            |len| self.peers.get(&way.first).is_some_and(|peer| peer.queue.has_room(source, len, &self.limits));
        if !has_room(parcel.contents.as_bytes().len()) {
            return Err(SendError::Full(way.first));
        }
        let through = &[way.first];
        let route = Route {
            through,
            introduction: way.introduction,
            reply_through: through,
            whole_path: way.is_whole,
            ..Route::default()
        };
        let sent = self.messenger.send_parcel(parcel, &route, randomness).map_err(|error| {
            // On the shortest way there is: is it the message, or the path?
            let shortest = Parcel { destination: &Destination::Node(way.first), ..*parcel };
            match self.messenger.send_parcel(&shortest, &Route::default(), randomness) {
                Ok(_) => SendError::Way(Box::new(error)),
                Err(error) => SendError::Message(Box::new(error)),
            }
        })?;
        if let (Some(from), Destination::Path(path)) = (from, parcel.destination) {
            let hops = u32::try_from(path.hops().count()).unwrap_or(u32::MAX).saturating_add(1);
            self.charge(&from, hops.saturating_mul(2).saturating_add(ANSWERING), now);
        }
        if let Some(path_id) = invoice_over {
            self.answered.add(path_id);
        }
        let pushed = self.peers.get_mut(&way.first).map(|peer| peer.queue.push(source, sent.message, &self.limits));
        let (has_room, displaced) = pushed.unwrap_or_default();
        self.counts.displaced = self.counts.displaced.saturating_add(displaced);
        if has_room { Ok(way.first) } else { Err(SendError::Full(way.first)) }
    }

    /// What a message is that a peer brought, in the queue of another.
    pub(super) fn source(&self, from: PublicKey, to: &PublicKey) -> Source {
        let kind = match self.standing(&from) {
            _ if from == *to => Kind::Itself,
            Standing::Stranger => Kind::Stranger,
            Standing::Kept | Standing::Chosen => Kind::Known,
        };
        Source::Peer(from, kind)
    }

    /// The next message for a peer, if it takes one now. Ours go first, then what answers it, then what others sent to
    /// it.
    pub fn next_to_send(&mut self, peer: &PublicKey, now: Duration) -> Option<OnionMessage> {
        let peer = self.peers.get_mut(peer)?;
        if peer.queue.is_empty() || !peer.pace.has(1, now) {
            return None;
        }
        let message = peer.queue.pop()?;
        peer.pace.spend(1);
        peer.active_at = now;
        Some(message)
    }

    /// Whether a peer takes one message more now, that somebody else sends to it. It then counts as sent:
    /// [give it back](Self::not_used) if there is none.
    pub fn reserve(&mut self, peer: &PublicKey, now: Duration) -> bool {
        let Some(peer) = self.peers.get_mut(peer).filter(|peer| peer.is_able) else { return true };
        let may = peer.queue.is_empty() && peer.pace.has(1, now);
        if may {
            peer.pace.spend(1);
        }
        may
    }

    /// There was nothing to send after all.
    pub fn not_used(&mut self, peer: &PublicKey) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.pace.give_back();
        }
    }

    /// When something can be sent, or opened, that cannot now; never, if nothing waits.
    pub fn wake_at(&self) -> Option<Duration> {
        let sent = self.peers.values().filter(|peer| !peer.queue.is_empty()).filter_map(|peer| peer.pace.ready_at(1));
        let opened = self.unopened.iter().filter_map(|id| self.ready_at(id));
        sent.chain(opened).min()
    }
}

/// The conversation that a message of ours belongs to: what it has in common with those that it asks for again.
fn conversation(path_id: Option<PathId>) -> Option<Conversation> {
    path_id.and_then(|path_id| path_id.0.first_chunk().copied())
}
