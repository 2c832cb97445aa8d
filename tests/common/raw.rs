//! Messages as maps of types and values that can be edited freely, with an encoder and a merkle tree
//! of their own: nothing here goes through the code under test.
#![allow(dead_code, reason = "every test file uses another part of it")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, Message, PublicKey, Secp256k1};
use bolt12::{
    AcceptedRequest, BlindedPath, ChainHash, Error, ErrorKind, Features, Field, InvoiceBuilder, Msat, PayInfo, Rule,
    UnixTime,
};

/// The time at which invoices of [`invoice`] were made.
pub(crate) const CREATED_AT: u64 = 1_800_000_000;
/// The price of the offer of [`offer`].
pub(crate) const PRICE: u64 = 10_000;
/// More bitcoin than there is, in millisatoshi (D3).
pub(crate) const TOO_MUCH: u64 = 2_100_000_000_000_000_001;
/// What the last seconds and first seconds too late are told apart with.
pub(crate) const TWO_HOURS: Duration = Duration::from_secs(7200);

pub(crate) fn key(seed: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[seed; 32]).unwrap()
}

pub(crate) fn point(seed: u8) -> PublicKey {
    key(seed).public_key()
}

pub(crate) fn issuer() -> Keypair {
    key(0x11)
}

pub(crate) fn payer() -> Keypair {
    key(0x22)
}

/// Whose key is the last one of [`path`].
pub(crate) fn recipient() -> Keypair {
    key(0x33)
}

pub(crate) fn hash(byte: u8) -> sha256::Hash {
    sha256::Hash::from_byte_array([byte; 32])
}

pub(crate) fn mainnet() -> [u8; 32] {
    ChainHash::BITCOIN.to_bytes()
}

pub(crate) fn testnet() -> [u8; 32] {
    ChainHash::TESTNET3.to_bytes()
}

/// A message as types and values, in no particular form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raw(pub(crate) BTreeMap<u64, Vec<u8>>);

impl Raw {
    pub(crate) fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a well-formed stream apart.
    pub(crate) fn of(mut bytes: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        while !bytes.is_empty() {
            let number = take_bigsize(&mut bytes);
            let len = take_bigsize(&mut bytes);
            let (value, rest) = bytes.split_at(len as usize);
            fields.insert(number, value.to_vec());
            bytes = rest;
        }
        Self(fields)
    }

    pub(crate) fn with(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.0.insert(number, value.into());
        self
    }

    pub(crate) fn with_number(self, number: u64, value: u64) -> Self {
        self.with(number, tu64(value))
    }

    pub(crate) fn without(mut self, number: u64) -> Self {
        self.0.remove(&number).expect("a field that is there");
        self
    }

    pub(crate) fn get(&self, number: u64) -> &[u8] {
        &self.0[&number]
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(number, value)| record(*number, value)).collect()
    }

    /// Where a field's record starts in the encoded message.
    pub(crate) fn record_at(&self, number: u64) -> usize {
        assert!(self.0.contains_key(&number));
        self.0.range(..number).map(|(number, value)| record(*number, value).len()).sum()
    }

    /// Where a field's value starts in the encoded message.
    pub(crate) fn value_at(&self, number: u64) -> usize {
        self.record_at(number) + record(number, &self.0[&number]).len() - self.0[&number].len()
    }

    /// The fields of some types, signatures left out.
    pub(crate) fn only(&self, wanted: impl Fn(u64) -> bool) -> Self {
        let wanted = |number| wanted(number) && !is_signature(number);
        Self(self.0.iter().filter(|(number, _)| wanted(**number)).map(|(n, value)| (*n, value.clone())).collect())
    }

    /// What SIG-1 to SIG-4 sign, level by level and with every leaf in memory.
    pub(crate) fn digest(&self, message: &str) -> [u8; 32] {
        let records = self.0.iter().filter(|(number, _)| !is_signature(**number));
        let records: Vec<_> = records.map(|(number, value)| (*number, record(*number, value))).collect();
        let mut nonce_tag = b"LnNonce".to_vec();
        nonce_tag.extend(&records[0].1);
        let mut level: Vec<[u8; 32]> = Vec::new();
        for (number, record) in &records {
            level.push(branch(tagged(b"LnLeaf", record), tagged(&nonce_tag, &bigsize(*number))));
        }
        while level.len() > 1 {
            let pair = |pair: &[[u8; 32]]| if let [a, b] = pair { branch(*a, *b) } else { pair[0] };
            level = level.chunks(2).map(pair).collect();
        }
        tagged(format!("lightning{message}signature").as_bytes(), &level[0])
    }

    fn signed_as(self, message: &str, key: &Keypair) -> Self {
        let digest = Message::from_digest(self.digest(message));
        let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&digest, key);
        self.with(240, signature.as_ref().as_slice())
    }

    /// Signs a request or a refund as it now stands.
    pub(crate) fn sign_request(self, key: &Keypair) -> Self {
        self.signed_as("invoice_request", key)
    }

    /// Signs an invoice as it now stands.
    pub(crate) fn sign_invoice(self, key: &Keypair) -> Self {
        self.signed_as("invoice", key)
    }

    /// Reads the message, which has to be valid.
    #[track_caller]
    pub(crate) fn read<T: TryFrom<Vec<u8>, Error = Error>>(&self) -> T {
        T::try_from(self.encode()).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Reads the message, which must not be valid.
    #[track_caller]
    pub(crate) fn refusal<T: TryFrom<Vec<u8>, Error = Error> + Debug>(&self) -> Error {
        T::try_from(self.encode()).expect_err("this is against a rule")
    }
}

fn is_signature(number: u64) -> bool {
    (240..=1000).contains(&number)
}

fn tagged(tag: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag).to_byte_array();
    sha256::Hash::hash(&[tag.as_slice(), &tag, message].concat()).to_byte_array()
}

