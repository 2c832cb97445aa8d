//! Messages as maps of types and values that can be edited freely, written and signed by the plain
//! second implementations: nothing here goes through the code under test.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use bolt12::bitcoin::hashes::{Hash, sha256};
use bolt12::secp256k1::{Keypair, PublicKey, Secp256k1};
use bolt12::{
    AcceptedRequest, BlindedPath, ChainHash, Error, ErrorKind, Features, Field, InvoiceBuilder, MinorUnits, Msat,
    Offer, PayInfo, Rate, RequestArrival, RequestContext, Rule, UnixTime,
};

use super::naive;

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
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let records = naive::parse(bytes).expect("a well-formed stream");
        Self(records.into_iter().map(|record| (record.number, record.value)).collect())
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

    fn records(&self) -> Vec<naive::Record> {
        self.0.iter().map(|(number, value)| naive::record(*number, value)).collect()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        naive::concat(&self.records())
    }

    /// Where a field's record starts in the encoded message.
    pub(crate) fn record_at(&self, number: u64) -> usize {
        assert!(self.0.contains_key(&number));
        self.records().iter().take_while(|record| record.number < number).map(|record| record.bytes.len()).sum()
    }

    /// Where a field's value starts in the encoded message.
    pub(crate) fn value_at(&self, number: u64) -> usize {
        let record = naive::record(number, self.get(number));
        self.record_at(number) + record.bytes.len() - record.value.len()
    }

    /// The fields of some types, signatures left out.
    pub(crate) fn only(&self, wanted: impl Fn(u64) -> bool) -> Self {
        let wanted = |number| wanted(number) && !is_signature(number);
        Self(self.0.iter().filter(|(number, _)| wanted(**number)).map(|(n, value)| (*n, value.clone())).collect())
    }

    pub(crate) fn root(&self) -> [u8; 32] {
        naive::root(&self.records())
    }

    /// What is signed (SIG-4).
    pub(crate) fn digest(&self, message: &str) -> [u8; 32] {
        naive::digest(message, &self.records())
    }

    fn signed_as(mut self, message: &str, key: &Keypair) -> Self {
        self.0.remove(&240);
        let records = naive::sign(message, self.records(), key);
        Self(records.into_iter().map(|record| (record.number, record.value)).collect())
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

pub(crate) fn tu64(number: u64) -> Vec<u8> {
    naive::truncated(number)
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
pub(crate) fn invoice_builder(accepted: AcceptedRequest<'_>) -> InvoiceBuilder<'_> {
    InvoiceBuilder::new(accepted, UnixTime(CREATED_AT), hash(0x66)).add_path(blinded_path(), &payinfo_value())
}

/// What an issuer knows when a request came as it should: over the first path, if the offer has any.
pub(crate) fn request_context(offer: &Offer) -> RequestContext<'_> {
    let arrival = match offer.paths() {
        Some(paths) => RequestArrival::OfferPath(paths.iter().next().unwrap().last_blinded_node_id()),
        None => RequestArrival::Direct,
    };
    RequestContext { offer, arrival, now: NOW, chains: BITCOIN, rate: None, max_amount: None }
}

/// What some US cents are worth.
pub(crate) fn rate(cents: u64, msat: u64) -> Rate {
    Rate::new("USD".parse().unwrap(), MinorUnits(cents), Msat(msat)).unwrap()
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
