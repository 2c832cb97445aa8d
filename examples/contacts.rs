//! Alice pays Bob and says who she is. Bob adds her to his contacts, and pays back. A stranger who learned their secret
//! gets nothing of it.
//!
//! `cargo run --example contacts --features contacts`

mod stand_in;

use std::time::Duration;

use bolt12::exchange::{Action, Contact, ExpectedPayment, MaxAmount, Payee, Payer, Payment, State, Terms};
use bolt12::{ChainHash, Error, Features, Introduction, Msat, Offer, OfferBuilder, PayInfo, PayerIdentity, UnixTime};
use stand_in::{deliver, path_to};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// Somebody with a wallet.
struct Person {
    name: &'static str,
    payer: Payer,
    payee: Payee,
    /// Over which this person is paid.
    offer: Offer,
    /// Whom this person knows, and what they are called.
    contacts: Vec<(&'static str, Contact)>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut alice = Person::new("Alice", 1)?;
    let mut bob = Person::new("Bob", 2)?;
    let mallory = Person::new("Mallory", 3)?;

    println!("Alice adds Bob, of whom she has an offer:\n  {}\n", bob.offer);
    let bobs = alice.payee.offer_key(&alice.offer)?.contact(bob.offer.clone())?;
    alice.contacts.push(("Bob", bobs.clone()));

    println!("She pays him 5,000 sat, and wants him to know that it was her.");
    let arrived = alice.pay(&bobs, true, &bob)?;
    bob.look_at(&arrived);

    println!("\nAlice tells him that it was her, and he adds her.");
    let told = arrived.sale.introduction.ok_or("nobody said who paid")?;
    let alices = Contact::from_payment(&told, None)?;
    bob.contacts.push(("Alice", alices.clone()));
    // He keeps it as bytes, and has it again when his wallet starts.
    assert_eq!(Contact::from_bytes(&alices.to_bytes())?, alices);

    println!("\nBob pays back, and says who he is.");
    alice.look_at(&bob.pay(&alices, true, &alice)?);

    println!("\nAlice pays him once more, privately.");
    bob.look_at(&alice.pay(&bobs, false, &bob)?);

    println!("\nMallory has learned their secret. She pays Bob with it, and with an offer of her own.");
    let forged = Contact::new(bobs.secret(), bob.offer.clone());
    bob.look_at(&mallory.pay(&forged, true, &bob)?);
    println!("If Bob pays Alice back now, the money still goes to:\n  {}", bob.contacts[0].1.offer());
    assert_eq!(bob.contacts[0].1.offer(), &alice.offer);
    Ok(())
}

impl Person {
    fn new(name: &'static str, secret: u8) -> Result<Self, Error> {
        let payee = Payee::new([secret; 32]);
        // A short one, since it goes along with payments.
        let new = payee.new_offer([secret; 16]).short();
        let offer = OfferBuilder::new(new.issuer_id()).issuer(name).add_path(path_to(name, new.path_id(0)));
        let offer = new.build(offer)?;
        Ok(Self { name, payer: Payer::new([secret + 100; 32]), payee, offer, contacts: Vec::new() })
    }

    /// Pays somebody, and returns what they find when the money has come.
    fn pay(&self, to: &Contact, says_who: bool, payee: &Self) -> Result<ExpectedPayment, Box<dyn std::error::Error>> {
        let mut draft = self.payer.draft(to.offer(), NOW, &[ChainHash::BITCOIN])?.amount(Msat(5_000_000));
        if says_who {
            draft = draft.introduce(to, &PayerIdentity::from(self.offer.clone()))?;
        }
        let reveals: Vec<_> = draft.reveals().iter().filter_map(|field| field.label()).collect();
        println!("  {} will see: {}", payee.name, reveals.join(", "));
        let mut payment = draft.start([7; 32], NOW, UnixTime(NOW.0 + 60))?;
        let Action::Send(request) = payment.poll(NOW)? else { return Err("nothing to send".into()) };

        let received = payee.payee.receive(deliver(&request, self.name))?;
        let mut accepted = received.accept(&terms())?;
        // Of somebody whom the payee knows, only the secret has to come back.
        let secret = accepted.request().contact_secret();
        if secret.is_some_and(|secret| payee.known(&secret).is_some()) {
            accepted = accepted.from_contact();
        }
        let expected = accepted.expected_payment();
        let path = path_to(payee.name, &expected.path_id);
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo()?).build()?;
        let answer = accepted.answer(accepted.sign(invoice)?)?;

        let _ = payment.receive(deliver(&answer, payee.name), NOW)?;
        let (hash, path_id) = pay_with_a_node(&mut payment)?;
        let found = payee.payee.expected_payment(hash, &path_id).ok_or("not for this payee")?;
        payment.paid(found.preimage)?;
        Ok(found)
    }

    /// Who has paid, as far as this person knows.
    fn look_at(&self, arrived: &ExpectedPayment) {
        let who = match &arrived.sale.introduction {
            None => "somebody who did not say".to_owned(),
            Some(Introduction { secret, .. }) => match self.known(secret) {
                Some(name) => name.to_owned(),
                None => "somebody who would like to be known".to_owned(),
            },
        };
        println!("  {} sees: {} from {who}", self.name, arrived.amount);
    }

    fn known(&self, secret: &bolt12::ContactSecret) -> Option<&'static str> {
        let found = Contact::find(self.contacts.iter().map(|(_, contact)| contact), secret)?;
        self.contacts.iter().find(|(_, contact)| contact == found).map(|(name, _)| *name)
    }
}

/// Stands in for a node that pays: what arrives is the payment hash, and the path id of the path that was paid over.
fn pay_with_a_node(
    payment: &mut Payment,
) -> Result<(bolt12::bitcoin::hashes::sha256::Hash, Vec<u8>), Box<dyn std::error::Error>> {
    let State::Quoted(quote) = payment.state() else { return Err("no invoice".into()) };
    let hash = quote.payment_hash();
    payment.begin(hash, NOW, None)?;
    let State::Paying(paying) = payment.state() else { return Err("not begun".into()) };
    let path = paying.invoice().paths().and_then(|paths| paths.iter().next()).ok_or("no path")?;
    let last = path.hops().last().ok_or("no hop")?;
    Ok((hash, last.encrypted_recipient_data.to_vec()))
}

fn terms() -> Terms<'static> {
    let (chains, max_amount) = (&[ChainHash::BITCOIN], MaxAmount::Any);
    Terms { now: NOW, chains, rate: None, rate_age: Duration::ZERO, max_rate_age: Duration::ZERO, max_amount }
}

fn payinfo() -> Result<PayInfo<'static>, Error> {
    Ok(PayInfo {
        fee_base_msat: 1_000,
        fee_proportional_millionths: 100,
        cltv_expiry_delta: 80,
        htlc_minimum_msat: 1,
        htlc_maximum_msat: 1_000_000_000,
        features: Features::new([])?,
    })
}