fn branch(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    tagged(b"LnBranch", &if a < b { [a, b] } else { [b, a] }.concat())
}

pub(crate) fn bigsize(number: u64) -> Vec<u8> {
    let be = number.to_be_bytes();
    match number {
        0..=0xfc => vec![number as u8],
        0xfd..=0xffff => [&[0xfd], &be[6..]].concat(),
        0x1_0000..=0xffff_ffff => [&[0xfe], &be[4..]].concat(),
        _ => [&[0xff], &be[..]].concat(),
    }
}

fn take_bigsize(bytes: &mut &[u8]) -> u64 {
    let (first, rest) = bytes.split_first().unwrap();
    let len = match first {
        0xfd => 2,
        0xfe => 4,
        0xff => 8,
        _ => 0,
    };
    let (digits, rest) = rest.split_at(len);
    *bytes = rest;
    if len == 0 { u64::from(*first) } else { digits.iter().fold(0, |n, digit| n << 8 | u64::from(*digit)) }
}

pub(crate) fn tu64(number: u64) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

pub(crate) fn record(number: u64, value: &[u8]) -> Vec<u8> {
    [bigsize(number), bigsize(value.len() as u64), value.to_vec()].concat()
}

/// A blinded path of as many hops as there are keys, from a node to the last key.
pub(crate) fn path_over(hops: &[PublicKey]) -> Vec<u8> {
    let mut path = point(0x44).serialize().to_vec();
    path.extend(point(0x45).serialize());
    path.push(hops.len() as u8);
    for hop in hops {
        path.extend(hop.serialize());
        path.extend([0, 3, 0xaa, 0xbb, 0xcc]);
    }
    path
}

/// A path of two hops to [`recipient`].
pub(crate) fn path() -> Vec<u8> {
    path_over(&[point(0x46), recipient().public_key()])
}

/// The same as a value.
pub(crate) fn blinded_path() -> BlindedPath<'static> {
    BlindedPath::from_bytes(&path()).unwrap().into_owned()
}

/// Fees and limits, with features as they stand.
pub(crate) fn payinfo(features: &[u8]) -> Vec<u8> {
    let mut payinfo = Vec::new();
    payinfo.extend(1_000u32.to_be_bytes());
    payinfo.extend(100u32.to_be_bytes());
    payinfo.extend(80u16.to_be_bytes());
    payinfo.extend(1u64.to_be_bytes());
    payinfo.extend(2_100_000_000_000_000_000u64.to_be_bytes());
    payinfo.extend((features.len() as u16).to_be_bytes());
    payinfo.extend(features);
    payinfo
}

/// The same as a value, without features.
pub(crate) fn payinfo_value() -> PayInfo<'static> {
    PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 80,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 2_100_000_000_000_000_000,
        features: Features::new([]).unwrap(),
    }
}

/// An offer with a price and an issuer's key.
pub(crate) fn offer() -> Raw {
    Raw::empty().with_number(8, PRICE).with(10, "tea").with(22, issuer().public_key().serialize())
}

/// An offer with a price and a path to [`recipient`].
pub(crate) fn hidden_offer() -> Raw {
    offer().without(22).with(16, path())
}

/// A request that answers an offer without more than it has to, and is not signed.
pub(crate) fn request_for(offer: Raw) -> Raw {
    offer.with(0, [0x24; 16]).with(88, payer().public_key().serialize())
}

/// A request that answers [`offer`], and is signed.
pub(crate) fn request() -> Raw {
    request_for(offer()).sign_request(&payer())
}

/// A refund without a signature.
pub(crate) fn refund() -> Raw {
    Raw::empty()
        .with(0, [0x24; 16])
        .with(10, "broken cup")
        .with_number(82, PRICE)
        .with(88, payer().public_key().serialize())
}

/// An invoice for a request, not signed.
pub(crate) fn invoice_for(request: Raw, node_id: PublicKey) -> Raw {
    request
        .only(|_| true)
        .with(160, path())
        .with(162, payinfo(&[]))
        .with_number(164, CREATED_AT)
        .with(168, [0x66; 32])
        .with_number(170, PRICE)
        .with(176, node_id.serialize())
}

/// An invoice for [`request`], signed by the issuer.
pub(crate) fn invoice() -> Raw {
    invoice_for(request(), issuer().public_key()).sign_invoice(&issuer())
}

/// A builder for the least that can answer a request.
pub(crate) fn invoice_builder(accepted: AcceptedRequest<'_>, node_id: PublicKey) -> InvoiceBuilder<'_> {
    InvoiceBuilder::new(accepted, node_id, UnixTime(CREATED_AT), hash(0x66)).path(blinded_path(), &payinfo_value())
}

pub(crate) const BITCOIN: &[ChainHash] = &[ChainHash::BITCOIN];
pub(crate) const NOW: UnixTime = UnixTime(CREATED_AT);
pub(crate) const MUCH: Msat = Msat::MAX_MONEY;

/// Compares everything that an error says to machines but its place.
#[track_caller]
pub(crate) fn assert_error(error: &Error, kind: ErrorKind, rule: Rule, field: impl Into<Option<Field>>) {
    let field = field.into();
    let name = |field: &Field| (field.number(), field.name());
    assert_eq!(
        (error.kind(), error.rule(), error.field().as_ref().map(name)),
        (&kind, rule, field.as_ref().map(name)),
        "{error:#}"
    );
}

/// The same, and that it lies at an offset in the bytes.
#[track_caller]
pub(crate) fn assert_error_at(error: &Error, kind: ErrorKind, rule: Rule, field: Field, offset: usize) {
    assert_error(error, kind, rule, field);
    assert_eq!(error.offset(), Some(offset), "{error:#}");
}
