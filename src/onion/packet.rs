//! The onion itself: BOLT 4's Sphinx packet.

use alloc::vec::Vec;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use hmac::Mac;
use secp256k1::PublicKey;

use super::keys::{Secret, Shared, derive};
use super::refusal::Refusal;
use crate::crypto::{Bytes32, mac};
use crate::error::{Error, ErrorKind, Rule};
use crate::tlv::bigsize::{self, BigSize};

/// The bytes for all hops together, in a packet that looks like a payment's.
pub(super) const SMALL: usize = 1300;
/// The same for what does not fit.
pub(super) const LARGE: usize = 32768;

/// Version and ephemeral key stand before the hops' payloads, an HMAC after them.
const HEAD_LEN: usize = 34;
const MAC_LEN: usize = 32;

/// The bytes of a packet beside the hops' payloads.
pub(super) const OVERHEAD: usize = HEAD_LEN + MAC_LEN;

/// One hop of a packet that is made.
pub(super) struct Layer {
    /// The hop's key, blinded.
    pub(super) id: PublicKey,
    /// Its TLV stream.
    pub(super) payload: Vec<u8>,
}

impl Layer {
    /// The bytes that the hop takes: length, payload and HMAC.
    fn len(&self) -> usize {
        BigSize::new(self.payload.len() as u64).as_ref().len() + self.payload.len() + MAC_LEN
    }
}

fn cipher(rho: &Bytes32) -> ChaCha20 {
    ChaCha20::new((&**rho).into(), &[0; 12].into())
}

/// Appends a packet for these hops: the smaller of the two sizes that holds them.
pub(super) fn build(out: &mut Vec<u8>, session: Secret, hops: &[Layer], associated: &[u8]) -> Result<(), Error> {
    let used = hops.iter().fold(0usize, |sum, hop| sum.saturating_add(hop.len()));
    let size = [SMALL, LARGE].into_iter().find(|size| used <= *size);
    let too_long = || Error::new(ErrorKind::TooLong { len: used, max: LARGE }, Rule::Msg1);
    let size = size.ok_or_else(too_long)?;

    // What no hop uses must not tell how much that is.
    let mut data = alloc::vec![0; size];
    let pad = derive(b"pad", &session.bytes());
    cipher(&pad).try_apply_keystream(&mut data).map_err(|_| too_long())?;

    let ephemeral = session.public_key();
    let keys = shared_secrets(session, ephemeral, hops)?;
    let filler = filler(&keys, hops, size).ok_or_else(too_long)?;
    let mut next_mac = [0; MAC_LEN];
    for (at, (hop, shared)) in hops.iter().zip(&keys).enumerate().rev() {
        data.copy_within(..size - hop.len(), hop.len());
        let len = BigSize::new(hop.payload.len() as u64);
        let mut front = data.as_mut_slice();
        for part in [len.as_ref(), &hop.payload, &next_mac] {
            let (slot, behind) = front.split_at_mut_checked(part.len()).ok_or_else(too_long)?;
            slot.copy_from_slice(part);
            front = behind;
        }
        cipher(&shared.rho()).try_apply_keystream(&mut data).map_err(|_| too_long())?;
        if at + 1 == hops.len() {
            // The bytes that earlier hops will add when they peel.
            if let Some(end) = data.get_mut(size - filler.len()..) {
                end.copy_from_slice(&filler);
            }
        }
        next_mac =
            mac(shared.mu().as_slice()).chain_update(&data).chain_update(associated).finalize().into_bytes().into();
    }
    out.reserve(size + OVERHEAD);
    out.push(0);
    out.extend_from_slice(&ephemeral.serialize());
    out.extend_from_slice(&data);
    out.extend_from_slice(&next_mac);
    Ok(())
}

/// What the sender shares with each hop.
fn shared_secrets(mut session: Secret, mut ephemeral: PublicKey, hops: &[Layer]) -> Result<Vec<Shared>, Error> {
    let mut keys = Vec::with_capacity(hops.len());
    for (at, hop) in hops.iter().enumerate() {
        let shared = Shared::new(&hop.id, &session);
        if at + 1 < hops.len() {
            session = session.times(&shared.next(&ephemeral)?)?;
            // The last hop's ephemeral key is needed by nobody but the hop.
            if at + 2 < hops.len() {
                ephemeral = session.public_key();
            }
        }
        keys.push(shared);
    }
    Ok(keys)
}

