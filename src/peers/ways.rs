//! Which peer a message goes to first.

use alloc::boxed::Box;

use secp256k1::PublicKey;

use super::error::SendError;
use super::peer::Standing;
use super::set::{Channels, Peers};
use crate::error::{Error, ErrorKind, Rule};
use crate::exchange::Destination;
use crate::field::{BlindedPath, Direction, IntroductionNode};
use crate::onion::NextHop;

/// A way, as far as it is ours to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The peer that gets the message.
    pub(super) first: PublicKey,
    /// At which node the path starts, if it names a channel.
    pub(super) introduction: Option<PublicKey>,
    /// Whether a hop of our own stays in the path.
    pub(super) is_whole: bool,
}

/// What it takes to look into a hop of our own.
const LOOK: u32 = 2;

impl Peers {
    /// The way to a destination. `from` is the peer that brought what is answered.
    ///
    /// Nobody but `from` and the peers that we chose is the first hop (EXC-19): a stranger that is where a path starts
    /// gets the message from them, as from anybody else. And a hop of our own is only taken off if the message then
    /// goes to where it would go if another node had sent it to us (EXC-21). Otherwise it goes out whole, and comes
    /// back here as everybody's does.
    pub(super) fn way(
        &mut self,
        destination: &Destination,
        from: Option<PublicKey>,
        channels: &impl Channels,
    ) -> Result<Way, SendError> {
        match destination {
            Destination::Node(id) => self.towards(Some(*id), from.filter(|id| self.is_able(id)), None),
            Destination::Path(path) => self.way_over(path, from, channels, &mut 0),
        }
    }

    /// The way to the end of a path. Counts the multiplications that it takes to find out, at most, also if there is
    /// none (EXC-20).
    pub(super) fn way_over(
        &mut self,
        path: &BlindedPath<'static>,
        from: Option<PublicKey>,
        channels: &impl Channels,
        operations: &mut u32,
    ) -> Result<Way, SendError> {
        let from = from.filter(|id| self.is_able(id));
        let own = self.messenger.node_id();
        let (start, introduction) = match path.introduction_node() {
            IntroductionNode::NodeId(point) => (point.public_key().map_err(no_way)?, None),
            IntroductionNode::Channel { scid, direction } => {
                // The best guess is anyone who asks: it lets the answer start at itself, or at the peer through which
                // it asks.
                let known = channels.end(scid, direction).or_else(|| {
                    *operations = operations.saturating_add(LOOK);
                    self.messenger.start_of(path, own).map_or(from, |_| Some(own))
                });
                let start = known.ok_or_else(unknown)?;
                (start, Some(start))
            }
        };
        if start != own {
            return self.towards(Some(start), from, introduction);
        }
        *operations = operations.saturating_add(LOOK);
        let next = self.after_own(path, channels)?;
        let is_chosen = self.passes_on && self.standing(&next) == Standing::Chosen;
        if self.is_able(&next) && (Some(next) == from || is_chosen) {
            return Ok(Way { first: next, introduction, is_whole: false });
        }
        let way = self.towards(None, from, introduction)?;
        Ok(Way { is_whole: true, ..way })
    }

    /// Where a path leads behind our own hop.
    fn after_own(&self, path: &BlindedPath<'static>, channels: &impl Channels) -> Result<PublicKey, SendError> {
        let next = self.messenger.start_of(path, self.messenger.node_id()).map_err(no_way)?;
        self.node_at(next, channels).ok_or_else(unknown)
    }

    /// The node that is meant: a channel of our own leads to the node at its other end.
    pub(super) fn node_at(&self, next: NextHop, channels: &impl Channels) -> Option<PublicKey> {
        match next {
            NextHop::NodeId(id) => Some(id),
            NextHop::ChannelEnd(scid, direction) => channels.end(scid, direction),
            NextHop::Channel(scid) => {
                let ends = [Direction::NodeOne, Direction::NodeTwo].map(|end| channels.end(scid, end));
                let own = Some(self.messenger.node_id());
                let other = ends.iter().find(|id| **id != own).copied().flatten();
                other.filter(|_| ends.contains(&own))
            }
        }
    }

    /// The first hop on the way to a node: that node itself, who came from there, or any peer of our choice, another
    /// one every time.
    fn towards(
        &mut self,
        node: Option<PublicKey>,
        from: Option<PublicKey>,
        introduction: Option<PublicKey>,
    ) -> Result<Way, SendError> {
        let may_be_first = |id: &PublicKey| Some(*id) == from || self.standing(id) == Standing::Chosen;
        let direct = node.filter(|id| self.is_able(id) && may_be_first(id));
        let first = direct.or(from).or_else(|| {
            let chosen = self.chosen().count();
            let turn = self.turns.checked_rem(chosen)?;
            self.chosen().nth(turn)
        });
        self.turns = self.turns.wrapping_add(1);
        let first = first.ok_or(SendError::NoPeer)?;
        Ok(Way { first, introduction, is_whole: false })
    }
}

fn no_way(error: Error) -> SendError {
    SendError::Way(Box::new(error))
}

fn unknown() -> SendError {
    no_way(Error::new(ErrorKind::UnknownIntroduction, Rule::Msg5))
}
