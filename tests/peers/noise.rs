//! BOLT 8 once more, as plainly as it can be written, to say to a connection what an honest one would not say.

use bolt12::secp256k1::ecdh::SharedSecret;
use bolt12::secp256k1::{PublicKey, Secp256k1, SecretKey};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    hmac.update(text);
    hmac.finalize().into_bytes().into()
}

fn hkdf(salt: [u8; 32], input: &[u8]) -> ([u8; 32], [u8; 32]) {
    let prk = hmac(&salt, input);
    let one = hmac(&prk, &[1]);
    (one, hmac(&prk, &[&one[..], &[2]].concat()))
}

fn sha(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

fn seal(key: [u8; 32], n: u64, aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let nonce: [u8; 12] = [&[0; 4][..], &n.to_le_bytes()].concat().try_into().unwrap();
    let mut bytes = msg.to_vec();
    let cipher = ChaCha20Poly1305::new(&key.into());
    let tag = cipher.encrypt_inout_detached(&nonce.into(), aad, bytes.as_mut_slice().into()).unwrap();
    [bytes, tag.to_vec()].concat()
}

fn open(key: [u8; 32], n: u64, aad: &[u8], msg: &[u8]) -> Vec<u8> {
    let nonce: [u8; 12] = [&[0; 4][..], &n.to_le_bytes()].concat().try_into().unwrap();
    let (bytes, tag) = msg.split_last_chunk::<16>().unwrap();
    let mut bytes = bytes.to_vec();
    let cipher = ChaCha20Poly1305::new(&key.into());
    let tag = Tag::from(*tag);
    cipher.decrypt_inout_detached(&nonce.into(), aad, bytes.as_mut_slice().into(), &tag).unwrap();
    bytes
}

fn ecdh(point: &[u8], secret: &SecretKey) -> [u8; 32] {
    SharedSecret::new(&PublicKey::from_slice(point).unwrap(), secret).secret_bytes()
}

fn public(secret: &SecretKey) -> [u8; 33] {
    secret.public_key(&Secp256k1::new()).serialize()
}

/// One direction.
struct Way {
    key: [u8; 32],
    ck: [u8; 32],
    n: u64,
}

impl Way {
    fn next(&mut self) -> ([u8; 32], u64) {
        if self.n == 1000 {
            (self.ck, self.key) = hkdf(self.ck, &self.key);
            self.n = 0;
        }
        self.n += 1;
        (self.key, self.n - 1)
    }
}

/// An initiator that waits for act two.
pub(crate) struct Waiting {
    s: SecretKey,
    e: SecretKey,
    h: [u8; 32],
    ck: [u8; 32],
}

impl Waiting {
    /// Takes act two, gives act three.
    pub(crate) fn finish(self, act_two: &[u8]) -> (Vec<u8>, Noise) {
        let (re, c) = (&act_two[1..34], &act_two[34..]);
        let h = sha(&[&self.h, re]);
        let (ck, k2) = hkdf(self.ck, &ecdh(re, &self.e));
        open(k2, 0, &h, c);
        let h = sha(&[&h, c]);
        let c = seal(k2, 1, &h, &public(&self.s));
        let h = sha(&[&h, &c]);
        let (ck, k3) = hkdf(ck, &ecdh(re, &self.s));
        let t = seal(k3, 0, &h, b"");
        let (sk, rk) = hkdf(ck, b"");
        let way = |key| Way { key, ck, n: 0 };
        let act_three = [&[0][..], &c, &t].concat();
        (act_three, Noise { sending: way(sk), receiving: way(rk), arrived: Vec::new() })
    }
}

/// A connected initiator.
pub(crate) struct Noise {
    sending: Way,
    receiving: Way,
    arrived: Vec<u8>,
}

impl Noise {
    /// Gives act one.
    pub(crate) fn connect(key: [u8; 32], ephemeral: [u8; 32], node: PublicKey) -> (Vec<u8>, Waiting) {
        let [s, e] = [key, ephemeral].map(|secret| SecretKey::from_slice(&secret).unwrap());
        let name = sha(&[b"Noise_XK_secp256k1_ChaChaPoly_SHA256"]);
        let h = sha(&[&sha(&[&name, b"lightning"]), &node.serialize()]);
        let h = sha(&[&h, &public(&e)]);
        let (ck, k1) = hkdf(name, &ecdh(&node.serialize(), &e));
        let c = seal(k1, 0, &h, b"");
        let h = sha(&[&h, &c]);
        ([&[0][..], &public(&e), &c].concat(), Waiting { s, e, h, ck })
    }

    /// A frame.
    pub(crate) fn frame(&mut self, message: &[u8]) -> Vec<u8> {
        let len = u16::try_from(message.len()).unwrap().to_be_bytes();
        let (key, n) = self.sending.next();
        let head = seal(key, n, b"", &len);
        let (key, n) = self.sending.next();
        [head, seal(key, n, b"", message)].concat()
    }

    /// The messages in what arrived.
    pub(crate) fn messages(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.arrived.extend_from_slice(bytes);
        let mut messages = Vec::new();
        let mut at = 0;
        while self.arrived.len() > at {
            let (key, n) = self.receiving.next();
            let len = open(key, n, b"", &self.arrived[at..at + 18]);
            let len = usize::from(u16::from_be_bytes([len[0], len[1]])) + 16;
            let (key, n) = self.receiving.next();
            messages.push(open(key, n, b"", &self.arrived[at + 18..at + 18 + len]));
            at += 18 + len;
        }
        self.arrived.clear();
        messages
    }
}