/// The end of the last hop's packet: zeros that the hops before append, each encrypted by all hops on the way.
fn filler(keys: &[Shared], hops: &[Layer], size: usize) -> Option<Vec<u8>> {
    let Some((_, before)) = hops.split_last() else { return Some(Vec::new()) };
    let mut filler = Vec::with_capacity(before.iter().map(Layer::len).sum());
    for (hop, shared) in before.iter().zip(keys) {
        let start = size - filler.len();
        filler.resize(filler.len() + hop.len(), 0);
        let mut cipher = cipher(&shared.rho());
        cipher.try_seek(start).ok()?;
        cipher.try_apply_keystream(&mut filler).ok()?;
    }
    Some(filler)
}

/// What a hop finds in a packet.
pub(super) struct Opened {
    /// Its TLV stream.
    pub(super) payload: Vec<u8>,
    /// What is left; nothing at the last hop.
    pub(super) rest: Option<Rest>,
}

/// What is left of a packet for the next hop.
pub(super) struct Rest {
    shared: Shared,
    ephemeral: PublicKey,
    data: Vec<u8>,
    mac: [u8; MAC_LEN],
}

impl Rest {
    pub(super) fn len(&self) -> usize {
        self.data.len() + OVERHEAD
    }

    /// Appends the next hop's packet.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let ephemeral = self.shared.next(&self.ephemeral)?.times(self.ephemeral)?;
        out.push(0);
        out.extend_from_slice(&ephemeral.serialize());
        out.extend_from_slice(&self.data);
        out.extend_from_slice(&self.mac);
        Ok(())
    }
}

/// A packet whose form is right; it may still be for somebody else.
pub(super) struct Packet<'a> {
    ephemeral: PublicKey,
    data: &'a [u8],
    mac: &'a [u8; MAC_LEN],
}

impl<'a> Packet<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_LEN>().ok_or(Refusal::Malformed)?;
        let (data, mac) = rest.split_last_chunk().ok_or(Refusal::Malformed)?;
        match head.split_first() {
            Some((0, key)) => {
                let ephemeral = PublicKey::from_slice(key).map_err(|_| Refusal::Malformed)?;
                Ok(Self { ephemeral, data, mac })
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// Opens the packet with the key it was made for, which is compared in constant time.
    pub(super) fn open(&self, key: &Secret, associated: &[u8]) -> Result<Opened, Refusal> {
        let shared = Shared::new(&self.ephemeral, key);
        mac(shared.mu().as_slice())
            .chain_update(self.data)
            .chain_update(associated)
            .verify(self.mac.into())
            .map_err(|_| Refusal::NotAuthentic)?;
        let mut data = self.data.to_vec();
        let mut cipher = cipher(&shared.rho());
        cipher.try_apply_keystream(&mut data).map_err(|_| Refusal::Unusable)?;

        let (len, start) = bigsize::read(&data, 0).map_err(|_| Refusal::Unusable)?;
        let len = usize::try_from(len).map_err(|_| Refusal::Unusable)?;
        let rest = data.get(start..).unwrap_or_default();
        let (payload, rest) = rest.split_at_checked(len).ok_or(Refusal::Unusable)?;
        let (mac, _) = rest.split_first_chunk::<MAC_LEN>().ok_or(Refusal::Unusable)?;
        let (payload, mac) = (payload.to_vec(), *mac);
        if mac == [0; MAC_LEN] {
            return Ok(Opened { payload, rest: None });
        }
        let used = start + len + MAC_LEN;
        data.copy_within(used.., 0);
        // What was used is made up for by zeros, as the sender knows.
        let left = data.len() - used;
        let end = data.get_mut(left..).unwrap_or_default();
        end.fill(0);
        cipher.try_apply_keystream(end).map_err(|_| Refusal::Unusable)?;
        Ok(Opened { payload, rest: Some(Rest { shared, ephemeral: self.ephemeral, data, mac }) })
    }
}
