//! Somebody who is paid, and whose payments are recognised.

use alloc::vec::Vec;

use crate::contacts::ContactSecret;
use crate::error::{Error, ErrorKind, Field, Rule};
use crate::exchange::saved::invalid;
use crate::field::{Cursor, HumanReadableName, Value};
use crate::invoice_request::{Introduction, PayerIdentity};
use crate::offer::Offer;

/// Somebody whom the owner of this wallet knows: how to pay them, and by which secrets their payments are recognised.
///
/// It is made of their offer, before they are paid first ([`OfferKey::contact`](crate::exchange::OfferKey::contact)),
/// or of a payment of theirs ([`from_payment`](Self::from_payment)). Only the owner changes it: no payment does
/// (CON-7).
///
/// ```
/// # use bolt12::exchange::{Contact, Payee};
/// # use bolt12::{BlindedPath, Error, Offer};
/// # fn add(payee: &Payee, own: &Offer, bobs: Offer) -> Result<(), Error> {
/// // Alice adds Bob, of whom she has an offer.
/// let bob = payee.offer_key(own)?.contact(bobs)?;
/// let row = bob.to_bytes(); // for a table
/// assert_eq!(Contact::from_bytes(&row)?, bob);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    primary: ContactSecret,
    further: Vec<ContactSecret>,
    offer: Offer,
    name: Option<HumanReadableName<'static>>,
}

impl Contact {
    /// A contact that is paid over an offer, and told this secret.
    pub fn new(secret: ContactSecret, offer: Offer) -> Self {
        Self { primary: secret, further: Vec::new(), offer, name: None }
    }

    /// Makes a contact of a payment that came in: with the secret that came with it (CON-5). Ask the owner first, and
    /// only if they know from elsewhere whose payment it was: anybody can send somebody else's offer, and their own
    /// with it.
    ///
    /// With a name, `resolved` is the offer that the name leads to, looked up with DNSSEC; it has to be that of the key
    /// which signed for the name. Without one it is not looked at.
    ///
    /// # Errors
    ///
    /// `Missing` for a payer who said nothing to be paid back by (CON-2), and for a name that was not looked up;
    /// `WrongKey` for one that leads to somebody else's offer (CON-4).
    pub fn from_payment(introduction: &Introduction, resolved: Option<&Offer>) -> Result<Self, Error> {
        let missing = |rule| Error::missing(Field::INVREQ_PAYER_OFFER, rule);
        let secret = introduction.secret;
        match &introduction.payer {
            None => Err(missing(Rule::Con2)),
            Some(PayerIdentity::Offer(offer)) => Ok(Self::new(secret, Offer::clone(offer))),
            Some(PayerIdentity::Name { name, key }) => {
                let offer = resolved.ok_or(missing(Rule::Con4))?;
                if !offer.is_signed_by(*key) {
                    return Err(Error::of(Field::INVREQ_PAYER_BIP_353_SIGNATURE, ErrorKind::WrongKey, Rule::Con4));
                }
                Ok(Self::new(secret, offer.clone()).with_name(name.clone()))
            }
        }
    }

    /// The name that the contact's offer was found under, for the day on which the offer has expired.
    #[must_use]
    pub fn with_name(mut self, name: HumanReadableName<'static>) -> Self {
        self.name = Some(name);
        self
    }

    /// The offer that the contact is paid over.
    pub fn offer(&self) -> &Offer {
        &self.offer
    }

    /// The name that leads to it, if it was found under one.
    pub fn name(&self) -> Option<&HumanReadableName<'static>> {
        self.name.as_ref()
    }

    /// The secret that payments to the contact carry (CON-6).
    pub fn secret(&self) -> ContactSecret {
        self.primary
    }

    /// Adds a secret that payments of the contact carry: because their owner says that a payment was theirs, which came
    /// with another (CON-6). What is paid to them goes on carrying the first. Returns whether it is new.
    pub fn add_secret(&mut self, secret: ContactSecret) -> bool {
        let is_new = !self.recognises(&secret);
        if is_new {
            self.further.push(secret);
        }
        is_new
    }

    /// Pays the contact over another offer from now on: because the owner says so, or because the name leads to it now.
    pub fn replace_offer(&mut self, offer: Offer) {
        self.offer = offer;
    }

    /// Whether a secret is one of the contact's. Takes the same time whether and which (CON-9).
    pub fn recognises(&self, secret: &ContactSecret) -> bool {
        self.further.iter().fold(self.primary == *secret, |found, known| found | (known == secret))
    }

    /// Whose payment this is, among all contacts: see [`Introduction::secret`](crate::Introduction). Looks at all of
    /// them, so that the time tells nobody whether and which (CON-9); only how many secrets there are.
    pub fn find<'c>(contacts: impl IntoIterator<Item = &'c Self>, secret: &ContactSecret) -> Option<&'c Self> {
        contacts.into_iter().fold(None, |found, contact| if contact.recognises(secret) { Some(contact) } else { found })
    }

    /// The contact as bytes, which [`from_bytes`](Self::from_bytes) reads: a version, the secrets, the name and the
    /// offer.
    ///
    /// No MAC covers them, and no key: they can be read wherever the owner has them, and whoever can write them decides
    /// who is paid. Keep them where only you read and write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from([VERSION]);
        let name = self.name.as_ref().map_or(Vec::new(), HumanReadableName::to_bytes);
        let offer = self.offer.as_bytes();
        // A name has at most 512 bytes, and an offer 65535.
        let lengths = [self.further.len() as u32, name.len() as u32, offer.len() as u32];
        lengths.iter().for_each(|len| bytes.extend_from_slice(&len.to_be_bytes()));
        for secret in [self.primary].iter().chain(&self.further) {
            bytes.extend_from_slice(&secret.to_byte_array());
        }
        bytes.extend_from_slice(&name);
        bytes.extend_from_slice(offer);
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// `UnknownVersion` for bytes that newer software wrote, `InvalidState` for others that it did not (EXC-4), and
    /// what is refused in an offer.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut cursor = Cursor::new(bytes);
        if cursor.u8().map_err(|_| invalid())? != VERSION {
            return Err(Error::new(ErrorKind::UnknownVersion, Rule::Exc4));
        }
        let mut len =
            || cursor.u32().map_err(|_| invalid()).and_then(|len| usize::try_from(len).map_err(|_| invalid()));
        let (further, name_len, offer_len) = (len()?, len()?, len()?);
        let mut secret = || cursor.array().map(|bytes| ContactSecret::from_byte_array(*bytes)).map_err(|_| invalid());
        let primary = secret()?;
        // None is made room for before it is read.
        let further = core::iter::repeat_with(secret).take(further).collect::<Result<Vec<_>, Error>>()?;
        let name = cursor.take(name_len).map_err(|_| invalid())?;
        let name = match name {
            [] => None,
            name => Some(HumanReadableName::decode(name).map_err(|_| invalid())?.into_owned()),
        };
        let offer = cursor.take(offer_len).map_err(|_| invalid())?;
        if !cursor.is_at_end() {
            return Err(invalid());
        }
        let offer = Offer::try_from(offer)?;
        Ok(Self { primary, further, offer, name })
    }
}

/// Changes with every release that changes how a contact is kept.
const VERSION: u8 = 1;
