//! What a payment holds beside its messages.

use bolt12::exchange::{Payer, Payment};

use crate::allocations::Allocations;
use crate::conversation::{Conversation, copy};
use crate::messages::NOW;

pub(crate) fn print_head() {
    println!("\n| memory of a payment | messages, bytes | beside them | saved, beside them |");
    println!("| --- | --: | --: | --: |");
}

pub(crate) fn print(conversation: &Conversation) {
    let Conversation { payer, asking, answered, offer, invoice, .. } = conversation;
    let mut quoted = copy(payer, asking);
    let _ = quoted.receive(answered.clone(), NOW).expect("a valid invoice");
    let offer = offer.as_bytes().len();
    row(payer, &conversation.name("asking"), asking, offer);
    row(payer, &conversation.name("quoted"), &quoted, offer + invoice.as_bytes().len());
}

fn row(payer: &Payer, name: &str, payment: &Payment, messages: usize) {
    let held = Allocations::held(|| copy(payer, payment)) as usize + size_of::<Payment>();
    println!("| {name} | {messages} | {} | {} |", held - messages, payment.to_bytes().len() - messages);
}
