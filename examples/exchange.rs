//! Buys a cup of coffee: everything that happens between the QR code on the counter and the receipt.
//!
//! A shop asks for 3.50 dollars. Alice's wallet requests an invoice and shows it. While she looks at it, the dollar
//! rises. The invoice no longer matches the price, so the wallet requests another one, until the rates of both sides
//! agree. Alice pays that one, and can prove it.
//!
//! Two parts are stand-ins: `deliver`, in a file next to this one, for onion messages, and `pay` for a Lightning node.
//! Secrets, "randomness" and the clock are constants, so that every run prints the same. Yours must not be.

#[path = "stand_in/mod.rs"]
mod stand_in;

use std::time::Duration;

use bolt12::bitcoin::hex::DisplayHex;
use bolt12::exchange::{
    Action, IncomingMessage, Limit, MaxAmount, OffersMessage, OutgoingMessage, Payee, Payer, Paying, Payment, Refused,
    State, Terms,
};
use bolt12::{
    Bolt12, ChainHash, Error, Expectation, ExpectedPayee, MinorUnits, Msat, Offer, OfferAmount, OfferBuilder, PayInfo,
    PayerProof, Preimage, Rate, Text, UnixTime,
};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};
use stand_in::{deliver, path_to};

const CHAINS: &[ChainHash] = &[ChainHash::BITCOIN];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut now = UnixTime(1_800_000_000);
    let mut shop = Shop { issuer: Payee::new([0x41; 32]), rate: rate("100000")? };

    heading(now, "The shop makes an offer, once, and puts it on the counter.");
    let offer = shop.make_offer()?;
    // Upper case makes a smaller QR code, because capital letters and digits have a compact mode.
    let scanned = format!("LIGHTNING:{offer:#}");
    println!("{}\n\n{}", offer.wrapped(98)?, qr_code(&scanned)?);

    heading(now, "Alice scans it. Her wallet shows what she would pay for, and what it needs to know.");
    let Bolt12::Offer(offer) = scanned.parse()? else { return Err("this is another BOLT 12 text".into()) };
    let payer = Payer::new([0x42; 32]);
    let draft = payer.draft(&offer, now, CHAINS)?;
    println!("for:      {}, from {}", words(offer.description()), words(offer.issuer()));
    println!("price:    {}", draft.price()?.ok_or("as you like")?);
    draft.needs().iter().for_each(|need| println!("needed:   {need}"));
    // The rate comes from an exchange. The tolerance is a setting of Alice's wallet.
    let draft = draft.rate(rate("100000")?).limit(Limit::Tolerance { basis_points: 200 });
    println!("costs:    {}, give or take 2 %", draft.cost()?.ok_or("no price")?);
    let draft = draft.payer_note("With oat milk, please");
    let shown: Vec<_> = draft.reveals().iter().filter_map(|field| field.label()).collect();
    println!("reveals:  {}", shown.join(", "));
    let mut payment = draft.start([0x01; 32], now, UnixTime(now.0 + 300))?;

    heading(now, "She requests an invoice. Her first message is lost.");
    ask(&mut payment, &mut shop, &mut now, 1)?;
    let State::Quoted(quote) = payment.state() else { return Err("no invoice".into()) };
    println!("  The invoice for {} matches the price, and expires at {}.", quote.amount(), time(quote.expires_at()));
    now = now.saturating_add(Duration::from_secs(20));

    shop.rate = rate("96500")?;
    heading(now, "While she looks at it, the dollar rises. Her wallet learns the new rate.");
    payment.set_rate(rate("96600")?)?;
    let State::NeedsApproval { objection, .. } = payment.state() else {
        return Err("the invoice still matches".into());
    };
    println!("Not paid: {objection}.");
    println!("The wallet requests another one by itself.\n");
    ask(&mut payment, &mut shop, &mut now, 0)?;
    let State::Quoted(quote) = payment.state() else { return Err("no invoice".into()) };
    let difference = quote.difference_basis_points().ok_or("no price")?;
    println!("  That differs from the price at Alice's rate by {difference} basis points.");
    let payment_hash = quote.payment_hash();

    heading(now, "She pays it.");
    // This quote and no other that may have arrived since, and only if it matches the price at the current rate.
    let attempt = payment.begin(payment_hash, now, Some(rate("96450")?))?;
    // Save first, then pay: if the phone dies now, it knows tomorrow that the payment may be in flight.
    let saved = payment.to_bytes();
    let mut payment = payer.load(&saved)?;
    let State::Paying(payable) = payment.state() else { return Err("not begun".into()) };
    println!("Attempt {attempt}: {} to the payment hash\n  {}", payable.amount(), payable.payment_hash());
    println!("The fees are limited to {}.", payable.limits().max_fee);
    let preimage = pay(&payable, &shop).ok_or("the payment failed")?;
    println!("The shop has the money. Alice has the preimage:\n  {preimage}");
    payment.paid(preimage)?;

    heading(now, "The waiter wants proof of payment, and gives \"table 7\" as the challenge.");
    let State::Paid(receipt) = payment.state() else { return Err("not paid".into()) };
    let keypair = receipt.keypair().ok_or("another payer's")?;
    let proof = receipt.proof().note("table 7").build()?.sign(&keypair)?;
    println!("Alice's proof:\n{}\n", proof.wrapped(98)?);
    let proof: PayerProof = proof.to_string().parse()?; // a proof that can be read has valid signatures
    let payee = ExpectedPayee::NodeId(offer.issuer_id().ok_or("no key")?); // a key for this offer alone
    proof.check(&Expectation { payee, chain: CHAINS[0], min_amount: Msat(3_500_000), note: Some("table 7") })?;
    println!(
        "The proof is valid: {} was paid for {}.",
        proof.amount().ok_or("hidden")?,
        words(proof.offer().description())
    );
    Ok(())
}

