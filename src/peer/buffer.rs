//! Bytes that wait, and never more of them than is allowed.

use alloc::vec::Vec;

use super::cipher::Cipher;
use crate::crypto::TAG_LEN;
use crate::tlv::MAX_LEN;

/// The encrypted length before a message, with its tag.
pub(super) const HEAD_LEN: usize = 2 + TAG_LEN;

/// The longest message as it stands on the wire.
pub(super) const MAX_FRAME: usize = HEAD_LEN + MAX_LEN + TAG_LEN;

/// An empty buffer above this size is given back: thousands of connections are idle most of the time.
const KEPT: usize = 4096;

/// Makes room for `more` bytes: twice as much as before, at most `max`, so that little is copied and nothing is
/// taken that no message can need.
pub(super) fn make_room(bytes: &mut Vec<u8>, more: usize, max: usize) {
    let needed = bytes.len().saturating_add(more);
    if needed > bytes.capacity() {
        let target = bytes.capacity().saturating_mul(2).min(max).max(needed);
        bytes.reserve_exact(target.saturating_sub(bytes.len()));
    }
}

/// Empties a buffer.
pub(super) fn clear(bytes: &mut Vec<u8>) {
    bytes.clear();
    if bytes.capacity() > KEPT {
        *bytes = Vec::new();
    }
}

/// What is to be sent.
#[derive(Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outgoing {
    /// What our own messages may take together.
    pub(super) const MAX: usize = 2 * MAX_FRAME;
    /// The same with what the peer is answered: whatever we send, there is room for the longest answer.
    pub(super) const MAX_WITH_ANSWERS: usize = 3 * MAX_FRAME;

    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// Whether a message of so many bytes fits below a limit.
    pub(super) fn has_room(&self, len: usize, max: usize) -> bool {
        self.waiting().len().saturating_add(len).saturating_add(HEAD_LEN + TAG_LEN) <= max
    }

    pub(super) fn sent(&mut self, count: usize) {
        self.sent = self.sent.saturating_add(count).min(self.bytes.len());
        if self.sent == self.bytes.len() {
            clear(&mut self.bytes);
            self.sent = 0;
        }
    }

    /// Adds bytes as they are.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Adds a message, and so many zeros at its end: at most [`MAX_LEN`] bytes together.
    pub(super) fn push_message(&mut self, cipher: &mut Cipher, parts: &[&[u8]], zeros: usize) {
        let len = parts.iter().fold(zeros, |len, part| len.saturating_add(part.len()));
        let Ok(encoded) = u16::try_from(len) else { return };
        self.make_room(len.saturating_add(HEAD_LEN + TAG_LEN));
        let mut head = encoded.to_be_bytes();
        let tag = cipher.seal(&mut head);
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(&tag);
        let start = self.bytes.len();
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.resize(start.saturating_add(len), 0);
        let tag = cipher.seal(self.bytes.get_mut(start..).unwrap_or_default());
        self.bytes.extend_from_slice(&tag);
    }

    fn make_room(&mut self, more: usize) {
        if self.sent > 0 && self.bytes.len().saturating_add(more) > self.bytes.capacity() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        make_room(&mut self.bytes, more, Self::MAX_WITH_ANSWERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // No more is taken than a message needs, and nothing is copied while there is room.
    #[test]
    fn room_is_made_when_it_is_needed() {
        let mut bytes = Vec::new();
        make_room(&mut bytes, 100, 1_000);
        assert_eq!(bytes.capacity(), 100);
        bytes.resize(60, 1);
        make_room(&mut bytes, 40, 1_000);
        assert_eq!(bytes.capacity(), 100);
        make_room(&mut bytes, 41, 1_000);
        assert_eq!(bytes.capacity(), 200);
        make_room(&mut bytes, 300, 250);
        assert_eq!(bytes.capacity(), 360);
        for (capacity, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
            let mut bytes = Vec::with_capacity(capacity);
            clear(&mut bytes);
            assert_eq!(bytes.capacity(), kept);
        }
    }

    #[test]
    fn what_was_sent_is_given_back_when_there_is_no_room_behind() {
        let mut out = Outgoing::default();
        out.push(&[1; 100]);
        out.sent(60);
        assert_eq!((out.bytes.capacity(), out.sent, out.waiting().len()), (100, 60, 40));
        out.push(&[2; 60]);
        assert_eq!((out.bytes.capacity(), out.sent), (100, 0));
        assert_eq!(out.waiting(), [[1; 40].as_slice(), &[2; 60]].concat());
        let mut roomy = Outgoing { bytes: Vec::with_capacity(200), sent: 0 };
        roomy.push(&[1; 100]);
        roomy.sent(60);
        roomy.push(&[2; 100]);
        assert_eq!((roomy.bytes.capacity(), roomy.sent, roomy.waiting().len()), (200, 60, 140));
        roomy.sent(140);
        assert_eq!((roomy.bytes.len(), roomy.sent), (0, 0));
    }

    // BOLT 8: a length with its tag, and a message with its own.
    #[test]
    fn a_message_has_two_tags() {
        let out = Outgoing::default();
        assert!(out.has_room(66, 100) && !out.has_room(67, 100));
        let mut out = Outgoing::default();
        out.push_message(&mut Cipher::new([1; 32].into(), [2; 32].into()), &[&[7; 10], &[8; 5]], 3);
        assert_eq!((out.waiting().len(), out.bytes.capacity()), (18 + 18 + 16, 18 + 18 + 16));
    }
}
