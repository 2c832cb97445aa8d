//! What many conversations cost in one place (EXC-16).

use std::hint::black_box;
use std::time::{Duration, Instant};

use bolt12::exchange::Terms;
use bolt12::exchange::{
    ConversationId, IncomingMessage, ManagerLimits, MessageArrival, OffersManager, OffersMessageKind, OutgoingMessage,
    PathId, Payee, Payer, Payment, PaymentId,
};
use bolt12::{Offer, OfferBuilder, Preimage, Recurrence, RecurrenceContext, TimeUnit, UnixTime};

use crate::allocations;
use crate::conversation::Conversation;
use crate::measure::{Effort, Side, interleave};
use crate::messages::{AMOUNT, CHAINS, Keys, NOTE, NOW, Path, payinfo};

const QUICK: [u64; 2] = [10, 1_000];
const FULL: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

/// How many conversations are answered, one after the other.
const ANSWERED: usize = 200;

fn limits() -> ManagerLimits {
    ManagerLimits { payments: usize::MAX, claims: usize::MAX, subscriptions: usize::MAX }
}

/// Long after the last of all requests is sent again, as far as this benchmark looks.
const DEADLINE: UnixTime = UnixTime(NOW.0 + 1_000_000);

fn entropy(number: u64) -> [u8; 32] {
    let mut entropy = [7; 32];
    entropy[..8].copy_from_slice(&number.to_be_bytes());
    entropy
}

fn payment(payer: &Payer, offer: &Offer, number: u64) -> Payment {
    let draft = payer.draft(offer, NOW, &CHAINS).expect("a usable offer").amount(AMOUNT).payer_note(NOTE);
    draft.start(entropy(number), NOW, DEADLINE).expect("nothing is missing")
}

/// Saves everything. The store is none.
fn save(manager: &mut OffersManager) -> usize {
    let mut bytes = 0;
    while let Some(save) = manager.next_save() {
        bytes += save.state.as_ref().map_or(0, Vec::len);
        manager.saved(save.number);
    }
    bytes
}

/// So many payments that have asked, and wait; and the requests of some.
fn asking(conversation: &Conversation, count: u64) -> (OffersManager, Vec<OutgoingMessage>) {
    let Conversation { payer, issuer, offer, .. } = conversation;
    let mut manager = OffersManager::new(payer.clone(), issuer.clone(), limits());
    let mut asked = Vec::new();
    let every = (count / ANSWERED as u64).max(1);
    for number in 0..count {
        manager.add_payment(payment(payer, offer, number), NOW).expect("a new one");
        save(&mut manager);
        manager.poll(NOW, 1);
        save(&mut manager);
        let message = manager.next_message().expect("a request");
        if number % every == 0 && asked.len() < ANSWERED {
            asked.push(message.message().expect("a valid request"));
        }
    }
    (manager, asked)
}

pub(crate) fn print(conversation: &Conversation, keys: &Keys, effort: Effort) {
    let sizes = if effort.rounds == Effort::QUICK.rounds { &QUICK[..] } else { &FULL };
    println!("\n| many conversations | {} |", sizes.map_each(|size| size.to_string()));
    println!("| --- |{}", " --: |".repeat(sizes.len()));
    let mut rows: Vec<(&str, Vec<String>)> = ROWS.iter().map(|name| (*name, Vec::new())).collect();
    for size in sizes {
        for (row, cell) in rows.iter_mut().zip(measure(conversation, keys, effort, *size)) {
            row.1.push(cell);
        }
    }
    for (name, cells) in rows {
        println!("| {name} | {} |", cells.join(" | "));
    }
}

const ROWS: [&str; 12] = [
    "an idle poll, ns",
    "a stranger's message, ns",
    "a wrong answer to a payment alone, µs",
    "what it takes longer for one of them, µs",
    "a right answer to a payment alone, and its save, µs",
    "what it takes longer for one of them, µs",
    "a poll of one that is due, without signing, and its save, µs",
    "memory of each, bytes",
    "of that, bytes of the offer",
    "and bytes beside it",
    "memory of all, MB",
    "resident memory of the program, MB",
];

/// What Linux says; nothing elsewhere.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1e3)
}

trait MapEach<T> {
    fn map_each(&self, each: impl Fn(&T) -> String) -> String;
}

impl<T> MapEach<T> for [T] {
    fn map_each(&self, each: impl Fn(&T) -> String) -> String {
        self.iter().map(each).collect::<Vec<_>>().join(" | ")
    }
}

