//! People who pay each other: one tells who pays, the other recognises it, keeps nothing, and pays back (CON-1 to
//! CON-9).

use bolt12::exchange::{
    Accepted, Action, Contact, ExpectedPayment, IncomingMessage, OfferKey, OutgoingMessage, Payee, Payer, Payment,
    State,
};
use bolt12::secp256k1::{Message, Secp256k1};
use bolt12::{
    ContactSecret, ErrorKind, Field, HumanReadableName, Introduction, Msat, Offer, OfferBuilder, PayerIdentity, Rule,
    TlvStream, UnixTime,
};
use proptest::prelude::*;

use super::messages::{self, NOW, key};
use super::sides::{self, CHAINS, deliver, own_offer, path_with, terms};

const DEADLINE: UnixTime = UnixTime(NOW.0 + 600);

/// Somebody with a wallet: whom it pays with, is paid by, and over which offer.
struct Person {
    payer: Payer,
    payee: Payee,
    offer: Offer,
}

impl Person {
    fn new(secret: u8) -> Self {
        let payee = Payee::new([secret; 32]);
        let offer = own_offer(&payee, 1, |offer| offer);
        Self { payer: Payer::new([secret + 100; 32]), payee, offer }
    }

    fn key(&self) -> OfferKey {
        self.payee.offer_key(&self.offer).unwrap()
    }

    fn identity(&self) -> PayerIdentity {
        PayerIdentity::from(self.offer.clone())
    }

    /// A name that leads to the offer, and a payer that has its key.
    fn named(&self) -> (Payer, PayerIdentity) {
        let identity = PayerIdentity::name(name(), &self.offer, self.key().node_id()).unwrap();
        (self.payer.clone().named_by(self.key()), identity)
    }
}

fn name() -> HumanReadableName<'static> {
    "alice@example.com".parse().unwrap()
}

fn secret(byte: u8) -> ContactSecret {
    ContactSecret::from_byte_array([byte; 32])
}

fn start(payer: &Payer, contact: &Contact, identity: Option<&PayerIdentity>) -> Payment {
    let draft = payer.draft(contact.offer(), NOW, CHAINS).unwrap().amount(Msat(5_000));
    let draft = identity.into_iter().fold(draft, |draft, identity| draft.introduce(contact, identity).unwrap());
    draft.start([3; 32], NOW, DEADLINE).unwrap()
}

fn asked(payment: &mut Payment, now: UnixTime) -> OutgoingMessage {
    match payment.poll(now).unwrap() {
        Action::Send(asked) => *asked,
        other => panic!("{other:?}"),
    }
}

fn accept(payee: &Payee, asked: &OutgoingMessage) -> Accepted {
    payee.receive(deliver(asked, 0x70)).unwrap().accept(&terms(NOW, None)).unwrap()
}

/// What is known when the money comes: nothing but the hash and the path id.
fn arrived(payee: &Payee, accepted: &Accepted) -> ExpectedPayment {
    let expected = accepted.expected_payment();
    payee.expected_payment(expected.payment_hash(), expected.path_id.as_ref()).unwrap()
}

/// A payment from one to the other, and what comes with it.
fn pay(payer: &Payer, contact: &Contact, identity: Option<&PayerIdentity>, payee: &Payee) -> Option<Introduction> {
    let mut payment = start(payer, contact, identity);
    let accepted = accept(payee, &asked(&mut payment, NOW));
    let (preimage, invoice) = sides::invoice(&accepted);
    let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap();
    sides::begin(&mut payment, NOW);
    payment.paid(preimage).unwrap();
    arrived(payee, &accepted).sale.introduction
}

// CON-5, CON-6, CON-8
#[test]
fn alice_pays_bob_and_bob_pays_back() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    // Alice adds Bob, of whom she has an offer, and pays him.
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let told = pay(&alice.payer, &bobs, Some(&alice.identity()), &bob.payee).unwrap();
    assert_eq!((told.secret, &told.payer), (bobs.secret(), &Some(alice.identity())));
    // Bob does not know her. Alice tells him that it was her, and he adds her.
    let stranger = Contact::new(secret(7), messages::offer());
    assert_eq!(Contact::find([&stranger], &told.secret), None);
    let alices = Contact::from_payment(&told, None).unwrap();
    assert_eq!((alices.secret(), alices.offer()), (bobs.secret(), &alice.offer));
    // Bob pays back, and Alice sees that it is him.
    let back = pay(&bob.payer, &alices, Some(&bob.identity()), &alice.payee).unwrap();
    assert_eq!(Contact::find([&stranger, &bobs], &back.secret), Some(&bobs));
    // If he had added her by her offer, the secret would be the same.
    assert_eq!(bob.key().contact(alice.offer.clone()).unwrap().secret(), bobs.secret());
}

