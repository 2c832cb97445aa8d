//! What was heard, and what was dropped.

use core::fmt;

/// What became of messages since the start, so that nothing is dropped without anybody knowing.
///
/// `Display` says what was dropped, and why, in one line; `None` if nothing was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Taken out of their onions, for us.
    pub heard: u64,
    /// Passed on to another peer.
    pub passed_on: u64,
    /// Came from a peer that has no place.
    pub not_heard: u64,
    /// Came faster than [`Limits`](super::Limits) allow, for so long that there was no room to wait.
    pub too_many: u64,
    /// Came before, byte for byte.
    pub replayed: u64,
    /// Were no onion messages for us.
    pub not_for_us: u64,
    /// Were for us, and not about offers, or not as they should be.
    pub unusable: u64,
    /// Asked for an answer that has no room, or no way.
    pub unanswerable: u64,
    /// Were to be passed on to a node that is not a peer, or has no room; or nothing is passed on here.
    pub not_passed_on: u64,
    /// Waited to be sent, and gave way to those of others.
    pub displaced: u64,
    /// Waited to be sent, or to be opened, when the connection ended.
    pub disconnected: u64,
}

impl Counts {
    /// How many were dropped, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.reasons().iter().fold(0, |sum, (count, _)| sum.saturating_add(*count))
    }

    fn reasons(&self) -> [(u64, &'static str); 9] {
        [
            (self.not_heard, "from peers that are not heard"),
            (self.too_many, "sent too fast"),
            (self.replayed, "replayed"),
            (self.not_for_us, "not for us"),
            (self.unusable, "unusable"),
            (self.unanswerable, "that could not be answered"),
            (self.not_passed_on, "not passed on"),
            (self.displaced, "displaced by those of others"),
            (self.disconnected, "lost with their connection"),
        ]
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (count, reason) in self.reasons().into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{separator}{count} {reason}")?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn reasons_are_listed() {
        let some = Counts { heard: 7, replayed: 1, displaced: 2, disconnected: 3, ..Counts::default() };
        assert_eq!(some.to_string(), "1 replayed, 2 displaced by those of others, 3 lost with their connection");
        assert_eq!(Counts { heard: 7, ..Counts::default() }.to_string(), "");
    }
}