/// The answer to a request, from the issuer of the conversation.
fn answers(conversation: &Conversation, keys: &Keys, asked: &[OutgoingMessage]) -> Vec<IncomingMessage> {
    let reply_path = Path::new(&keys.context, 7, 0, 2).ours();
    let answer = |asked: &OutgoingMessage| {
        let request = IncomingMessage {
            bytes: asked.message.as_bytes().to_vec(),
            reply_path: Some(reply_path.clone()),
            ..conversation.asked.clone()
        };
        let answer = conversation.answer(request, conversation.invoice_paths(keys));
        IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: answer.message.as_bytes().to_vec(),
            arrival: MessageArrival::Path(asked.reply_path_id.expect("a request wants an answer")),
            reply_path: None,
        }
    };
    asked.iter().map(answer).collect()
}

fn measure(conversation: &Conversation, keys: &Keys, effort: Effort, count: u64) -> Vec<String> {
    let before = allocations::held_now();
    let (manager, asked) = asking(conversation, count);
    let held = allocations::held_now() - before;
    let resident = resident();
    let payer = &conversation.payer;
    let manager = std::cell::RefCell::new(manager);
    let answers = answers(conversation, keys, &asked);

    let idle = Side::new(|| (), |()| manager.borrow_mut().poll(NOW, 100));
    let noise = IncomingMessage { arrival: MessageArrival::Path(PathId([9; 32])), ..answers[0].clone() };
    let stranger = Side::new(
        || IncomingMessage { bytes: vec![0], ..noise.clone() },
        |message| manager.borrow_mut().receive(message, NOW).expect_err("nobody's"),
    );
    let sides = [Some(&idle), Some(&stranger)];
    let [idle_time, stranger_time] = interleave(sides, effort).map(|samples| samples.expect("measured").median());
    drop((idle, stranger));
    let mut manager = manager.into_inner();

    // Each in turns with the same alone, in a list of as many, since a payment that was at hand a moment ago is handled
    // faster than one of a million.
    let load = |id: ConversationId| match id {
        ConversationId::Payment(id) => {
            let state = manager.payment(id, |it| it.to_bytes()).expect("it waits");
            (id, payer.load(&state).expect("a saved payment"))
        }
        _ => unreachable!("payments are all that there is"),
    };
    let mut all_alone: Vec<(PaymentId, Payment)> = manager.ids().map(load).collect();
    all_alone.sort_unstable_by_key(|(id, _)| *id);
    let (mut wrong, mut right) = (Beside::default(), Beside::default());
    for (turn, message) in answers.iter().enumerate() {
        let at = all_alone.binary_search_by_key(&id_of(payer, message), |(id, _)| *id).expect("it was loaded");
        let single = &mut all_alone[at].1;
        let mut bad = message.clone();
        *bad.bytes.last_mut().expect("a signature") ^= 1;
        // Whoever comes second finds warm what both have.
        for at in [turn, turn + 1] {
            let bad = bad.clone();
            if at % 2 == 0 {
                wrong.among.push(time(|| manager.receive(bad, NOW).expect_err("wrong")));
            } else {
                wrong.alone.push(time(|| {
                    payer.payment_of(&bad.arrival).expect("an own path");
                    single.receive(bad, NOW).expect_err("wrong")
                }));
            }
        }
        for at in [turn, turn + 1] {
            let good = message.clone();
            if at % 2 == 0 {
                right.among.push(time(|| {
                    manager.receive(good, NOW).expect("a valid invoice");
                    let save = manager.next_save().expect("it changed");
                    manager.saved(save.number);
                    save
                }));
            } else {
                right.alone.push(time(|| {
                    payer.payment_of(&good.arrival).expect("an own path");
                    single.receive(good, NOW).expect("a valid invoice");
                    single.to_bytes()
                }));
            }
        }
    }
    // All are due by then.
    let later = UnixTime(NOW.0 + 100);
    let due: Vec<_> = (0..ANSWERED.min(count as usize))
        .map(|_| {
            time(|| {
                manager.poll(later, 1);
                let save = manager.next_save();
                save.inspect(|save| assert!(manager.saved(save.number)))
            })
        })
        .collect();
    let offer = conversation.offer.as_bytes().len() as u64;
    vec![
        format!("{idle_time:.0}"),
        format!("{stranger_time:.0}"),
        micros(median(&wrong.alone)),
        micros(wrong.difference()),
        micros(median(&right.alone)),
        micros(right.difference()),
        micros(median(&due)),
        (held / count).to_string(),
        offer.to_string(),
        (held / count).saturating_sub(offer).to_string(),
        format!("{:.1}", held as f64 / 1e6),
        resident.map_or("–".to_owned(), |resident| format!("{resident:.1}")),
    ]
}

