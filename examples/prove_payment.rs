//! Proves a payment with a payer proof, and checks the proof as somebody else would.
//!
//! Alice has paid a shop and wants Bob to believe it. Bob gives her a challenge, so that nobody else can show
//! him Alice's proof as their own.

use bolt12::secp256k1::{Keypair, Secp256k1};
use bolt12::{
    BlindedPath, ChainHash, Disclosure, Error, Expectation, ExpectedPayee, Field, Invoice, InvoiceBuilder,
    InvoiceRequestBuilder, Msat, Offer, OfferBuilder, PayInfo, PayerProof, PayerProofBuilder, Preimage, RequestArrival,
    RequestContext, UnixTime,
};

const CHALLENGE: &str = "Bob asks, 2027-01-15, 4711";
const PRICE: Msat = Msat(25_000_000);

fn main() -> Result<(), Error> {
    let (shop, alice) = (key(0x41), key(0x42));
    let (offer, invoice, preimage) = pay(&shop, &alice)?;

    println!("Alice paid for this offer and wants to prove it:\n  {offer}\n");
    // A receipt that also shows all fields of the offer, so that Bob can tell which offer was paid.
    let receipt = PayerProofBuilder::receipt(&invoice, preimage).reveal(Field::OFFER_AMOUNT).note(CHALLENGE);

    let preview = receipt.preview()?;
    println!("Before she signs, she sees what the proof will show:");
    preview.revealed.iter().for_each(|field| println!("  {}", for_people(field)));
    println!("and what it will hide:");
    preview.hidden.iter().for_each(|field| println!("  {}", for_people(field)));

    // A remote signer is shown `unsigned` and signs its digest; `complete` takes the signature.
    let unsigned = receipt.build()?;
    let text = unsigned.sign(&alice)?.to_string();
    println!("\nThe proof, which she sends to Bob:\n  {text}\n");

    // A proof that can be read has been verified.
    let proof: PayerProof = text.parse()?;
    println!("Bob reads the proof:");
    print_proof(&proof);

    println!("\nBob checks whether the person he is talking to paid for this offer:");
    let (payee, chain) = (ExpectedPayee::Offer(&offer), ChainHash::BITCOIN);
    let expected = Expectation { payee, chain, min_amount: PRICE, note: Some(CHALLENGE) };
    print_verdict(&proof, &expected);

    println!("\nMallory shows the same proof to Carol, who gave another challenge:");
    print_verdict(&proof, &Expectation { note: Some("Carol asks, 2027-01-16, 1234"), ..expected });

    println!("\nMallory changes one character of it:");
    let (start, end) = text.split_at(text.len() - 9);
    let forged = format!("{start}{}{}", if end.starts_with('q') { 'p' } else { 'q' }, &end[1..]);
    match forged.parse::<PayerProof>() {
        Ok(_) => println!("  unnoticed"),
        Err(error) => println!("  {error}\n  for a developer: {error:#}"),
    }
    Ok(())
}

fn print_proof(proof: &PayerProof) {
    println!("  paid to:     {}", proof.node_id());
    println!("  paid by:     {}", proof.payer_id());
    if let Some(amount) = proof.amount() {
        println!("  amount:      {amount}");
    }
    if let Some(time) = proof.created_at() {
        println!("  invoiced at: {} (Unix time)", time.0);
    }
    // Untrusted text is shown with everything escaped that could deceive.
    if let Some(description) = proof.offer().description() {
        println!("  for:         {description}");
    }
    if let Some(note) = proof.note() {
        println!("  note:        {note}");
    }
    for field in [Field::INVREQ_PAYER_NOTE, Field::OFFER_METADATA, Field::INVOICE_PATHS] {
        let said = match proof.disclosure(field) {
            Disclosure::Disclosed => "shown",
            Disclosure::Hidden => "hidden",
            Disclosure::Absent => "there is none",
            Disclosure::HiddenOrAbsent => "hidden, or there is none",
        };
        println!("  {}: {said}", for_people(&field));
    }
}

fn print_verdict(proof: &PayerProof, expected: &Expectation<'_>) {
    match proof.check(expected) {
        Ok(()) => println!("  yes"),
        Err(unmet) => unmet.as_slice().iter().for_each(|unmet| println!("  no: {unmet}")),
    }
}

fn for_people(field: &Field) -> String {
    field.label().map_or_else(|| format!("field {}", field.number()), str::to_owned)
}

/// The exchange that comes first: the shop's offer, Alice's request, the shop's invoice, and the preimage that she
/// learns by paying.
fn pay(shop: &Keypair, alice: &Keypair) -> Result<(Offer, Invoice, Preimage), Error> {
    let (now, chains) = (UnixTime(1_800_000_000), &[ChainHash::BITCOIN]);
    let offer = OfferBuilder::new(shop.public_key()).description("a bicycle bell").amount_msat(PRICE);
    let offer = offer.issuer("Bell & Sons").build()?;

    let request = InvoiceRequestBuilder::new(offer.usable(now, chains)?, alice.public_key(), [0x24; 16]);
    let request = request.payer_note("please wrap it").build()?.sign(alice)?;

    let preimage = Preimage([0x77; 32]);
    let arrival = RequestArrival::Direct;
    let context = RequestContext { offer: &offer, arrival, now, chains, rate: None, max_amount: None };
    let accepted = request.accept(&context)?;
    let (hop, data) = (key(0x43).public_key(), [0u8; 16]);
    let path = BlindedPath::new(hop.into(), key(0x44).public_key(), [(hop, &data[..])])?;
    let payinfo = PayInfo::new(1_000, 100, 144, 1, PRICE.0 * 2);
    let invoice = InvoiceBuilder::new(accepted, now, preimage.payment_hash());
    let invoice = invoice.add_path(path, &payinfo).build()?.sign(shop)?;
    Ok((offer, invoice, preimage))
}

/// A key for the example; real ones come from a wallet.
fn key(byte: u8) -> Keypair {
    Keypair::from_seckey_slice(&Secp256k1::new(), &[byte; 32]).expect("a number below the order of the curve")
}
