//! What a payment holds beside its messages.

use bolt12::exchange::Payment;

use crate::allocations::Allocations;
use crate::conversation::Conversation;
use crate::messages::NOW;

pub(crate) fn print_head() {
    println!("\n| memory of a payment | messages, bytes | beside them | saved, beside them |");
    println!("| --- | --: | --: | --: |");
}

pub(crate) fn print(conversation: &Conversation) {
    let Conversation { asking, answered, offer, invoice, .. } = conversation;
    let mut quoted = asking.clone();
    quoted.receive_invoice(answered.clone(), NOW).expect("a valid invoice");
    let offer = offer.as_bytes().len();
    row(&conversation.name("asking"), asking, offer);
    row(&conversation.name("quoted"), &quoted, offer + invoice.as_bytes().len());
}

fn row(name: &str, payment: &Payment, messages: usize) {
    // A copy holds just what it needs, and asks for nothing else.
    let held = Allocations::of(|| payment.clone()).bytes() as usize + size_of::<Payment>();
    println!("| {name} | {messages} | {} | {} |", held - messages, payment.to_bytes().len() - messages);
}
