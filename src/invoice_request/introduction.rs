//! What a request says of who pays.

use alloc::boxed::Box;
use alloc::vec::Vec;

use secp256k1::PublicKey;

use super::RequestFields;
use crate::contacts::{ContactSecret, MAX_PAYER_OFFER_LEN, NameSignature, PayerOffer, unsigned_name, value};
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::field::{HumanReadableName, Point, Value};
use crate::offer::Offer;
use crate::tlv::CustomField;

/// How a payer can be paid back by whom it pays, and so who it is to them (CON-2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayerIdentity {
    /// Over this offer of its own, of at most 300 bytes.
    Offer(Box<Offer>),
    /// Under this name of its own.
    Name {
        /// The BIP 353 name.
        name: HumanReadableName<'static>,
        /// The key that signed for it, which belongs to the offer that the name leads to, or the name does not belong
        /// to the payer (CON-4).
        key: Point,
    },
}

impl PayerIdentity {
    /// A name of the payer's own: `offer` is the one that it leads to, and `key` the offer's issuer id or, without one,
    /// the last key of one of its paths, which is to sign for the name.
    ///
    /// # Errors
    ///
    /// `WrongKey` for a key that does not sign for the offer (CON-3).
    pub fn name(name: HumanReadableName<'static>, offer: &Offer, key: PublicKey) -> Result<Self, Error> {
        let key = Point::from(key);
        if !offer.is_signed_by(key) {
            return Err(Error::of(Field::INVREQ_PAYER_BIP_353_SIGNATURE, ErrorKind::WrongKey, Rule::Con3));
        }
        Ok(Self::Name { name, key })
    }
}

impl From<Offer> for PayerIdentity {
    fn from(offer: Offer) -> Self {
        Self::Offer(Box::new(offer))
    }
}

/// What a payer says to a contact: the secret between the two, and who it is. From the request, as it was made or
/// received, or with the payment ([`Sale`](crate::exchange::Sale)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Introduction {
    /// The secret between payer and contact.
    pub secret: ContactSecret,
    /// Who pays. `None` if the payer did not say so in a way that can be used, or if the payer [was
    /// known](crate::exchange::Accepted::from_contact) already.
    ///
    /// A name goes before an offer, if somebody sends both.
    pub payer: Option<PayerIdentity>,
}

/// The least that tells an introduction with an offer from one with a name.
const OFFER: u8 = 0;

const NAME: u8 = 1;

impl Introduction {
    /// What a secret and an identity are in a request; the signature for a name is still to be made.
    pub(crate) fn fields(secret: &ContactSecret, payer: &PayerIdentity) -> Vec<CustomField> {
        let mut fields = Vec::from([(Field::INVREQ_CONTACT_SECRET.number(), secret.to_byte_array().to_vec())]);
        match payer {
            PayerIdentity::Offer(offer) => {
                fields.push((Field::INVREQ_PAYER_OFFER.number(), offer.as_bytes().to_vec()));
            }
            PayerIdentity::Name { name, key } => {
                fields.push((Field::INVREQ_PAYER_BIP_353_NAME.number(), name.to_bytes()));
                fields.push((Field::INVREQ_PAYER_BIP_353_SIGNATURE.number(), unsigned_name(*key)));
            }
        }
        fields
    }

    /// The same as bytes that end where they end, for the path id of a payment (CON-8).
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.secret.to_byte_array().to_vec();
        match &self.payer {
            None => {}
            Some(PayerIdentity::Offer(offer)) => {
                bytes.push(OFFER);
                bytes.extend_from_slice(offer.as_bytes());
            }
            Some(PayerIdentity::Name { name, key }) => {
                bytes.push(NAME);
                bytes.extend_from_slice(&key.to_bytes());
                bytes.extend_from_slice(&name.to_bytes());
            }
        }
        bytes
    }

    /// Reads those.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (secret, rest) = bytes.split_first_chunk()?;
        let payer = match rest.split_first() {
            None => None,
            Some((&OFFER, offer)) => Some(Offer::try_from(offer).ok()?.into()),
            Some((&NAME, rest)) => {
                let (key, name) = rest.split_first_chunk()?;
                let name = HumanReadableName::decode(name).ok()?.into_owned();
                Some(PayerIdentity::Name { name, key: Point::unchecked(*key) })
            }
            Some(_) => return None,
        };
        Some(Self { secret: ContactSecret::from_byte_array(*secret), payer })
    }
}

