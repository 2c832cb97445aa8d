//! Every operation beside the same of the `lightning` crate, and beside its floor.
//!
//! ```text
//! cargo bench                       everything, a few minutes
//! cargo bench -- --quick            everything roughly, a few seconds
//! cargo bench -- invoice typical    what has all these words in its name
//! ```
//!
//! The **floor** of an operation is what no implementation can leave out: each key that is computed with
//! decompressed once, each other point checked once, which takes no square root (the column *with roots* counts one
//! for each), the signature made or verified, and the compressions of SHA-256 that the
//! merkle tree consists of, counted exactly and run as one long message. It knows neither text nor
//! records nor rules. Who builds a payer proof does not need all of the invoice's tree; there are two
//! floors, with all of it and with what the proof says of it. Where there is no floor, or where `lightning` has no such operation, there is a
//! dash.
//!
//! The sides take turns within one run, so that ratios hold on a busy machine; see `measure`. Figures
//! that are *scaled* are for a machine that decompresses a point in 4.4 µs. Allocations do not count
//! the input's.
//!
//! `lightning` is built with this crate's features, and so has the CPU's SHA-256 instructions, which
//! it lacks where nothing turns on `bitcoin_hashes/std`.

#[path = "../common/allocations.rs"]
mod allocations;
mod apart;
#[path = "../common/floor.rs"]
mod floor;
mod growth;
#[path = "../common/measure.rs"]
mod measure;
#[path = "../common/messages.rs"]
mod messages;
mod operations;
mod proofs;
#[path = "../common/table.rs"]
mod table;

use floor::Floor;
use measure::Effort;
use messages::{Keys, Messages, SHAPES};

fn main() {
    let (effort, wanted) = Effort::asked_for();

    let keys = Keys::new();
    let point = Floor::point(&keys.issuer.public_key()).side(&keys.context);
    let all = SHAPES.map(|shape| Messages::new(shape, &keys));

    table::print_head();
    for messages in &all {
        for comparison in operations::all(messages, &keys) {
            if wanted(&comparison.name) {
                comparison.print(&comparison.measure(&point, effort));
            }
        }
    }
    for comparison in operations::checked(&all[2], &keys) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
    let [small, typical, ..] = &all;
    let paid = proofs::Paid::new(typical, &keys);
    let proved = proofs::Proved::both(&paid, &keys);
    for comparison in proofs::all(&proved, &keys) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
    if wanted("apart") {
        apart::print_head();
        all.iter().for_each(|messages| apart::print(messages, &keys, &point, effort));
    }
    if wanted("growth") {
        growth::print(&keys, &point, effort);
    }
    if wanted("growth of payer proofs") {
        growth::print_proofs(small, &keys, &point, effort);
    }
}
