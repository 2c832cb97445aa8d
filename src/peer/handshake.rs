//! BOLT 8's handshake: three acts, after which both sides have keys and each has shown that it has its own.

use secp256k1::{Keypair, PublicKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::buffer::Outgoing;
use super::cipher::{Cipher, hkdf, open, seal};
use super::error::ConnectionError;
use crate::crypto::{Bytes32, TAG_LEN};
use crate::onion::keys::{Secret, Shared};

/// Acts one and two: version, ephemeral key, tag.
const ACT_LEN: usize = 1 + 33 + TAG_LEN;
/// Act three: version, encrypted key with its tag, tag.
const ACT_THREE_LEN: usize = 1 + 33 + TAG_LEN + TAG_LEN;

/// The only version of the handshake.
const VERSION: u8 = 0;

/// The keys of both directions.
pub(super) struct Keys {
    pub(super) sending: Cipher,
    pub(super) receiving: Cipher,
}

/// What both sides know so far.
struct Transcript {
    /// A hash of all that was sent. No secret.
    hash: [u8; 32],
    /// What follows from all shared secrets.
    chaining: Bytes32,
}

impl Transcript {
    fn new(responder: &PublicKey) -> Self {
        let name: [u8; 32] = Sha256::digest(b"Noise_XK_secp256k1_ChaChaPoly_SHA256").into();
        let mut transcript = Self { hash: name, chaining: Zeroizing::new(name) };
        transcript.add(b"lightning");
        transcript.add(&responder.serialize());
        transcript
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hash = Sha256::new().chain_update(self.hash).chain_update(bytes).finalize().into();
    }

    /// Adds a shared secret, and returns a key that only those who share it know.
    fn agree(&mut self, point: &PublicKey, secret: &Secret) -> Bytes32 {
        let (chaining, key) = hkdf(&self.chaining, Shared::new(point, secret).bytes().as_slice());
        self.chaining = chaining;
        key
    }

    /// Shows that the key is known.
    fn confirm(&mut self, key: &Bytes32) -> [u8; TAG_LEN] {
        let tag = seal(key, 0, &self.hash, &mut []);
        self.add(&tag);
        tag
    }

    /// Whether the other side knows the key.
    #[must_use]
    fn is_confirmed(&mut self, key: &Bytes32, tag: &[u8; TAG_LEN]) -> bool {
        let is_confirmed = open(key, 0, &self.hash, &mut { *tag }).is_some();
        self.add(tag);
        is_confirmed
    }

    /// The initiator's key to send with, then the responder's.
    fn keys(&self) -> (Cipher, Cipher) {
        let (initiator, responder) = hkdf(&self.chaining, &[]);
        (Cipher::new(initiator, self.chaining.clone()), Cipher::new(responder, self.chaining.clone()))
    }

    /// Act one or two: a new key, and a tag that shows what it agrees on.
    fn write(&mut self, ephemeral: &Secret, with: &PublicKey) -> ([u8; ACT_LEN], Bytes32) {
        let point = ephemeral.public_key().serialize();
        self.add(&point);
        let key = self.agree(with, ephemeral);
        let tag = self.confirm(&key);
        (joined(&point, &tag), key)
    }

    /// The other side of [`write`](Self::write). `None` in place of the key if the tag is wrong.
    fn read(
        &mut self,
        point: &[u8],
        tag: &[u8; TAG_LEN],
        own: &Secret,
    ) -> Result<(PublicKey, Option<Bytes32>), ConnectionError> {
        self.add(point);
        let point = PublicKey::from_slice(point).map_err(|_| ConnectionError::InvalidKey)?;
        let key = self.agree(&point, own);
        let key = self.is_confirmed(&key, tag).then_some(key);
        Ok((point, key))
    }
}

/// Version and two parts.
fn joined<const LEN: usize>(first: &[u8], second: &[u8]) -> [u8; LEN] {
    let mut act = [0; LEN];
    let bytes = [VERSION].into_iter().chain(first.iter().copied()).chain(second.iter().copied());
    for (slot, byte) in act.iter_mut().zip(bytes) {
        *slot = byte;
    }
    act
}

/// What stands between version, which was checked, and tag; and the tag.
fn parts(act: &[u8]) -> Result<(&[u8], &[u8; TAG_LEN]), ConnectionError> {
    act.get(1..).and_then(<[u8]>::split_last_chunk).ok_or(ConnectionError::InvalidKey)
}

/// Refuses what the first byte gives away, without waiting for more.
pub(super) fn check_version(act: &[u8]) -> Result<(), ConnectionError> {
    match act.first() {
        None | Some(&VERSION) => Ok(()),
        Some(&first_byte) => Err(ConnectionError::NotLightning { first_byte }),
    }
}

/// What is awaited.
enum Act {
    /// By the responder.
    One,
    /// By the initiator, who knows whom it connects to.
    Two { peer: PublicKey },
    /// By the responder, which has the key that hides the initiator's.
    Three { key: Bytes32 },
}

/// One side of a handshake that is not over. It is changed in place, and wiped in place.
pub(super) struct Handshake {
    transcript: Transcript,
    key: Secret,
    ephemeral: Secret,
    awaited: Act,
}

impl Handshake {
    /// The initiator's side, and act one.
    pub(super) fn outbound(key: &Keypair, ephemeral: Secret, peer: PublicKey) -> (Self, [u8; ACT_LEN]) {
        let mut transcript = Transcript::new(&peer);
        let (act, _) = transcript.write(&ephemeral, &peer);
        (Self { transcript, key: Secret::of(key), ephemeral, awaited: Act::Two { peer } }, act)
    }

    /// The responder's side.
    pub(super) fn inbound(key: &Keypair, ephemeral: Secret) -> Self {
        let transcript = Transcript::new(&key.public_key());
        Self { transcript, key: Secret::of(key), ephemeral, awaited: Act::One }
    }

    /// How long the act is that is awaited.
    pub(super) fn awaited(&self) -> usize {
        match self.awaited {
            Act::One | Act::Two { .. } => ACT_LEN,
            Act::Three { .. } => ACT_THREE_LEN,
        }
    }

    /// Who is to answer, if nobody has.
    pub(super) fn expects(&self) -> Option<PublicKey> {
        match self.awaited {
            Act::Two { peer } => Some(peer),
            _ => None,
        }
    }

    /// Takes the act that is awaited, and sends the next. Gives the peer and the keys if the handshake is complete.
    pub(super) fn advance(
        &mut self,
        act: &[u8],
        out: &mut Outgoing,
    ) -> Result<Option<(PublicKey, Keys)>, ConnectionError> {
        let (body, tag) = parts(act)?;
        match &self.awaited {
            Act::One => {
                let (point, key) = self.transcript.read(body, tag, &self.key)?;
                key.ok_or(ConnectionError::NotForUs)?;
                let (act, key) = self.transcript.write(&self.ephemeral, &point);
                self.awaited = Act::Three { key };
                out.push(&act);
                Ok(None)
            }
            Act::Two { peer } => {
                let peer = *peer;
                let (point, key) = self.transcript.read(body, tag, &self.ephemeral)?;
                let key = key.ok_or(ConnectionError::WrongNodeId { expected: peer })?;
                out.push(&self.act_three(&point, &key));
                let (sending, receiving) = self.transcript.keys();
                Ok(Some((peer, Keys { sending, receiving })))
            }
            Act::Three { key } => {
                let mut own = [0; 33 + TAG_LEN];
                own.copy_from_slice(body);
                let own = open(key, 1, &self.transcript.hash, &mut own).ok_or(ConnectionError::NotAuthentic)?;
                let peer = PublicKey::from_slice(own).map_err(|_| ConnectionError::InvalidKey)?;
                self.transcript.add(body);
                let key = self.transcript.agree(&peer, &self.ephemeral);
                if !self.transcript.is_confirmed(&key, tag) {
                    return Err(ConnectionError::NotAuthentic);
                }
                let (receiving, sending) = self.transcript.keys();
                Ok(Some((peer, Keys { sending, receiving })))
            }
        }
    }

    /// Says who connects, which only the responder can read.
    fn act_three(&mut self, point: &PublicKey, key: &Bytes32) -> [u8; ACT_THREE_LEN] {
        let mut encrypted = [0; 33 + TAG_LEN];
        let (own, tag) = encrypted.split_at_mut(33);
        own.copy_from_slice(&self.key.public_key().serialize());
        tag.copy_from_slice(&seal(key, 1, &self.transcript.hash, own));
        self.transcript.add(&encrypted);
        let key = self.transcript.agree(point, &self.key);
        let tag = self.transcript.confirm(&key);
        joined(&encrypted, &tag)
    }
}
