//! The payee: writes its invoices by hand, so that it can also write wrong ones.

use std::sync::OnceLock;

use bolt12::bitcoin::hashes::{Hash as _, sha256};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{BlindedPath, ChainHash, Invoice, Msat, OfferBuilder, Preimage, TlvStream, UnixTime, Unsigned};

/// When everything begins.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);

/// What both sides pay on.
pub(crate) const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

/// A key for each number.
pub(crate) fn key(number: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[number; 32]).expect("a number above 0 is a key")
}

fn point(number: u8) -> PublicKey {
    key(number).public_key()
}

/// Whose key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Signer {
    /// Whoever made the offer, or claims the refund.
    Issuer,
    /// Another claimant.
    Other,
}

impl Signer {
    fn keypair(self) -> &'static Keypair {
        static KEYS: OnceLock<[Keypair; 2]> = OnceLock::new();
        let [issuer, other] = KEYS.get_or_init(|| [key(0x41), key(0x43)]);
        match self {
            Self::Issuer => issuer,
            Self::Other => other,
        }
    }
}

/// A path to a node whose last hop holds some data.
pub(crate) fn path(node: u8, data: &[u8]) -> BlindedPath<'static> {
    let hops = [(point(node), &b"next"[..]), (point(node + 1), data)];
    BlindedPath::new(point(node).into(), point(0x52), hops).expect("a path of two hops")
}

/// An offer that the issuer's key signs invoices for, with so many paths.
pub(crate) fn offer(paths: u8) -> OfferBuilder {
    let builder = OfferBuilder::new(Signer::Issuer.keypair().public_key()).description("tea");
    (0..paths).fold(builder, |builder, position| builder.add_path(path(0x60 + 2 * position, &[position; 32])))
}

/// What an invoice says beside repeating its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) amount: Msat,
    /// What its path costs.
    pub(crate) fee: u32,
    pub(crate) created_at: UnixTime,
    /// How long it can be paid, in seconds.
    pub(crate) expiry: u32,
    /// When period 0 of a subscription started.
    pub(crate) basetime: Option<UnixTime>,
    pub(crate) preimage: Preimage,
    pub(crate) signer: Signer,
}

impl Bill {
    /// The hash under which it is paid.
    pub(crate) fn payment_hash(&self) -> sha256::Hash {
        self.preimage.payment_hash()
    }

    /// The invoice for a request, or for a refund.
    pub(crate) fn invoice(&self, request: &[u8]) -> Invoice {
        let request = TlvStream::read(request.to_vec()).expect("a request that was made");
        let mut bytes = Vec::new();
        let records = request.records().map(|record| (record.number(), record.as_bytes()));
        let is_repeated = |number: u64| number < 160 || (1_000_000_000..3_000_000_000).contains(&number);
        let (low, high): (Vec<_>, Vec<_>) =
            records.filter(|(number, _)| is_repeated(*number)).partition(|(number, _)| *number < 160);
        low.iter().for_each(|(_, record)| bytes.extend_from_slice(record));
        static PATH: OnceLock<BlindedPath<'static>> = OnceLock::new();
        put(&mut bytes, 160, PATH.get_or_init(|| path(0x55, &[1; 24])).as_bytes());
        put(&mut bytes, 162, &self.payinfo());
        put(&mut bytes, 164, truncated(&self.created_at.0.to_be_bytes()));
        put(&mut bytes, 166, truncated(&self.expiry.to_be_bytes()));
        put(&mut bytes, 168, self.payment_hash().as_byte_array());
        put(&mut bytes, 170, truncated(&self.amount.0.to_be_bytes()));
        put(&mut bytes, 176, &self.signer.keypair().public_key().serialize());
        high.iter().for_each(|(_, record)| bytes.extend_from_slice(record));
        if let Some(basetime) = self.basetime {
            put(&mut bytes, 3_000_000_177, truncated(&basetime.0.to_be_bytes()));
        }
        let unsigned = Unsigned::<Invoice>::try_from(bytes).expect("an invoice as the specification wants it");
        unsigned.sign(self.signer.keypair()).expect("the key that it names")
    }

    fn payinfo(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.fee.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&144_u16.to_be_bytes());
        bytes.extend_from_slice(&1_u64.to_be_bytes());
        bytes.extend_from_slice(&(1_u64 << 60).to_be_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes
    }
}

/// A number without its leading zeros.
fn truncated(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

fn put(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_size(out, number);
    put_size(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_size(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0xfc => out.push(number as u8),
        0xfd..=0xffff => {
            out.push(0xfd);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        _ => {
            out.push(0xfe);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
    }
}