/// What a wallet does until the user has to act: sends what is due, takes what arrives, and waits.
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
                // There may be no answer: an issuer does not reply to somebody who probes for offers.
                let Some(answer) = shop.receive(deliver(&request, "Alice"), *now) else { continue };
                show(*now, "the shop", &answer.message);
                let arrived = deliver(&answer, "shop");
                // A wallet with many payments finds this one with `payer.payment_of(&arrived.arrival)`.
                let progress = payment.receive(arrived, *now);
                // A refused message has changed nothing: the right answer may still arrive.
                progress.map(drop).unwrap_or_else(|refused| println!("  refused: {refused}"));
            }
            Action::WaitUntil(time) => *now = time,
            Action::Sign | Action::Nothing => {}
        }
    }
    Ok(())
}

/// The shop: a secret and today's rate. It stores no offers, requests or invoices.
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

    /// Answers a request with an invoice, with the reason why there is none, or not at all.
    fn receive(&mut self, request: IncomingMessage, now: UnixTime) -> Option<OutgoingMessage> {
        self.answer(request, now).map_or_else(|refused| refused.into_answer(), Some)
    }

    fn answer(&mut self, request: IncomingMessage, now: UnixTime) -> Result<OutgoingMessage, Box<Refused>> {
        let received = self.issuer.receive(request)?; // for an unchanged offer of ours
        let due = received.due(Some(self.rate));
        let terms = Terms { rate: Some(self.rate), max_amount: MaxAmount::TimesPrice(5), ..Terms::new(now, CHAINS) };
        let accepted = received.accept(&terms)?; // in time, and for enough
        let due = due?.unwrap_or_default();
        println!("  At {} the shop wants {due}.", time(now));

        // The node's part: a path to itself, with its fees and limits. The path id says what the payment is for, so the
        // shop need not remember it.
        let expected = accepted.expected_payment();
        let path = path_to("shop", &expected.path_id);
        let payinfo = PayInfo::new(1_000, 100, 144, 1, 100_000_000);
        let invoice = accepted.invoice(expected.payment_hash()).add_path(path, &payinfo).build()?;
        let invoice = accepted.sign(invoice)?;
        Ok(accepted.answer(invoice)?)
    }
}

/// The rate as exchanges quote it: the price of one bitcoin in dollars, which have two decimal digits.
fn rate(dollars_per_bitcoin: &str) -> Result<Rate, Error> {
    Rate::per_bitcoin("USD".parse()?, dollars_per_bitcoin)
}

/// Untrusted text, with everything escaped that could deceive.
fn words(text: Option<Text<'_>>) -> String {
    text.map_or("(nothing)".into(), |text| text.to_string())
}

fn qr_code(text: &str) -> Result<String, qrcode::types::QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L)?;
    // Most terminals are dark, so light and dark are swapped.
    Ok(code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

fn heading(now: UnixTime, text: &str) {
    println!("\n== {}  {text}\n", time(now));
}

/// A message as text, shortened, and its meaning.
fn show(now: UnixTime, who: &str, message: &OffersMessage) {
    let (text, meaning) = match message {
        OffersMessage::InvoiceRequest(request) => {
            let amount = request.amount().map_or("the price".into(), |amount| amount.to_string());
            let note = request.payer_note().map_or(String::new(), |note| format!(" \"{note}\""));
            (request.to_string(), format!("Please send an invoice for {amount}.{note}"))
        }
        OffersMessage::Invoice(invoice) => {
            (invoice.to_string(), format!("Please pay {} by {}.", invoice.amount(), time(invoice.expires_at())))
        }
        OffersMessage::InvoiceError(told) => (told.as_bytes().to_lower_hex_string(), words(told.error())),
        // Nobody here is asleep.
        other => (other.as_bytes().to_lower_hex_string(), String::new()),
    };
    let (start, end) = (&text[..text.len().min(48)], &text[text.len().saturating_sub(12)..]);
    println!("{}  {who}: {start}…{end} ({} characters)\n  {meaning}", time(now), text.len());
}

fn time(UnixTime(seconds): UnixTime) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

// From here on: a stand-in for a part that this crate leaves to others.

/// Stands in for a payment: it reaches the shop over a path of the invoice, and the preimage comes back.
fn pay(payable: &Paying<'_>, shop: &Shop) -> Option<Preimage> {
    let paths = payable.paths();
    let (path, _) = paths.first()?;
    let path_id = path.hops().last()?.encrypted_recipient_data;
    let expected = shop.issuer.expected_payment(payable.payment_hash(), path_id)?;
    (payable.amount() >= expected.amount).then_some(expected.preimage)
}
