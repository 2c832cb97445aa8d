//! Makes invoices (IVW-1 to IVW-8).

use alloc::vec::Vec;
use core::time::Duration;

use bitcoin::constants::ChainHash;
use bitcoin::hashes::sha256;

use super::fields::DEFAULT_RELATIVE_EXPIRY;
use super::{Invoice, MultiPart, UNSIGNED, capacity};
use crate::builder::CustomFields;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{BlindedPath, Fallback, Feature, Features, PayInfo, PayInfos};
use crate::invoice_request::AcceptedRequest;
use crate::message::{Keys, Structure};
use crate::signature::SIGNATURE_TYPES;
use crate::signed::Unsigned;
use crate::units::UnixTime;

/// Makes an [`Invoice`] that answers a request or claims a refund.
///
/// Everything of the request is repeated byte for byte (IVW-1), and the amount is what was
/// [accepted](AcceptedRequest::amount) (IVW-2).
#[derive(Clone, Debug)]
#[must_use]
pub struct InvoiceBuilder<'a> {
    pub(super) request: AcceptedRequest<'a>,
    pub(super) created_at: UnixTime,
    payment_hash: sha256::Hash,
    paths: Vec<BlindedPath<'static>>,
    payinfos: Vec<u8>,
    /// The first thing that went wrong, which `build` reports.
    refused: Option<Error>,
    pub(super) relative_expiry: Duration,
    fallbacks: Vec<u8>,
    multi_part: MultiPart,
    pub(super) custom: CustomFields,
}

impl<'a> InvoiceBuilder<'a> {
    /// An invoice for a request or refund that was accepted, signed by the key that was said then (IVW-3).
    pub fn new(request: AcceptedRequest<'a>, created_at: UnixTime, payment_hash: sha256::Hash) -> Self {
        Self {
            request,
            created_at,
            payment_hash,
            paths: Vec::new(),
            // Most invoices have no more than eight paths: growing costs more than writing.
            payinfos: Vec::with_capacity(8 * PayInfo::MIN_LEN),
            refused: None,
            relative_expiry: DEFAULT_RELATIVE_EXPIRY,
            fallbacks: Vec::new(),
            multi_part: MultiPart::Forbidden,
            custom: CustomFields::default(),
        }
    }

    /// Adds a path to be paid over, with its fees and limits; preferred ones first. At least one is
    /// needed (IVW-4).
    pub fn add_path(mut self, path: BlindedPath<'static>, payinfo: &PayInfo<'_>) -> Self {
        self.paths.push(path);
        payinfo.write(&mut self.payinfos);
        self
    }

    /// How long the invoice can be paid, in whole seconds; two hours if not set (IVW-5). An invoice of a
    /// subscription can be paid no longer than its period (REC-10).
    pub fn relative_expiry(mut self, expiry: Duration) -> Self {
        self.relative_expiry = expiry;
        self
    }

    /// Adds an on-chain address to pay if Lightning fails (IVW-8), preferred ones first. Only what
    /// is a valid witness program for a bitcoin chain is taken.
    pub fn add_fallback(mut self, fallback: &Fallback<'_>) -> Self {
        let written = write_fallback(fallback, self.request.fields().chain(), &mut self.fallbacks);
        self.note(written);
        self
    }

    /// Whether the payment may be split (IVW-7); not allowed unless set.
    pub fn multi_part(mut self, multi_part: MultiPart) -> Self {
        self.multi_part = multi_part;
        self
    }

    /// Adds a field of the experimental range 3000000000 to 3999999999. Its number must be odd.
    pub fn custom_field(mut self, number: u64, value: impl Into<Vec<u8>>) -> Self {
        self.custom.add(number, value.into());
        self
    }

