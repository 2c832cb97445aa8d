//! What is sent to peers.

use core::time::Duration;

use secp256k1::PublicKey;

use super::error::SendError;
use super::queue::{Conversation, Source};
use super::set::{Channels, Peers};
use crate::exchange::{Destination, OutgoingMessage, Route};
use crate::onion::OnionMessage;

/// What an answer holds is not made for nothing: signatures, a path for the payment.
const ANSWERING: u32 = 4;

impl Peers {
    /// Sends a message: it waits until [the peer](Self::next_to_send) takes it. Returns the peer.
    ///
    /// What answers a message that came goes back the way that came, or through a peer that we chose. Everything else
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
        let from = match &outgoing.destination {
            Destination::Path(path) => self.asked.get(&path.first_path_key().to_bytes()).copied(),
            Destination::Node(_) => None,
        };
        let way = self.way(&outgoing.destination, from, channels)?;
        let source = from.map_or(Source::Own(conversation(outgoing)), Source::Peer);
        let has_room =
            |len| self.peers.get(&way.first).is_some_and(|peer| peer.queue.has_room(source, len, &self.limits));
        if !has_room(0) {
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
        let sent = self.messenger.send(outgoing, &route, randomness).map_err(|error| {
            // On the shortest way there is: is it the message, or the path?
            let shortest = OutgoingMessage { destination: Destination::Node(way.first), ..outgoing.clone() };
            match self.messenger.send(&shortest, &Route::default(), randomness) {
                Ok(_) => SendError::Way(error),
                Err(error) => SendError::Message(error),
            }
        })?;
        if let (Some(from), Destination::Path(path)) = (from, &outgoing.destination) {
            let hops = u32::try_from(path.hops().count()).unwrap_or(u32::MAX).saturating_add(1);
            self.charge(&from, hops.saturating_mul(2).saturating_add(ANSWERING), now);
        }
        let pushed = self.peers.get_mut(&way.first).map(|peer| peer.queue.push(source, sent.message, &self.limits));
        let displaced = pushed.and_then(Result::ok).ok_or(SendError::Full(way.first))?;
        self.counts.displaced = self.counts.displaced.saturating_add(displaced);
        Ok(way.first)
    }

    /// The next message for a peer, if it takes one now. Ours go first, then what answers it, then what others sent to
    /// it.
    pub fn next_to_send(&mut self, peer: &PublicKey, now: Duration) -> Option<OnionMessage> {
        let id = peer;
        let peer = self.peers.get_mut(peer)?;
        if peer.queue.is_empty() || !peer.pace.has(1, now) {
            return None;
        }
        let message = peer.queue.pop(id)?;
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
        let sent = self.peers.values().filter(|peer| !peer.queue.is_empty()).map(|peer| peer.pace.ready_at(1));
        let opened = self.unopened.iter().filter_map(|id| self.ready_at(id));
        sent.chain(opened).min()
    }
}

/// The conversation that a message of ours belongs to: what it has in common with those that it asks for again.
fn conversation(outgoing: &OutgoingMessage) -> Option<Conversation> {
    outgoing.reply_path_id.as_ref().and_then(|path_id| path_id.0.first_chunk().copied())
}
