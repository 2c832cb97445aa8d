//! What another reader says of the links that people paste: the crate `bitcoin-payment-instructions`, on the corpus
//! `tests/data/links.txt`. `BLESS=1 cargo test -p bolt12-interop --test links` writes its verdicts anew; each
//! difference from ours has its reason there.

#[allow(dead_code, reason = "what is ours is for our own test")]
#[path = "../../tests/common/links.rs"]
mod links;

use std::path::Path;

use bitcoin_payment_instructions::dns_resolver::DNSHrnResolver;
use bitcoin_payment_instructions::{ParseError, PaymentInstructions, PaymentMethod, PossiblyResolvedPaymentMethod};
use bolt12::bitcoin::Network;

/// Their verdict, in our words where they say the same.
async fn verdict(link: &str) -> String {
    let resolver = DNSHrnResolver("127.0.0.1:1".parse().unwrap());
    let read = PaymentInstructions::parse(link, Network::Bitcoin, &resolver, false).await;
    let methods = match &read {
        Ok(PaymentInstructions::ConfigurableAmount(amount)) => {
            let is_offer =
                |method| matches!(method, PossiblyResolvedPaymentMethod::Resolved(PaymentMethod::LightningBolt12(_)));
            amount.methods().map(is_offer).collect::<Vec<_>>()
        }
        Ok(PaymentInstructions::FixedAmount(amount)) => {
            amount.methods().iter().map(|method| matches!(method, PaymentMethod::LightningBolt12(_))).collect()
        }
        Err(error) => return name(error).to_owned(),
    };
    match methods.iter().filter(|is_offer| **is_offer).count() {
        1 => "ok 1 offer".to_owned(),
        count => format!("ok {count} offers"),
    }
}

fn name(error: &ParseError) -> &'static str {
    match error {
        ParseError::InvalidBolt11(_) => "InvalidBolt11",
        ParseError::InvalidBolt12(_) => "InvalidBolt12",
        ParseError::InvalidOnChain(_) => "InvalidOnChain",
        ParseError::WrongNetwork => "WrongNetwork",
        ParseError::InconsistentInstructions(_) => "InconsistentInstructions",
        ParseError::InvalidInstructions(_) => "InvalidInstructions",
        ParseError::UnknownPaymentInstructions => "UnknownPaymentInstructions",
        ParseError::InstructionsExpired => "InstructionsExpired",
        ParseError::UnknownRequiredParameter => "UnknownRequiredParameter",
        _ => "another error",
    }
}

#[tokio::test]
async fn the_other_reader_says_what_is_noted() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/links.txt");
    let text = std::fs::read_to_string(&file).unwrap();
    let mut out: String = text.lines().filter(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    for line in links::lines() {
        let theirs = verdict(&line.link).await;
        if std::env::var_os("BLESS").is_none() {
            assert_eq!(theirs, line.theirs, "{}", line.short);
        }
        out.push_str(&format!("{} | {theirs} | {} | {}\n", line.ours, line.why, line.short));
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, out).unwrap();
    }
}
