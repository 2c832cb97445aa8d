//! Buys a cup of coffee: all that happens between a QR code on a counter and the receipt.
//!
//! A shop asks 3.50 dollars. Alice's wallet asks for an invoice, and shows it. While she looks, the dollar becomes dearer:
//! the invoice is off the price, so the wallet asks for another by itself, until the rates of both sides meet. That one
//! she pays, and can prove it.
//!
//! Two things are stand-ins: `deliver`, in a file beside this one, for onion messages, and `pay` for a Lightning node. And
//! secrets, "randomness" and the clock are constants, so that every run prints the same. Yours must not be.

#[path = "stand_in/mod.rs"]
mod stand_in;

use std::time::Duration;

use bolt12::bitcoin::hex::DisplayHex;
use bolt12::exchange::{
    Action, IncomingMessage, Limit, MaxAmount, OffersMessage, OutgoingMessage, Payee, Payer, Paying, Payment, Refused,
    State, Terms,
};
use bolt12::{
    Bolt12, ChainHash, Error, Expectation, ExpectedPayee, Features, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder,
    PayInfo, PayerProof, Preimage, Rate, Text, UnixTime,
};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use stand_in::{deliver, path_to};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut now = UnixTime(1_800_000_000);
    let mut shop = Shop { issuer: Payee::new([0x41; 32]), rate: rate("100000")? };

    heading(now, "The shop makes an offer, once, and puts it on the counter.");
    let offer = shop.make_offer()?;
    // In upper case a QR code is smaller: letters of one case and digits have a mode of their own.
    let scanned = format!("LIGHTNING:{offer:#}");
    println!("{}\n\n{}", offer.wrapped(98)?, qr_code(&scanned)?);

    heading(now, "Alice scans it. Her wallet shows what she would pay for, and asks what it must know.");
    let Bolt12::Offer(offer) = scanned.parse()? else { return Err("this is another BOLT 12 text".into()) };
    let payer = Payer::new([0x42; 32]);
    let draft = payer.draft(&offer, now, CHAINS)?;
    println!("for:      {}, from {}", words(offer.description()), words(offer.issuer()));
    println!("price:    {}", draft.price()?.ok_or("as you like")?.with_minor_unit(2));
    draft.needs().iter().for_each(|need| println!("needed:   {need}"));
    // An exchange says what a bitcoin costs; what Alice allows beside is a setting of her wallet.
    let draft = draft.rate(rate("100000")?).limit(Limit::Tolerance { basis_points: 200 });
    println!("costs:    {}, or 2 % more or less", draft.cost()?.ok_or("no price")?);
    let draft = draft.payer_note("With oat milk, please");
    let shown: Vec<_> = draft.reveals().iter().filter_map(|field| field.label()).collect();
    println!("reveals:  {}", shown.join(", "));
    let mut payment = draft.start([0x01; 32], now, UnixTime(now.0 + 300))?;

    heading(now, "She asks for an invoice. Her first message gets lost.");
    ask(&mut payment, &mut shop, &mut now, 1)?;
    let State::Quoted(quote) = payment.state() else { return Err("no invoice".into()) };
    println!("  It is the price: {} until {}.", quote.amount(), time(quote.expires_at()));
    now = now.saturating_add(Duration::from_secs(20));

    shop.rate = rate("96500")?;
    heading(now, "While she looks at it, the dollar becomes dearer. Her wallet hears of that.");
    payment.set_rate(rate("96600")?)?;
    let State::NeedsApproval { objection, .. } = payment.state() else { return Err("that is no matter".into()) };
    println!("Not paid: {objection}.");
    println!("Nobody has to do anything: another is asked for.\n");
    ask(&mut payment, &mut shop, &mut now, 0)?;
    let State::Quoted(quote) = payment.state() else { return Err("no invoice".into()) };
    let difference = quote.difference_basis_points().ok_or("no price")?;
    println!("  It is {difference} hundredths of a per cent off the price at Alice's rate.");
    let payment_hash = quote.payment_hash();

    heading(now, "She pays it.");
    // This quote, and no other that may have come since; and only if it is the price at the rate of this moment.
    let attempt = payment.begin(payment_hash, now, Some(rate("96450")?))?;
    // First saved, then paid: if the phone goes off now, it knows tomorrow that the money may be on its way.
    let saved = payment.to_bytes();
    let mut payment = payer.load(&saved)?;
    let State::Paying(payable) = payment.state() else { return Err("not begun".into()) };
    println!("Attempt {attempt}: {}, for the hash\n  {}", payable.amount(), payable.payment_hash());
    println!("It may cost {} on the way, and no more.", payable.limits().max_fee);
    let preimage = pay(&payable, &shop).ok_or("the payment failed")?;
    println!("The shop has the money, and Alice has the preimage:\n  {preimage}");
    payment.paid(preimage)?;

    heading(now, "Somebody else is to bring the coffee, and wants to see that it was paid: \"table 7\".");
    let State::Paid(receipt) = payment.state() else { return Err("not paid".into()) };
    let keypair = receipt.keypair().ok_or("another payer's")?;
    let proof = receipt.proof().note("table 7").build()?.sign(&keypair)?;
    println!("Alice's proof:\n{}\n", proof.wrapped(98)?);
    let proof: PayerProof = proof.to_string().parse()?; // that it can be read means that its signatures are valid
    let payee = ExpectedPayee::NodeId(offer.issuer_id().ok_or("no key")?); // a key that the shop made for this offer alone
    proof.check(&Expectation { payee, chain: CHAINS[0], min_amount: Msat(3_500_000), note: Some("table 7") })?;
    println!("It holds: {} for {}.", proof.amount().ok_or("hidden")?, words(proof.offer().description()));
    Ok(())
}