    fn note(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.refused.get_or_insert(error);
        }
    }

    /// Checks everything, and makes the invoice that is to be signed.
    ///
    /// # Errors
    ///
    /// `Missing` without a path (IVW-4), `CannotCarry` for paths that cannot carry the amount (EXC-11), which is one
    /// of them alone unless the payment may be [split](Self::multi_part); `InvalidFallback` (IVW-8),
    /// `NumberTooLarge` for an expiry of more than 32 bits, `TooLong` (D7), and any rule of IVR-1 to
    /// IVR-11.
    pub fn build(mut self) -> Result<Unsigned<Invoice>, Error> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        if self.paths.is_empty() {
            return Err(Error::missing(Field::INVOICE_PATHS, Rule::Ivw4));
        }
        let request = &self.request.fields().offer.message;
        // EXC-11, and IVR-7 where no path's features are known
        let payinfos = PayInfos::checked(&self.payinfos);
        let known = request.known.payinfo;
        if payinfos.iter().any(|payinfo| payinfo.features.first_unknown(known).is_none()) {
            capacity::check(payinfos.iter(), self.request.amount(), self.multi_part, known)?;
        }
        #[cfg(feature = "recurrence")]
        self.recur()?;
        let expiry = u32::try_from(self.relative_expiry.as_secs())
            .map_err(|_| Error::of(Field::INVOICE_RELATIVE_EXPIRY, ErrorKind::NumberTooLarge, Rule::Tlv2))?;
        let custom = self.custom.sorted(3_000_000_000..=3_999_999_999)?;
        // IVW-1
        let paths: usize = self.paths.iter().map(|path| path.as_bytes().len()).sum();
        let len = [paths, self.payinfos.len(), self.fallbacks.len()].iter().sum();
        let mut writer = request.tlvs.repeat(SIGNATURE_TYPES, custom, len);
        writer.concat(160, self.paths.iter().map(BlindedPath::as_bytes));
        writer.bytes(162, &self.payinfos);
        writer.number(164, self.created_at.0);
        // IVW-5
        if self.relative_expiry.as_secs() != DEFAULT_RELATIVE_EXPIRY.as_secs() {
            writer.number(166, expiry.into());
        }
        writer.bytes(168, self.payment_hash.as_ref());
        // IVW-2
        writer.number(170, self.request.amount().0);
        if !self.fallbacks.is_empty() {
            writer.bytes(172, &self.fallbacks);
        }
        // IVW-7
        if let Some(feature) = multi_part_feature(self.multi_part) {
            writer.bytes(174, Features::new([feature])?.as_bytes());
        }
        writer.bytes(176, &self.request.node_id().serialize());
        // It begins with the records of the request, and so with its hashes.
        let keys = Keys { invoice_signer: Some(self.request.node_id()), ..*request.keys() };
        Ok(Unsigned::new(Structure::to_sign(&UNSIGNED, writer.finish(), request.known)?.with_keys(keys)))
    }
}

/// Appends a fallback as it stands in a message, if it is one for the chain (IVW-8).
pub(crate) fn write_fallback(fallback: &Fallback<'_>, chain: ChainHash, out: &mut Vec<u8>) -> Result<(), Error> {
    match u16::try_from(fallback.program.len()) {
        Ok(len) if fallback.address(chain).is_some() => {
            out.push(fallback.version);
            out.extend_from_slice(&len.to_be_bytes());
            out.extend_from_slice(&fallback.program);
            Ok(())
        }
        _ => Err(Error::of(Field::INVOICE_FALLBACKS, ErrorKind::InvalidFallback, Rule::Ivw8)),
    }
}

/// The feature that says whether a payment may be split (IVW-7).
pub(crate) fn multi_part_feature(multi_part: MultiPart) -> Option<Feature> {
    match multi_part {
        MultiPart::Forbidden => None,
        MultiPart::Allowed => Some(Feature::MULTI_PART_OPTIONAL),
        MultiPart::Required => Some(Feature::MULTI_PART_REQUIRED),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::constants::ChainHash;
    use bitcoin::hashes::Hash as _;
    use secp256k1::Keypair;

    use super::*;
    use crate::invoice_request::{InvoiceRequest, InvoiceRequestBuilder, RequestArrival, RequestContext};
    use crate::offer::OfferBuilder;
    use crate::signature::context;
    use crate::units::Msat;
    use crate::work::steps;

    /// SIG-1: what was hashed to verify a request is not hashed again for its invoice.
    #[test]
    fn the_hashes_of_a_request_are_those_of_its_invoice() {
        let [issuer, payer] = [1, 2].map(|byte| Keypair::from_seckey_slice(context(), &[byte; 32]).unwrap());
        let (now, chains) = (UnixTime(1_800_000_000), &[ChainHash::BITCOIN]);
        let offer = OfferBuilder::new(issuer.public_key()).description("tea").amount_msat(Msat(9_000)).build().unwrap();
        let usable = offer.usable(now, chains).unwrap();
        let made = InvoiceRequestBuilder::new(usable, payer.public_key(), [3; 16]).build().unwrap();
        let made = made.sign(&payer).unwrap();
        let verified = InvoiceRequest::try_from(made.as_bytes().to_vec()).unwrap();
        // One that was made here was not verified.
        assert!(made.offer().message.keys().start.is_none());
        assert!(verified.offer().message.keys().start.is_some());
        let context = RequestContext {
            offer: &offer,
            arrival: RequestArrival::Direct,
            now,
            chains,
            rate: None,
            max_amount: None,
        };
        let node = issuer.public_key();
        let invoice = |request: &InvoiceRequest| {
            let path = BlindedPath::new(node.into(), node, [(node, &[7; 16][..])]).unwrap();
            let accepted = request.accept(&context).unwrap();
            let builder = InvoiceBuilder::new(accepted, now, sha256::Hash::from_byte_array([4; 32]));
            builder.add_path(path, &PayInfo::new(0, 0, 80, 1, 1_000_000)).build().unwrap()
        };
        let (of_made, of_verified) = (invoice(&made), invoice(&verified));
        assert_eq!(of_made.digest(), of_verified.digest());
        assert!(of_verified.offer().message.keys().start.is_none());
        // Of the request's five records a leaf, a nonce and their parent.
        let start = verified.offer().message.keys().start.unwrap();
        let tlvs = of_verified.tlvs();
        let again = steps(|| _ = start.root(tlvs));
        let all = steps(|| _ = crate::signature::merkle::root(tlvs.records()));
        assert!(all - again >= 5 * 3, "{again} of {all}");
    }
}
