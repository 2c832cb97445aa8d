//! A wallet's start: all of its payments, loaded from what was saved.

use std::hint::black_box;
use std::time::Instant;

use bolt12::exchange::{Payer, Payment};

use crate::conversation::{Conversation, copy};
use crate::messages::NOW;

const PAYMENTS: usize = 10_000;

pub(crate) fn print_head() {
    println!("\n| loading {PAYMENTS} saved payments | ms | µs for one |");
    println!("| --- | --: | --: |");
}

pub(crate) fn print(conversation: &Conversation) {
    let Conversation { payer, asking, answered, .. } = conversation;
    let mut quoted = copy(payer, asking);
    let _ = quoted.receive(answered.clone(), NOW).expect("a valid invoice");
    row(payer, &conversation.name("asking"), asking);
    row(payer, &conversation.name("quoted"), &quoted);
}

/// The fastest of five times: nothing here waits for anything.
fn row(payer: &Payer, name: &str, payment: &Payment) {
    let saved = vec![payment.to_bytes(); PAYMENTS];
    let load = |_| {
        let start = Instant::now();
        let loaded: Vec<Payment> = saved.iter().map(|saved| payer.load(saved).expect("a saved payment")).collect();
        let time = start.elapsed();
        black_box(loaded);
        time
    };
    let time = (0..5).map(load).min().unwrap_or_default();
    println!("| {name} | {:.1} | {:.2} |", time.as_secs_f64() * 1e3, time.as_secs_f64() * 1e6 / PAYMENTS as f64);
}
