//! For which requests a wrong invoice was answered.

use alloc::collections::VecDeque;

use crate::exchange::PathId;

/// How many are remembered.
const REMEMBERED: usize = 256;

/// The requests whose invoices were answered: once each (EXC-19). Only those that the application answered count, which
/// it does for none that it did not make: what strangers make up pushes out nothing.
#[derive(Default)]
pub(super) struct Answered(VecDeque<PathId>);

impl Answered {
    /// Whether an invoice over this path was answered.
    pub(super) fn has(&self, path_id: &PathId) -> bool {
        self.0.contains(path_id)
    }

    /// An invoice over this path is answered.
    pub(super) fn add(&mut self, path_id: PathId) {
        if !self.has(&path_id) {
            self.0.push_back(path_id);
            if self.0.len() > REMEMBERED {
                self.0.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // EXC-19: the latest, each once.
    #[test]
    fn the_latest_are_remembered() {
        let path_id =
            |number: usize| PathId([(number % 256) as u8, (number / 256) as u8].repeat(16).try_into().unwrap());
        let mut answered = Answered::default();
        for number in 0..REMEMBERED {
            answered.add(path_id(number));
            answered.add(path_id(number));
        }
        assert!((0..REMEMBERED).all(|number| answered.has(&path_id(number))));
        answered.add(path_id(REMEMBERED));
        assert!(!answered.has(&path_id(0)));
        assert!((1..=REMEMBERED).all(|number| answered.has(&path_id(number))));
    }
}
