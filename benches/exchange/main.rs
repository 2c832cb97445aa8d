//! What the exchange costs on either side, compared with the `lightning` crate and with the floor.
//!
//! ```text
//! cargo bench -p bolt12-benches --bench exchange                    everything, in about a minute
//! cargo bench -p bolt12-benches --bench exchange -- --quick         rough figures, in a few seconds
//! cargo bench -p bolt12-benches --bench exchange -- payer typical   steps whose names contain these words
//! ```
//!
//! The harness is that of the benchmark `messages`, whose documentation explains the floor. The tables show whole steps
//! and their floors, refusals as a share of the cost of a valid request of the same size, the requests that a server
//! answers in a second, the time to load saved payments, and the memory that a payment takes. With the word `manager`
//! there are two more: the cost of one among 10, 1,000, 100,000 and 1,000,000 conversations, which takes a few minutes
//! and 2 GB, and the memory that subscriptions take between two payments.

#[path = "../common/allocations.rs"]
mod allocations;
mod conversation;
#[path = "../common/floor.rs"]
mod floor;
mod issuer;
mod load;
mod manager;
#[path = "../common/measure.rs"]
mod measure;
mod memory;
#[path = "../common/messages.rs"]
mod messages;
mod payer;
mod refusals;
mod server;
#[path = "../common/table.rs"]
mod table;

use conversation::{Conversation, cases, large_case};
use floor::Floor;
use measure::Effort;
use messages::Keys;

fn main() {
    let (effort, wanted) = Effort::asked_for();

    let keys = Keys::new();
    let point = Floor::point(&keys.issuer.public_key()).side(&keys.context);
    let all = cases().map(|case| Conversation::new(case, &keys));
    let large = Conversation::new(large_case(), &keys);

    table::print_head();
    for conversation in &all {
        for comparison in issuer::all(conversation, &keys).into_iter().chain(payer::all(conversation, &keys)) {
            if wanted(&comparison.name) {
                comparison.print(&comparison.measure(&point, effort));
            }
        }
    }
    refusals::print_head();
    for conversation in all.iter().chain([&large]) {
        refusals::print(conversation, &keys, effort, &wanted);
    }
    if wanted("server") {
        let [_, _, derived, ..] = &all;
        server::print(derived, &keys, effort);
    }
    if wanted("load") {
        load::print_head(effort);
        all.iter().for_each(|conversation| load::print(conversation, effort));
    }
    if wanted("memory") {
        memory::print_head();
        all.iter().for_each(memory::print);
    }
    if wanted("manager") {
        manager::print(&all[2], &keys, effort);
        manager::print_subscriptions(&keys, effort);
    }
}
