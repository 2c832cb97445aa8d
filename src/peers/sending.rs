//! What is sent to peers.

use alloc::boxed::Box;
use core::time::Duration;

use secp256k1::PublicKey;

use super::error::SendError;
use super::peer::{Peer, Standing};
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
        // Who lost its place since is not heard, and so nothing is kept for it.
        let is_heard = |peer: &Peer| peer.has_place || !peer.is_stranger();
        let from = brought.map(|brought| brought.by).filter(|id| self.peers.get(id).is_some_and(is_heard));
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
        let pushed = self.peers.get_mut(&way.first).map(|peer| peer.push(source, sent.message, &self.limits, now));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::OffersMessage;
    use crate::field::Brought;
    use crate::invoice_error::InvoiceError;
    use crate::onion::{BlindedPathBuilder, PathHop};
    use crate::peers::{Limits, NoChannels, id, key, onion, spending};

    const NOW: Duration = Duration::from_secs(1_000);

    const STRANGER: u8 = 2;
    const CHOSEN: u8 = 3;
    const OTHER: u8 = 4;

    /// Ourselves, a stranger, and two peers that we chose.
    fn peers(limits: Limits) -> Peers {
        let mut peers = Peers::new(key(1), limits);
        peers.connected(id(STRANGER), true, true, NOW);
        [CHOSEN, OTHER].iter().for_each(|byte| peers.connected(id(*byte), false, true, NOW));
        peers
    }

    /// An answer over a path through these, to what a peer brought.
    fn answer(from: u8, through: &[u8], invoice_over: Option<[u8; 32]>) -> OutgoingMessage {
        let path = BlindedPathBuilder::new(id(from));
        let path = through.iter().fold(path, |path, byte| path.through(PathHop::new(id(*byte))));
        let mut path = path.build([3; 32]).unwrap();
        path.set_brought(Brought { by: id(from), invoice_over });
        let message = OffersMessage::InvoiceError(InvoiceError::new("out of tea").unwrap());
        OutgoingMessage { message, destination: Destination::Path(path), reply_path_id: None }
    }

    fn send(peers: &mut Peers, outgoing: &OutgoingMessage) -> Result<PublicKey, SendError> {
        peers.send(outgoing, [8; 32], NOW, &NoChannels)
    }

    // EXC-20: an answer costs whoever asked: 2 for each hop and the way to the first, and 4 for what it holds.
    #[test]
    fn an_answer_is_charged_to_who_asked() {
        for (through, operations) in [(&[][..], 8), (&[OTHER], 10), (&[OTHER, 9], 12)] {
            for (from, newcomers, strangers) in [(STRANGER, operations, operations), (CHOSEN, 0, 0)] {
                let mut peers = peers(spending());
                send(&mut peers, &answer(from, through, None)).unwrap();
                assert_eq!(peers.spent(&id(from)), [operations, newcomers, strangers], "{through:?}");
                assert_eq!(peers.spent(&id(OTHER))[0], 0);
            }
        }
    }

    // EXC-20: an answer that has no room is not made: it costs nothing, and counts as none.
    #[test]
    fn an_answer_without_room_costs_nothing() {
        let mut peers = peers(Limits { waiting: 0, ..spending() });
        let outgoing = answer(STRANGER, &[], Some([7; 32]));
        assert_eq!(send(&mut peers, &outgoing), Err(SendError::Full(id(STRANGER))));
        assert_eq!((peers.spent(&id(STRANGER)), peers.waiting(&id(STRANGER))), ([0; 3], 0));
        // Else it would never be answered.
        peers.limits.waiting = 1;
        assert_eq!(send(&mut peers, &outgoing), Ok(id(STRANGER)));
        assert_eq!(send(&mut peers, &outgoing), Err(SendError::Answered));
        assert_eq!(peers.waiting(&id(STRANGER)), 1);
    }

    // EXC-20: a stranger that lost its place is given nothing: its queue would be one more than there are places.
    #[test]
    fn nothing_is_kept_for_who_lost_its_place() {
        let mut peers = peers(Limits { strangers: 1, ..Limits::default() });
        let outgoing = answer(STRANGER, &[], None);
        assert_eq!(send(&mut peers, &outgoing), Ok(id(STRANGER)));
        let later = NOW + Duration::from_secs(60);
        peers.connected(id(9), true, true, later);
        peers.receive(&id(9), onion(200, 1), later);
        assert!(!peers.peers[&id(STRANGER)].has_place);
        let through = peers.send(&outgoing, [8; 32], later, &NoChannels).unwrap();
        assert!([CHOSEN, OTHER].map(id).contains(&through));
        assert_eq!(peers.waiting(&id(STRANGER)), 0);
    }

    // EXC-20: what gave way to an answer is counted.
    #[test]
    fn what_gives_way_to_an_answer_is_counted() {
        let limits = Limits { waiting: 2, ..Limits::default() };
        let mut peers = peers(limits);
        let queue = &mut peers.peers.get_mut(&id(CHOSEN)).unwrap().queue;
        for number in 0..2 {
            queue.push(Source::Peer(id(STRANGER), Kind::Stranger), onion(200, number), &limits);
        }
        assert_eq!(send(&mut peers, &answer(OTHER, &[CHOSEN], None)), Ok(id(CHOSEN)));
        assert_eq!((peers.counts.displaced, peers.waiting(&id(CHOSEN))), (1, 2));
    }

    // EXC-20: who takes its answers is not idle: one that did nothing for longer gives up its place.
    #[test]
    fn who_takes_an_answer_keeps_its_place() {
        let limits = Limits { strangers: 2, ..Limits::default() };
        let mut peers = Peers::new(key(1), limits);
        let [takes, talks, comes] = [id(STRANGER), id(CHOSEN), id(OTHER)];
        [takes, talks, comes].iter().for_each(|id| peers.connected(*id, true, true, NOW));
        let at = |seconds| NOW + Duration::from_secs(seconds);
        peers.receive(&talks, onion(200, 1), at(1));
        assert!(peers.next(at(1), &NoChannels).is_none());
        let queue = &mut peers.peers.get_mut(&takes).unwrap().queue;
        queue.push(Source::Peer(takes, Kind::Itself), onion(200, 2), &limits);
        assert!(peers.next_to_send(&takes, at(2)).is_some());
        peers.receive(&comes, onion(200, 3), at(3));
        assert_eq!([takes, talks, comes].map(|id| peers.peers[&id].has_place), [true, false, true]);
    }
}
