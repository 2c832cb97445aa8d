//! For which requests a wrong invoice may have been answered.

use alloc::collections::VecDeque;

use crate::exchange::PathId;

/// How many are remembered.
const REMEMBERED: usize = 256;

/// The requests whose invoices may have been answered: once each (EXC-19).
#[derive(Default)]
pub(super) struct Answered(VecDeque<PathId>);

impl Answered {
    /// Whether an invoice over this path may be answered. If so, the next may not.
    pub(super) fn is_first(&mut self, path_id: PathId) -> bool {
        let is_first = !self.0.contains(&path_id);
        if is_first {
            self.0.push_back(path_id);
            if self.0.len() > REMEMBERED {
                self.0.pop_front();
            }
        }
        is_first
    }
}