/// How long the same took for one of many payments, and for one alone.
#[derive(Default)]
struct Beside {
    among: Vec<Duration>,
    alone: Vec<Duration>,
}

impl Beside {
    /// The median of the differences, in nanoseconds: what is measured one after the other varies together.
    fn difference(&self) -> f64 {
        let nanos = |time: &Duration| time.as_nanos() as i64;
        let pairs = self.among.iter().zip(&self.alone);
        let mut differences: Vec<_> = pairs.map(|(among, alone)| nanos(among) - nanos(alone)).collect();
        differences.sort_unstable();
        differences[differences.len() / 2] as f64
    }
}

fn id_of(payer: &Payer, message: &IncomingMessage) -> PaymentId {
    payer.payment_of(&message.arrival).expect("an own path")
}

fn time<T>(run: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(run());
    start.elapsed()
}

fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2].as_nanos() as f64
}

fn micros(nanos: f64) -> String {
    format!("{:.2}", nanos / 1000.0)
}

/// What a subscription holds between two payments, and what many of them cost that wait.
pub(crate) fn print_subscriptions(keys: &Keys, effort: Effort) {
    let count = if effort.rounds == Effort::QUICK.rounds { 100 } else { 20_000 };
    let (issuer, payer) = (Payee::new([1; 32]), Payer::new([2; 32]));
    let new = issuer.new_offer([0x4f; 16]);
    let path = Path::new(&keys.context, 5, 0, 3).ours();
    let monthly = Recurrence::every(1, TimeUnit::Months).expect("a period");
    let offer = OfferBuilder::new(new.issuer_id()).description("a podcast").amount_msat(AMOUNT).recurrence(monthly);
    let offer = new.build(offer.add_path(path.clone())).expect("a valid offer");
    let arrival = MessageArrival::Path(new.path_id(0));
    let before = allocations::held_now();
    let mut manager = OffersManager::new(payer.clone(), issuer.clone(), limits());
    let (mut messages, mut states) = (0, 0);
    for number in 0..count {
        let draft = payer.subscribe(&offer, NOW, &CHAINS).expect("it recurs");
        let subscription = draft.start(entropy(number), NOW, DEADLINE).expect("nothing is missing");
        let id = manager.add_subscription(subscription, NOW).expect("a new one");
        save(&mut manager);
        manager.poll(NOW, 1);
        save(&mut manager);
        let asked = manager.next_message().expect("a request").message().expect("a valid request");
        let request = IncomingMessage {
            kind: OffersMessageKind::InvoiceRequest,
            bytes: asked.message.as_bytes().to_vec(),
            arrival,
            reply_path: Some(path.clone()),
        };
        let received = issuer.receive(request).expect("a request for an own offer");
        let terms = Terms::new(NOW, &CHAINS);
        let first = RecurrenceContext { previous: None, is_paid: false, is_cancelled: false };
        let accepted = received.accept_recurring(&terms, &first).expect("the first period");
        let preimage: Preimage = accepted.expected_payment().preimage;
        let invoice = accepted.invoice(preimage.payment_hash()).add_path(path.clone(), &payinfo());
        let invoice = accepted.sign(invoice.build().expect("a valid invoice")).expect("the right key");
        messages = invoice.as_bytes().len() + offer.as_bytes().len();
        let answer = IncomingMessage {
            kind: OffersMessageKind::Invoice,
            bytes: invoice.as_bytes().to_vec(),
            arrival: MessageArrival::Path(asked.reply_path_id.expect("a request wants an answer")),
            reply_path: None,
        };
        manager.receive(answer, NOW).expect("a valid invoice");
        save(&mut manager);
        manager.paid(preimage, NOW).expect("it was begun");
        states = save(&mut manager);
        manager.poll(NOW, 10);
        states = states.max(save(&mut manager));
        assert!(manager.subscription(id, |it| it.payments_made()) == Ok(1));
        while manager.next_event().is_some() {}
    }
    let held = allocations::held_now() - before;
    let idle: Vec<_> = (0..100).map(|_| time(|| manager.poll(NOW, 100))).collect();
    println!("\n| {count} subscriptions between two payments | |");
    println!("| --- | --: |");
    println!("| memory of each, bytes | {} |", held / count);
    println!("| of that, bytes of its state as it is saved | {states} |");
    println!("| of that, bytes of its offer and its last invoice | {messages} |");
    println!("| and bytes beside them | {} |", (held / count).saturating_sub(messages as u64));
    println!("| an idle poll, ns | {:.0} |", median(&idle));
}
