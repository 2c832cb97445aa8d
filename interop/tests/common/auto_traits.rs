//! What `tests/messages/auto_traits.rs` asks of every public type, asked of the adapter's.

use std::panic::UnwindSafe;

use bolt12::lightning;

/// All three.
fn assert<T: Send + Sync + UnwindSafe>() {}

macro_rules! all {
    ($($type:ty),* $(,)?) => { $(assert::<$type>();)* };
}

#[test]
fn the_adapter() {
    /// With anything that has them.
    fn with<T: Send + Sync + UnwindSafe>() {
        all!(lightning::Desk<T>, lightning::OffersHandler<T, T>, lightning::OnionPeers<T, T, T>);
    }
    with::<()>();
    all!(lightning::ConversionError, lightning::NoPath, lightning::NotOurs, lightning::SendError, lightning::ToDo,);
}