// CON-1
#[test]
fn a_contact_is_paid_privately_unless_told_otherwise() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    assert_eq!(pay(&alice.payer, &bobs, None, &bob.payee), None);
    let draft = || alice.payer.draft(&bob.offer, NOW, CHAINS).unwrap().amount(Msat(5_000));
    let contact_fields = |fields: Vec<Field>| -> Vec<Field> {
        fields.into_iter().filter(|field| field.number() > 2_000_000_000).collect()
    };
    assert_eq!(contact_fields(draft().reveals()), []);
    let introduced = draft().introduce(&bobs, &alice.identity()).unwrap();
    assert_eq!(contact_fields(introduced.reveals()), [Field::INVREQ_CONTACT_SECRET, Field::INVREQ_PAYER_OFFER]);
    assert_eq!(introduced.reveals().last().unwrap().label(), Some("payer's offer"));
    // What was said last counts.
    let (_, named) = alice.named();
    let renamed = introduced.introduce(&bobs, &named).unwrap();
    assert_eq!(
        contact_fields(renamed.reveals()),
        [Field::INVREQ_CONTACT_SECRET, Field::INVREQ_PAYER_BIP_353_NAME, Field::INVREQ_PAYER_BIP_353_SIGNATURE]
    );
    // Nobody else learns the secret.
    let carol = Person::new(3);
    let carols = alice.payer.draft(&carol.offer, NOW, CHAINS).unwrap();
    let error = carols.introduce(&bobs, &alice.identity()).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Unexpected, Rule::Con1));
}

// CON-2
#[test]
fn an_offer_that_is_too_long_is_not_sent() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let long = own_offer(&alice.payee, 3, |offer| offer.description(&"x".repeat(200)));
    let len = long.as_bytes().len();
    assert!(len > 300);
    let draft = alice.payer.draft(&bob.offer, NOW, CHAINS).unwrap().amount(Msat(5_000));
    let draft = draft.introduce(&bobs, &PayerIdentity::from(long)).unwrap();
    let error = draft.check().unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::TooLong { len, max: 300 }, Rule::Con2));
    assert!(draft.start([3; 32], NOW, DEADLINE).is_err());
}

// CON-7
#[test]
fn a_stranger_who_learned_the_secret_changes_nothing() {
    let (alice, bob, mallory) = (Person::new(1), Person::new(2), Person::new(3));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let alices = bob.key().contact(alice.offer.clone()).unwrap();
    // Mallory pays Bob with Alice's secret, and an offer of her own.
    let forged = Contact::new(bobs.secret(), bob.offer.clone());
    let mut payment = start(&mallory.payer, &forged, Some(&mallory.identity()));
    let asked = asked(&mut payment, NOW);
    let told = asked_of(&asked).introduction().unwrap();
    let known = Contact::find([&alices], &told.secret).unwrap();
    assert_eq!(known.offer(), &alice.offer);
    // Bob's wallet knows the contact when the request comes, so that nothing else of it comes back with the money.
    let accepted = accept(&bob.payee, &asked);
    let whole = accepted.expected_payment().path_id.as_ref().len();
    assert_eq!(arrived(&bob.payee, &accepted).sale.introduction.unwrap().payer, Some(mallory.identity()));
    let accepted = accepted.from_contact();
    let accepted = bob.payee.load_accepted(&accepted.to_bytes()).unwrap();
    let expected = arrived(&bob.payee, &accepted);
    assert!(expected.path_id.as_ref().len() + mallory.offer.as_bytes().len() <= whole);
    let introduction = expected.sale.introduction.unwrap();
    assert_eq!((introduction.secret, introduction.payer), (alices.secret(), None));
    // Whoever adds a contact of it has nothing to pay back to.
    let error = Contact::from_payment(&Introduction::clone(&told_only_secret(&alices)), None).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Missing, Rule::Con2));
}

fn told_only_secret(contact: &Contact) -> Introduction {
    let payee = Payee::new([9; 32]);
    let offer = own_offer(&payee, 1, |offer| offer);
    let forged = Contact::new(contact.secret(), offer);
    let identity = Person::new(5).identity();
    let mut payment = start(&Payer::new([8; 32]), &forged, Some(&identity));
    let accepted = accept(&payee, &asked(&mut payment, NOW)).from_contact();
    arrived(&payee, &accepted).sale.introduction.unwrap()
}

