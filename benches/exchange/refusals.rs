//! What a refusal costs, as a share of what a valid request costs (EXC-1).

use bolt12::exchange::{IncomingMessage, MessageArrival, Payee, Refused};

use crate::conversation::Conversation;
use crate::floor::{Floor, digest};
use crate::measure::{Effort, Samples, Side, interleave};
use crate::messages::Keys;

pub(crate) fn print_head() {
    println!("\n| refusals | bytes | µs | of receiving a valid one | of answering it | of one verification |");
    println!("| --- | --: | --: | --: | --: | --: |");
}

pub(crate) fn print(conversation: &Conversation, keys: &Keys, effort: Effort, wanted: impl Fn(&str) -> bool) {
    let Conversation { issuer, asked, .. } = conversation;
    let other_way = IncomingMessage { arrival: MessageArrival::OtherPath, ..asked.clone() };
    let stranger = conversation.of_stranger(keys);
    let longest = conversation.of_nobody();
    let altered = IncomingMessage { bytes: altered(&asked.bytes), ..asked.clone() };
    for (operation, incoming) in [
        ("refuse: another's offer", &stranger),
        ("refuse: an own offer, altered", &altered),
        ("refuse: over the wrong path", &other_way),
        ("refuse: as long as can be", &longest),
    ] {
        let name = conversation.name(operation);
        if wanted(&name) {
            row(&name, conversation, incoming, |incoming| refuse(issuer, incoming), keys, effort);
        }
    }
    // Whoever takes a message has it to drop, whatever it does with it before.
    let name = conversation.name("only drop: as long as can be");
    if wanted(&name) {
        row(&name, conversation, &longest, drop, keys, effort);
    }
}

fn refuse(issuer: &Payee, incoming: IncomingMessage) -> Box<Refused> {
    let refused = issuer.receive(incoming).expect_err("it is to be refused");
    assert!(refused.is_cheap() && refused.answer().is_none());
    refused
}

/// Another last byte of the offer's first record behind the metadata.
fn altered(bytes: &[u8]) -> Vec<u8> {
    let tlvs = bolt12::TlvStream::read(bytes.to_vec()).expect("a stream");
    let of_offer = |number| (5..80).contains(&number) || (1_000_000_000..2_000_000_000).contains(&number);
    let record = tlvs.records().find(|record| of_offer(record.number())).expect("an offer has more fields");
    let mut altered = bytes.to_vec();
    altered[record.value_offset() + record.value().len() - 1] ^= 1;
    altered
}

fn row<T>(
    name: &str,
    conversation: &Conversation,
    refused: &IncomingMessage,
    refuse: impl Fn(IncomingMessage) -> T,
    keys: &Keys,
    effort: Effort,
) {
    let Conversation { issuer, asked, request, .. } = conversation;
    let records = request.tlvs().records();
    let (signature, digest) = (request.signature(), digest("invoice_request", records));
    let verification = Floor::default().and_verify(signature, digest, request.payer_id()).side(&keys.context);
    let refusal = Side::new(|| refused.clone(), refuse);
    let receiving = Side::new(|| asked.clone(), |asked| issuer.receive(asked).expect("a valid request"));
    let answering = Side::new(
        || (asked.clone(), conversation.invoice_paths(keys)),
        |(asked, paths)| conversation.answer(asked, paths),
    );
    let sides = [&refusal, &receiving, &answering, &verification].map(Some);
    let [Some(refusal), Some(receiving), Some(answering), Some(verification)] = interleave(sides, effort) else {
        unreachable!("every side is there");
    };
    let share = |other: &Samples| format!("{:.1} %", refusal.ratio(other) * 100.0);
    println!(
        "| {name} | {} | {:.2} | {} | {} | {} |",
        refused.bytes.len(),
        refusal.median() / 1000.0,
        share(&receiving),
        share(&answering),
        share(&verification),
    );
}
