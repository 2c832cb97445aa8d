//! Requests that say who pays.

use secp256k1::{Keypair, PublicKey, schnorr};

use super::introduction::{Introduction, PayerIdentity};
use super::named::{TYPES, check_key};
use super::{InvoiceRequest, InvoiceRequestBuilder};
use crate::contacts::{self, ContactSecret, NameSignature, name_digest, put_signature, verify_name};
use crate::error::{Error, Field, Rule};
use crate::signature::sign;
use crate::signed::Unsigned;
use crate::tlv::TlvStream;

impl<'a> InvoiceRequestBuilder<'a> {
    /// Says who pays, to a contact (CON-2), in place of what was said of it before. With a name, build with
    /// [`build_named`](Self::build_named).
    ///
    /// Do it only if the payer asked for it, for this contact (CON-1).
    pub fn introduce(mut self, secret: &ContactSecret, payer: &PayerIdentity) -> Self {
        self.custom.replace(contacts::FIELDS, &TYPES, Introduction::fields(secret, payer));
        self
    }

    /// Checks everything, and makes what the key of the [name](PayerIdentity::Name) is to sign (CON-3). The request
    /// itself is signed last.
    ///
    /// ```
    /// # use bolt12::secp256k1::{Keypair, Message, Secp256k1};
    /// # use bolt12::{ChainHash, ContactSecret, HumanReadableName, InvoiceRequestBuilder, Msat, Offer, OfferBuilder, PayerIdentity, UnixTime};
    /// # let secp = Secp256k1::new();
    /// # let key = |byte| Keypair::from_seckey_slice(&secp, &[byte; 32]);
    /// # let (alice, payer, bob) = (key(1)?, key(2)?, key(3)?);
    /// # let bobs = OfferBuilder::new(bob.public_key()).build()?;
    /// # let usable = bobs.usable(UnixTime(1_800_000_000), &[ChainHash::BITCOIN])?;
    /// // Alice's name leads to her offer, whose key is in a safe place.
    /// let alices = OfferBuilder::new(alice.public_key()).build()?;
    /// let me = PayerIdentity::name("alice@example.com".parse()?, &alices, alice.public_key())?;
    /// let request = InvoiceRequestBuilder::new(usable, payer.public_key(), [7; 16])
    ///     .amount(Msat(1_000))
    ///     .introduce(&ContactSecret::derive(&alice.secret_key(), &bob.public_key()), &me);
    /// let unsigned = request.build_named()?;
    /// // Over there:
    /// let signature = secp.sign_schnorr_no_aux_rand(&Message::from_digest(unsigned.digest()), &alice);
    /// // And back here:
    /// let request = unsigned.complete(&signature)?.sign(&payer)?;
    /// assert_eq!(request.payer_bip_353_name().unwrap().to_string(), "₿alice@example.com");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`build`](Self::build); `Missing` if no name was given.
    pub fn build_named(mut self) -> Result<UnsignedName<'a>, Error> {
        let tlvs = TlvStream::read(self.write()?)?;
        let signed = contacts::value::<NameSignature>(&tlvs, Field::INVREQ_PAYER_BIP_353_SIGNATURE);
        let signed = signed.ok_or(Error::missing(Field::INVREQ_PAYER_BIP_353_NAME, Rule::Con3))?;
        Ok(UnsignedName { key: signed.key.public_key()?, digest: name_digest(&tlvs), request: self, tlvs })
    }

    /// Whether a key is to sign for a name.
    pub(super) fn is_named(&self) -> bool {
        self.custom.contains(Field::INVREQ_PAYER_BIP_353_SIGNATURE.number())
    }
}

/// A request that lacks two signatures: first that for the payer's name, by a key of the offer that the name leads to,
/// and then the payer's.
#[derive(Clone, Debug)]
#[must_use]
pub struct UnsignedName<'a> {
    request: InvoiceRequestBuilder<'a>,
    tlvs: TlvStream,
    key: PublicKey,
    digest: [u8; 32],
}

impl UnsignedName<'_> {
    /// The key that has to sign.
    pub fn signer(&self) -> PublicKey {
        self.key
    }

    /// The records of the request, in which zeros stand for the signature.
    pub fn tlvs(&self) -> &TlvStream {
        &self.tlvs
    }

    /// The 32 bytes to sign with BIP 340 (CON-3).
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Signs with a given key, and goes on to the request's own signature.
    ///
    /// # Errors
    ///
    /// `WrongKey` if it is not the key that was named, and what [`InvoiceRequestBuilder::build`] refuses.
    pub fn sign(self, key: &Keypair) -> Result<Unsigned<InvoiceRequest>, Error> {
        check_key(&self.key, key)?;
        let signature = sign(self.digest, key);
        self.complete(&signature)
    }

    /// Takes a signature that was made elsewhere, and goes on to the request's own.
    ///
    /// # Errors
    ///
    /// `InvalidSignature` (CON-3), and what [`InvoiceRequestBuilder::build`] refuses.
    pub fn complete(self, signature: &schnorr::Signature) -> Result<Unsigned<InvoiceRequest>, Error> {
        let signed = NameSignature { key: self.key.into(), signature: *signature };
        verify_name(&self.tlvs, signed, Rule::Con3)?;
        self.request.finish(put_signature(self.tlvs, signature))
    }
}
