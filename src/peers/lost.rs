//! Who lost a place lately (EXC-20).

use alloc::collections::{BTreeMap, VecDeque};
use core::time::Duration;

use secp256k1::PublicKey;

/// For how long they are remembered.
const LATELY: Duration = Duration::from_secs(60);

/// The ids of strangers that had a place, and lost it to others: who is new comes before them, also if they connect
/// again. As many as places change hands in a minute.
#[derive(Default)]
pub(super) struct Lost {
    at: BTreeMap<PublicKey, Duration>,
    /// The oldest first.
    order: VecDeque<(Duration, PublicKey)>,
}

impl Lost {
    pub(super) fn add(&mut self, id: PublicKey, now: Duration) {
        while self.order.front().is_some_and(|(at, _)| !is_lately(*at, now)) {
            let forgotten = self.order.pop_front();
            // Unless it lost another one since.
            if let Some((_, id)) = forgotten.filter(|(at, id)| self.at.get(id) == Some(at)) {
                self.at.remove(&id);
            }
        }
        self.at.insert(id, now);
        self.order.push_back((now, id));
    }

    pub(super) fn has(&self, id: &PublicKey, now: Duration) -> bool {
        self.at.get(id).is_some_and(|at| is_lately(*at, now))
    }
}

fn is_lately(at: Duration, now: Duration) -> bool {
    now < at.saturating_add(LATELY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::id;

    #[test]
    fn who_lost_a_place_is_remembered_for_a_minute() {
        let (start, mut lost) = (Duration::from_secs(1_000), Lost::default());
        let minute = LATELY - Duration::from_nanos(1);
        lost.add(id(1), start);
        assert!(lost.has(&id(1), start + minute) && !lost.has(&id(1), start + LATELY) && !lost.has(&id(2), start));
        // From the last time on.
        lost.add(id(1), start + minute);
        lost.add(id(2), start + LATELY);
        assert!(lost.has(&id(1), start + minute + minute));
        assert_eq!((lost.at.len(), lost.order.len()), (2, 2));
        lost.add(id(3), start + LATELY * 3);
        assert_eq!((lost.at.len(), lost.order.len()), (1, 1));
    }
}
