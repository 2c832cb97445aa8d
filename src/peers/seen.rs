//! Which messages came before.

use alloc::collections::{BTreeSet, VecDeque};

use sha2::{Digest, Sha256};

use crate::onion::OnionMessage;

/// How many messages are remembered: 128 KiB.
const REMEMBERED: usize = 4_096;

/// Sixteen bytes of a hash over all of a message: who makes two that share them has no use for that.
type Print = [u8; 16];

/// The messages that were opened last. An onion is made anew each time, so that anyone who sends one twice replays it,
/// and hashing it costs a twentieth of opening it.
#[derive(Default)]
pub(super) struct Seen {
    prints: BTreeSet<Print>,
    order: VecDeque<Print>,
}

impl Seen {
    /// Whether it is new. If so, it is not any more.
    pub(super) fn is_new(&mut self, message: &OnionMessage) -> bool {
        let hash: [u8; 32] = Sha256::digest(message.as_bytes()).into();
        let print = hash.first_chunk().copied().unwrap_or_default();
        if !self.prints.insert(print) {
            return false;
        }
        self.order.push_back(print);
        if self.order.len() > REMEMBERED {
            if let Some(oldest) = self.order.pop_front() {
                self.prints.remove(&oldest);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::onion;

    // EXC-20: the latest are refused, and no more are remembered.
    #[test]
    fn the_latest_are_remembered() {
        let mut seen = Seen::default();
        let mut is_new = |number| seen.is_new(&onion(200, number));
        assert!((0..REMEMBERED).all(&mut is_new));
        assert!(!(0..REMEMBERED).any(&mut is_new));
        // One more, and the first is forgotten; then the second.
        assert!(is_new(REMEMBERED) && is_new(0));
        assert!(!(2..=REMEMBERED).any(&mut is_new) && is_new(1));
        assert_eq!((seen.prints.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
    }
}
