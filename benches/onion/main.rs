//! Blinded paths and onion messages, compared with the `lightning` crate and with their floor.
//!
//! ```text
//! cargo bench -p bolt12-benches --bench onion              everything, in a minute
//! cargo bench -p bolt12-benches --bench onion -- --quick   rough figures, in seconds
//! ```
//!
//! The **floor** is the work that no implementation can avoid: decompressing each point that arrives as bytes and
//! takes part in a computation, checking each other point, and multiplying on the curve. It hashes, encrypts and copies
//! nothing. The sides take turns, as in the benchmark `messages`, whose harness this is.

#[path = "../common/allocations.rs"]
mod allocations;
mod floor;
#[path = "../common/measure.rs"]
mod measure;
mod operations;
#[path = "../common/table.rs"]
mod table;

use measure::{Effort, Side};
use operations::World;

fn main() {
    let (effort, wanted) = Effort::asked_for();
    let world = World::new();
    let point = world.recipient_id().serialize();
    let point = Side::new(|| (), |()| bolt12::secp256k1::PublicKey::from_slice(&point).expect("a point"));
    table::print_head();
    for comparison in operations::all(&world) {
        if wanted(&comparison.name) {
            comparison.print(&comparison.measure(&point, effort));
        }
    }
}
