//! A wallet's start: all of its payments, loaded from what was saved.

use std::hint::black_box;
use std::time::Instant;

use bolt12::exchange::{Payer, Payment};

use crate::conversation::{Conversation, copy};
use crate::measure::Effort;
use crate::messages::NOW;

fn payments(effort: Effort) -> usize {
    effort.times(100, 10_000)
}

pub(crate) fn print_head(effort: Effort) {
    println!("\n| loading {} saved payments | ms | µs for one |", payments(effort));
    println!("| --- | --: | --: |");
}

pub(crate) fn print(conversation: &Conversation, effort: Effort) {
    let Conversation { payer, asking, answered, .. } = conversation;
    let mut quoted = copy(payer, asking);
    let _ = quoted.receive(answered.clone(), NOW).expect("a valid invoice");
    row(payer, &conversation.name("asking"), asking, payments(effort));
    row(payer, &conversation.name("quoted"), &quoted, payments(effort));
}

/// The fastest of five times: nothing here waits for anything.
fn row(payer: &Payer, name: &str, payment: &Payment, count: usize) {
    let saved = vec![payment.to_bytes(); count];
    let load = |_| {
        let start = Instant::now();
        let loaded: Vec<Payment> = saved.iter().map(|saved| payer.load(saved).expect("a saved payment")).collect();
        let time = start.elapsed();
        black_box(loaded);
        time
    };
    let time = (0..5).map(load).min().unwrap_or_default();
    println!("| {name} | {:.1} | {:.2} |", time.as_secs_f64() * 1e3, time.as_secs_f64() * 1e6 / count as f64);
}