/// What a wallet does until it is the user's turn: sends what there is to send, takes what arrives, and waits.
fn ask(payment: &mut Payment, shop: &mut Shop, now: &mut UnixTime, mut losses: u32) -> Result<(), Error> {
    while let State::Asking { .. } | State::NeedsApproval { .. } = payment.state() {
        match payment.poll(*now)? {
            Action::Send(request) => {
                show(*now, "Alice", &request.message);
                if losses > 0 {
                    losses -= 1;
                    println!("  (lost)");
                    continue;
                }
                *now = now.saturating_add(Duration::from_secs(1));
                // Nothing may come back: an issuer does not answer whoever probes for offers.
                let Some(answer) = shop.receive(deliver(&request, "Alice"), *now) else { continue };
                show(*now, "the shop", &answer.message);
                let arrived = deliver(&answer, "shop");
                // A wallet with many payments finds this one by `payer.payment_of(&arrived.arrival)`.
                let progress = payment.receive(arrived, *now);
                // What was refused has changed nothing: the right answer may still come.
                progress.map(drop).unwrap_or_else(|refused| println!("  not taken: {refused}"));
            }
            Action::WaitUntil(time) => *now = time,
            Action::Sign | Action::Nothing => {}
        }
    }
    Ok(())
}

/// The shop: a secret, and today's rate. Of offers, requests and invoices it keeps nothing.
struct Shop {
    issuer: Payee,
    rate: Rate,
}

impl Shop {
    fn make_offer(&self) -> Result<Offer, Error> {
        let new = self.issuer.new_offer([0x07; 16]);
        let price = OfferAmount::Currency { currency: self.rate.currency(), amount: MinorUnits(350) };
        let offer = OfferBuilder::new(new.issuer_id()).amount(price).description("a flat white").issuer("Café Zwölf");
        new.build(offer.add_path(path_to("shop", new.path_id(0))))
    }

    /// Answers a request, with an invoice or with the reason why there is none, or not at all.
    fn receive(&mut self, request: IncomingMessage, now: UnixTime) -> Option<OutgoingMessage> {
        self.answer(request, now).map_or_else(|refused| refused.into_answer(), Some)
    }

    fn answer(&mut self, request: IncomingMessage, now: UnixTime) -> Result<OutgoingMessage, Box<Refused>> {
        let received = self.issuer.receive(request)?; // for an offer of ours, which nobody changed
        let due = received.due(Some(self.rate));
        let terms = Terms {
            now,
            chains: CHAINS,
            rate: Some(self.rate),
            rate_age: std::time::Duration::ZERO,
            max_rate_age: std::time::Duration::from_secs(600),
            max_amount: MaxAmount::TimesPrice(5),
        };
        let accepted = received.accept(&terms)?; // on time, and for enough
        let due = due?.unwrap_or_default();
        println!("  At {} the shop wants {due}.", time(now));

        // The node's part: a path to itself, and what it costs to be paid over it. Which payment that is for is in
        // the path id, so that the shop need not remember it.
        let expected = accepted.expected_payment();
        let path = path_to("shop", &expected.path_id);
        let payinfo = PayInfo {
            fee_base_msat: 1_000,
            fee_proportional_millionths: 100,
            cltv_expiry_delta: 144,
            htlc_minimum_msat: 1,
            htlc_maximum_msat: 100_000_000,
            features: Features::default(),
        };
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build()?;
        let invoice = accepted.sign(invoice)?;
        Ok(accepted.answer(invoice)?)
    }
}

/// What exchanges say: the price of one bitcoin in dollars, which have two digits after the point.
fn rate(dollars_per_bitcoin: &str) -> Result<Rate, Error> {
    Rate::per_bitcoin("USD".parse()?, dollars_per_bitcoin, 2)
}

/// What somebody else wrote, with everything escaped that could deceive.
fn words(text: Option<Text<'_>>) -> String {
    text.map_or("(nothing)".into(), |text| text.to_string())
}

fn qr_code(text: &str) -> Result<String, qrcode::types::QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    // Terminals are dark: what is printed is light.
    Ok(code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

fn heading(now: UnixTime, text: &str) {
    println!("\n== {}  {text}\n", time(now));
}

/// A message as it travels, shortened, and as people read it.
fn show(now: UnixTime, who: &str, message: &OffersMessage) {
    let (text, meaning) = match message {
        OffersMessage::InvoiceRequest(request) => {
            let amount = request.amount().map_or("the price".into(), |amount| amount.to_string());
            let note = request.payer_note().map_or(String::new(), |note| format!(" \"{note}\""));
            (request.to_string(), format!("I would like to pay {amount}.{note}"))
        }
        OffersMessage::Invoice(invoice) => {
            (invoice.to_string(), format!("Pay {} until {}.", invoice.amount(), time(invoice.expires_at())))
        }
        OffersMessage::InvoiceError(told) => (told.as_bytes().to_lower_hex_string(), words(told.error())),
    };
    let (start, end) = (&text[..text.len().min(48)], &text[text.len().saturating_sub(12)..]);
    println!("{}  {who}: {start}…{end} ({} letters)\n  {meaning}", time(now), text.len());
}

fn time(UnixTime(seconds): UnixTime) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

// From here on: stand-ins for what is not this crate's work.

/// Takes the place of a payment: it comes to the shop over a path of the invoice, and the preimage goes back.
fn pay(payable: &Paying<'_>, shop: &Shop) -> Option<Preimage> {
    let paths = payable.paths();
    let (path, _) = paths.first()?;
    let path_id = path.hops().last()?.encrypted_recipient_data;
    let expected = shop.issuer.expected_payment(payable.payment_hash(), path_id)?;
    (payable.amount() >= expected.amount).then_some(expected.preimage)
}
