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