impl RequestFields {
    /// `invreq_contact_secret` (TLV 2000001729)
    ///
    /// By what the payee can recognise who pays, if that is a contact.
    pub fn contact_secret(&self) -> Option<ContactSecret> {
        value(self.tlvs(), Field::INVREQ_CONTACT_SECRET)
    }

    /// `invreq_payer_offer` (TLV 2000001731)
    ///
    /// The payer's own offer, over which it can be paid back. Nothing proves that it is the payer's.
    ///
    /// # Errors
    ///
    /// What [`Offer::read`] refuses: a request with such a field is as good as one without.
    pub fn payer_offer(&self) -> Option<Result<Offer, Error>> {
        let PayerOffer(bytes) = value(self.tlvs(), Field::INVREQ_PAYER_OFFER)?;
        Some(Offer::read(bytes.to_vec(), self.offer.message.known))
    }

    /// `invreq_payer_bip_353_name` (TLV 2000001733)
    ///
    /// The payer's own name, under which it can be paid back. It is the payer's only if it leads to an offer
    /// [signed](crate::OfferFields::is_signed_by) by the key in the
    /// [signature](Self::payer_bip_353_signature) (CON-4).
    pub fn payer_bip_353_name(&self) -> Option<HumanReadableName<'_>> {
        value(self.tlvs(), Field::INVREQ_PAYER_BIP_353_NAME)
    }

    /// `invreq_payer_bip_353_signature` (TLV 2000001735)
    ///
    /// What signed for the payer's name. It is valid in a request and in an invoice; a payer proof hides what it would
    /// have to be verified with.
    pub fn payer_bip_353_signature(&self) -> Option<NameSignature> {
        value(self.tlvs(), Field::INVREQ_PAYER_BIP_353_SIGNATURE)
    }

    /// What the payer says of itself to a contact; nothing without a [secret](Self::contact_secret).
    pub fn introduction(&self) -> Option<Introduction> {
        let secret = self.contact_secret()?;
        let name = self.payer_bip_353_name().zip(self.payer_bip_353_signature());
        let name = name.map(|(name, by)| PayerIdentity::Name { name: name.into_owned(), key: by.key });
        // An offer that is too long was not to be sent, and is not carried along.
        let offer = || self.payer_offer()?.ok().filter(|offer| offer.as_bytes().len() <= MAX_PAYER_OFFER_LEN);
        Some(Introduction { secret, payer: name.or_else(|| offer().map(PayerIdentity::from)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::OfferBuilder;

    /// CON-8: what is kept is read again. What newer software says in another way, and what is cut off, is nothing.
    #[test]
    fn what_is_kept_of_a_payer_is_read_again_and_nothing_else() {
        let key: PublicKey = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619".parse().unwrap();
        let offer = OfferBuilder::new(key).build().unwrap();
        let name = HumanReadableName::parse("alice@example.com").unwrap().into_owned();
        let name = PayerIdentity::name(name, &offer, key).unwrap();
        let secret = ContactSecret::from_byte_array([7; 32]);
        for payer in [None, Some(offer.into()), Some(name)] {
            let kept = Introduction { secret, payer };
            let bytes = kept.to_bytes();
            assert_eq!(Introduction::from_bytes(&bytes), Some(kept));
            for other in 0..=u8::MAX {
                let mut changed = bytes.clone();
                changed.truncate(32);
                changed.push(other);
                changed.extend(bytes.iter().skip(33));
                let is_read = Introduction::from_bytes(&changed).is_some();
                assert_eq!(is_read, changed == bytes, "{other}");
            }
            for len in 33..bytes.len() {
                assert_eq!(Introduction::from_bytes(&bytes[..len]), None, "{len}");
            }
        }
        assert_eq!(Introduction::from_bytes(&[7; 31]), None);
    }
}