fn asked_of(asked: &OutgoingMessage) -> &bolt12::InvoiceRequest {
    match &asked.message {
        bolt12::exchange::OffersMessage::InvoiceRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

// CON-3, CON-4
#[test]
fn a_name_is_told_signed_for_and_resolved() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let (payer, identity) = alice.named();
    let told = pay(&payer, &bobs, Some(&identity), &bob.payee).unwrap();
    assert_eq!((told.secret, &told.payer), (bobs.secret(), &Some(identity)));
    let refused = |resolved| {
        let error = Contact::from_payment(&told, resolved).unwrap_err();
        assert_eq!(error.rule(), Rule::Con4);
        error.kind().clone()
    };
    // Only the DNS says whose name it is.
    assert_eq!(refused(None), ErrorKind::Missing);
    assert_eq!(refused(Some(&bob.offer)), ErrorKind::WrongKey);
    let alices = Contact::from_payment(&told, Some(&alice.offer)).unwrap();
    assert_eq!((alices.offer(), alices.name(), alices.secret()), (&alice.offer, Some(&name()), bobs.secret()));
}

// CON-3, EXC-4: each request of a payment is signed for anew, also after a crash, and the answer repeats it.
#[test]
fn a_named_payment_goes_on_after_a_crash() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let (payer, identity) = alice.named();
    let mut payment = start(&payer, &bobs, Some(&identity));
    let first = asked(&mut payment, NOW);
    let saved = payment.to_bytes();
    let mut payment = payer.load(&saved).unwrap();
    let later = UnixTime(NOW.0 + 60);
    let second = asked(&mut payment, later);
    for asked in [&first, &second] {
        assert_eq!(asked_of(asked).payer_bip_353_name(), Some(name()));
        assert!(payer.keypair(asked_of(asked)).is_some());
    }
    // Without the key it asks for nothing.
    let mut unnamed = alice.payer.load(&saved).unwrap();
    let error = unnamed.poll(later).unwrap_err();
    assert_eq!((error.kind(), error.rule()), (&ErrorKind::Missing, Rule::Con3));
    let other = alice.payer.clone().named_by(bob.key());
    let draft = other.draft(&bob.offer, NOW, CHAINS).unwrap().amount(Msat(5_000)).introduce(&bobs, &identity).unwrap();
    assert_eq!(draft.check().unwrap_err().kind(), &ErrorKind::WrongKey);

    let accepted = accept(&bob.payee, &second);
    let (_, invoice) = sides::invoice(&accepted);
    let _ = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), later).unwrap();
    assert!(matches!(payment.state(), State::Quoted(_)));
}

/// The request with another signature for the name, by any key, signed by the payer as it now stands.
fn resigned(asked: &OutgoingMessage, payer: &Payer, by: &bolt12::secp256k1::Keypair) -> IncomingMessage {
    let request = asked_of(asked);
    let place = request.tlvs().get(Field::INVREQ_PAYER_BIP_353_SIGNATURE.number()).unwrap();
    let mut bytes = request.as_bytes().to_vec();
    let end = place.offset() + place.as_bytes().len();
    let start = place.value_offset();
    let records: Vec<_> = super::naive::parse(request.as_bytes()).unwrap();
    let is_signed =
        |number| (number <= 159 || number > 1000) && number != Field::INVREQ_PAYER_BIP_353_SIGNATURE.number();
    let signed: Vec<_> = records.into_iter().filter(|record| is_signed(record.number)).collect();
    let root = super::naive::root(&signed);
    let digest = super::naive::tagged(b"lightninginvoice_requestinvreq_payer_bip_353_signature", &root);
    let signature = Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(digest), by);
    bytes[start..start + 33].copy_from_slice(&by.public_key().serialize());
    bytes[end - 64..end].copy_from_slice(signature.as_ref());
    let records = super::naive::parse(&bytes).unwrap();
    let records = records.into_iter().filter(|record| record.number != 240).collect();
    let keypair = payer.keypair(request).unwrap();
    let signed = super::naive::sign("invoice_request", records, &keypair);
    IncomingMessage { bytes: super::naive::concat(&signed), ..deliver(asked, 0x70) }
}

// CON-4, IVR-8, EXC-3: who answers cannot put another key in the place of the payer's, though its signature be valid.
#[test]
fn another_key_for_the_name_is_no_answer() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let (payer, identity) = alice.named();
    let mut payment = start(&payer, &bobs, Some(&identity));
    let asked = asked(&mut payment, NOW);
    assert!(payer.is_own(asked_of(&asked).tlvs()));
    // Bob answers as if it had been asked for with his own key's signature.
    let forged = resigned(&asked, &payer, &key(0x77));
    let tlvs = TlvStream::read(forged.bytes.clone()).unwrap();
    assert!(!payer.is_own(&tlvs));
    let accepted = bob.payee.receive(forged).unwrap().accept(&terms(NOW, None)).unwrap();
    let (_, invoice) = sides::invoice(&accepted);
    let refused = payment.receive(deliver(&accepted.answer(invoice).unwrap(), 0x60), NOW).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::Differs, Rule::Ivr8));
}

