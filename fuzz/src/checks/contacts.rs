//! What a request says of who pays: read, written, and signed for.

#[cfg(feature = "contacts")]
pub use present::{disclosed, random, request};

use bolt12::{Error, InvoiceRequest, InvoiceRequestBuilder, TlvStream, Unsigned};

/// The types of the fields.
pub const TYPES: [u64; 4] = [2_000_001_729, 2_000_001_731, 2_000_001_733, 2_000_001_735];

/// Whether a field has rules of its own here.
pub fn is_known(number: u64) -> bool {
    cfg!(feature = "contacts") && TYPES.contains(&number)
}

/// The request, with what the input says of who pays.
pub fn build(input: &TlvStream, builder: InvoiceRequestBuilder<'_>) -> Result<Unsigned<InvoiceRequest>, Error> {
    #[cfg(feature = "contacts")]
    let built = present::build(input, builder);
    #[cfg(not(feature = "contacts"))]
    let built = builder.build();
    let TlvStream { .. } = input;
    built
}

#[cfg(feature = "contacts")]
mod present {
    use arbitrary::Unstructured;
    use bolt12::exchange::Contact;
    use bolt12::secp256k1::{self, Keypair};
    use bolt12::{
        ContactSecret, Error, ErrorKind, InvoiceRequest, InvoiceRequestBuilder, Offer, OfferBuilder, PayerIdentity,
        RequestFields, Rule, TlvStream, Unsigned,
    };

    use super::TYPES;
    use crate::checks::{errors, keys, merkle};

    /// What is signed for a name (CON-3).
    fn digest(tlvs: &TlvStream) -> merkle::Digest {
        let is_signed =
            |number: u64| (number <= 159 || (1_000_000_000..=2_999_999_999).contains(&number)) && number != TYPES[3];
        let root = merkle::root_of(tlvs.records().filter(|record| is_signed(record.number())));
        merkle::digest("invoice_request", "invreq_payer_bip_353_signature", root.expect("it has fields"))
    }

    /// The fields of a request, where all of them stand.
    pub fn request(fields: &RequestFields, tlvs: &TlvStream) {
        if fields.payer_bip_353_name().is_some() {
            let by = fields.payer_bip_353_signature().expect("CON-4");
            let (key, _) = by.key.public_key().expect("on the curve").x_only_public_key();
            let message = secp256k1::Message::from_digest(digest(tlvs));
            keys::context().verify_schnorr(&by.signature, &message, &key).expect("CON-4");
        }
        disclosed(fields);
    }

    /// The same where some may be missing.
    pub fn disclosed(fields: &RequestFields) {
        let offer = fields.payer_offer();
        if let Some(Ok(offer)) = &offer {
            assert_eq!(Offer::try_from(offer.as_bytes()).as_ref(), Ok(offer));
        }
        let Some(introduction) = fields.introduction() else {
            return assert_eq!(fields.contact_secret(), None);
        };
        assert_eq!(fields.contact_secret(), Some(introduction.secret));
        match &introduction.payer {
            Some(PayerIdentity::Offer(told)) => assert_eq!(offer.and_then(Result::ok).as_ref(), Some(&**told)),
            Some(PayerIdentity::Name { name, key }) => {
                assert_eq!(fields.payer_bip_353_name().as_ref(), Some(name));
                assert_eq!(fields.payer_bip_353_signature().map(|by| by.key), Some(*key));
            }
            _ => {}
        }
        // A contact that is made of it, kept, and recognised.
        let resolved = OfferBuilder::new(keys::payer().public_key()).build().expect("a key is enough");
        match Contact::from_payment(&introduction, Some(&resolved)) {
            Ok(contact) => {
                assert_eq!(Contact::from_bytes(&contact.to_bytes()).as_ref(), Ok(&contact));
                assert_eq!(Contact::find([&contact], &introduction.secret), Some(&contact));
                if contact.name().is_some() {
                    assert_eq!(contact.offer(), &resolved);
                }
            }
            Err(error) => errors::any(&error),
        }
    }

    /// The secret, the offer, and the name, whatever the input has of them: its name is signed for by a key of ours.
    pub(super) fn build(
        input: &TlvStream,
        builder: InvoiceRequestBuilder<'_>,
    ) -> Result<Unsigned<InvoiceRequest>, Error> {
        let value = |at: usize| input.get(TYPES[at]).map(|record| record.value());
        let secret = value(0).and_then(|value| value.try_into().ok()).map(ContactSecret::from_byte_array);
        let by = keys::all()[usize::from(value(3).and_then(|value| value.last()).copied().unwrap_or(0) % 4)];
        match (secret, value(1).map(Offer::try_from), value(2).and_then(name)) {
            (Some(secret), _, Some(name)) => named(builder, &secret, name, &by),
            (Some(secret), Some(Ok(offer)), None) => {
                let len = offer.as_bytes().len();
                let built = builder.introduce(&secret, &PayerIdentity::from(offer)).build();
                if let Err(error) = &built {
                    assert!(error.rule() != Rule::Con2 || len > 300, "{error:#}");
                }
                built
            }
            _ => builder.build(),
        }
    }

    fn name(value: &[u8]) -> Option<bolt12::HumanReadableName<'static>> {
        let (len, rest) = value.split_first()?;
        let (user, rest) = rest.split_at_checked((*len).into())?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(bolt12::HumanReadableName::new(text(user)?, text(rest.get(1..)?)?).ok()?.into_owned())
    }

    fn named(
        builder: InvoiceRequestBuilder<'_>,
        secret: &ContactSecret,
        name: bolt12::HumanReadableName<'static>,
        by: &Keypair,
    ) -> Result<Unsigned<InvoiceRequest>, Error> {
        let identity = PayerIdentity::Name { name, key: by.public_key().into() };
        let builder = builder.introduce(secret, &identity);
        let unsigned = match builder.clone().build_named() {
            Ok(unsigned) => unsigned,
            // What is wrong with it is wrong in any case.
            Err(error) => {
                errors::any(&error);
                return builder.build();
            }
        };
        assert_eq!(unsigned.digest(), digest(unsigned.tlvs()), "CON-3");
        let stranger = keys::all().iter().find(|key| *key != by).expect("more than one key");
        let refused = unsigned.clone().sign(stranger).expect_err("another key");
        assert_eq!(refused.kind(), &ErrorKind::WrongKey);
        let message = secp256k1::Message::from_digest(unsigned.digest());
        let elsewhere = unsigned.clone().complete(&keys::context().sign_schnorr_no_aux_rand(&message, by));
        let here = unsigned.sign(by);
        let bytes = |built: &Result<Unsigned<InvoiceRequest>, Error>| {
            built.as_ref().map(|built| built.as_bytes().to_vec()).ok()
        };
        assert_eq!(bytes(&here), bytes(&elsewhere));
        here
    }

    /// Who pays, and whether a builder must refuse it.
    pub fn random(values: &mut Unstructured<'_>) -> arbitrary::Result<(ContactSecret, PayerIdentity, bool)> {
        let secret = ContactSecret::from_byte_array(values.arbitrary()?);
        if values.ratio(1, 2)? {
            let identity = PayerIdentity::Name {
                name: "alice@example.com".parse().expect("a name"),
                key: keys::payer().public_key().into(),
            };
            return Ok((secret, identity, false));
        }
        let len = values.int_in_range(0..=400usize)?;
        let offer = OfferBuilder::new(keys::payer().public_key()).issuer(&"x".repeat(len)).build().expect("no rule");
        let is_long = offer.as_bytes().len() > 300;
        Ok((secret, PayerIdentity::from(offer), is_long))
    }
}