// CON-4: whoever says somebody else's name gets no answer, and has cost a signature.
#[test]
fn a_request_under_a_forged_name_is_ignored() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let (payer, identity) = alice.named();
    let asked = asked(&mut start(&payer, &bobs, Some(&identity)), NOW);
    let mut forged = deliver(&asked, 0x70);
    let place = asked_of(&asked).tlvs().get(Field::INVREQ_PAYER_BIP_353_SIGNATURE.number()).unwrap();
    forged.bytes[place.offset() + place.as_bytes().len() - 1] ^= 1;
    let refused = bob.payee.receive(forged).unwrap_err();
    assert_eq!((refused.error().kind(), refused.error().rule()), (&ErrorKind::InvalidSignature, Rule::Con4));
    assert!(refused.answer().is_none());
    assert!(!refused.is_cheap());
}

#[test]
fn only_keys_made_for_an_offer_are_given_out() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    assert_eq!(alice.payee.offer_key(&bob.offer).unwrap_err().kind(), &ErrorKind::Differs);
    let new = alice.payee.new_offer([7; 16]);
    let of_node = new.build(OfferBuilder::new(key(9).public_key())).unwrap();
    let by_path = new.build(OfferBuilder::with_paths([path_with(0x60, new.path_id(0))])).unwrap();
    for offer in [of_node, by_path] {
        assert_eq!(alice.payee.offer_key(&offer).unwrap_err().kind(), &ErrorKind::WrongKey);
    }
    let shown = format!("{:?}", alice.key());
    assert_eq!(shown, format!("OfferKey {{ node_id: {}, .. }}", alice.key().node_id()));
    // The key of a path, from elsewhere.
    let last = sides::last_key(0x60, new.path_id(0));
    let offer = new.build(OfferBuilder::with_paths([path_with(0x60, new.path_id(0))])).unwrap();
    let (by_path, bobs) = (OfferKey::new(last), bob.key());
    assert_eq!(by_path.contact_secret(&bob.offer).unwrap(), bobs.contact_secret(&offer).unwrap());
}

// CON-6, CON-9
#[test]
fn further_secrets_are_recognised_and_not_sent() {
    let mut bob = Contact::new(secret(1), messages::offer());
    let carol = Contact::new(secret(2), messages::offer());
    assert!(bob.add_secret(secret(3)));
    assert!(!bob.add_secret(secret(3)) && !bob.add_secret(secret(1)));
    assert_eq!(bob.secret(), secret(1));
    let contacts = [bob, carol];
    for (byte, expected) in [(1, Some(0)), (3, Some(0)), (2, Some(1)), (4, None)] {
        assert_eq!(Contact::find(&contacts, &secret(byte)), expected.map(|at: usize| &contacts[at]));
    }
}

proptest! {
    #[test]
    fn a_contact_is_what_was_saved(secrets in proptest::collection::vec(any::<[u8; 32]>(), 1..5), is_named: bool) {
        let mut contact = Contact::new(ContactSecret::from_byte_array(secrets[0]), messages::offer());
        for secret in &secrets {
            contact.add_secret(ContactSecret::from_byte_array(*secret));
        }
        if is_named {
            contact = contact.with_name(name());
        }
        let bytes = contact.to_bytes();
        prop_assert_eq!(Contact::from_bytes(&bytes), Ok(contact));
        prop_assert!(Contact::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        for len in 0..bytes.len() {
            prop_assert!(Contact::from_bytes(&bytes[..len]).is_err(), "{} bytes", len);
        }
        let newer = Contact::from_bytes(&[&[2], &bytes[1..]].concat()).unwrap_err();
        prop_assert_eq!(newer.kind(), &ErrorKind::UnknownVersion);
        // A number of secrets that nobody has.
        let many = [&bytes[..1], &[0xff; 4], &bytes[5..]].concat();
        prop_assert!(Contact::from_bytes(&many).is_err());
    }
}

// CON-8: the longest path id of a payer that says who it is, and of one that is known.
#[test]
fn who_pays_fits_into_a_path_id() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bobs = alice.key().contact(bob.offer.clone()).unwrap();
    let fill = |len: usize| own_offer(&alice.payee, 1, |offer| offer.issuer(&"x".repeat(len)));
    let full = fill(300 - fill(1).as_bytes().len() + 1);
    assert_eq!(full.as_bytes().len(), 300);
    let identity = PayerIdentity::from(full);
    let accepted = accept(&bob.payee, &asked(&mut start(&alice.payer, &bobs, Some(&identity)), NOW));
    let accepted = accepted.sale_data(&[7; bolt12::exchange::MAX_SALE_DATA]).unwrap();
    let expected = arrived(&bob.payee, &accepted);
    assert_eq!(expected.sale.introduction.clone().unwrap().payer, Some(identity));
    let known = accepted.from_contact().expected_payment();
    assert_eq!(expected.path_id.as_ref().len() - known.path_id.as_ref().len(), 301);
    assert_eq!(known.path_id.as_ref().len(), 228);
}
