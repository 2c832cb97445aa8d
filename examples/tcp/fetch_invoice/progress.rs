//! Says what is happening while somebody waits.

use std::io::{IsTerminal, Write};

/// Tells on standard error: on a terminal with something that turns, else one line for each step.
pub(crate) struct Progress {
    is_terminal: bool,
    is_silent: bool,
    now: String,
    turns: usize,
    /// What was said so far, for tests.
    said: Vec<String>,
}

/// One row in place of the last. The terminal cuts it at its margin, since of what takes two rows one would stay behind
/// each time; afterwards it wraps lines again.
pub(crate) fn row(turns: usize, now: &str) -> String {
    format!("\r\x1b[K\x1b[?7l{} {now}\x1b[?7h", WHEEL[turns % WHEEL.len()])
}

const WHEEL: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

impl Progress {
    pub(crate) fn on_stderr() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { is_terminal, is_silent: false, now: String::new(), turns: 0, said: Vec::new() }
    }

    #[allow(dead_code, reason = "for tests")]
    pub(crate) fn silent() -> Self {
        Self { is_terminal: false, is_silent: true, now: String::new(), turns: 0, said: Vec::new() }
    }

    /// What was said, where it is silent.
    #[allow(dead_code, reason = "for tests")]
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// What is happening now.
    pub(crate) fn say(&mut self, what: impl Into<String>) {
        let what = what.into();
        if what != self.now {
            self.now = what;
            if self.is_silent {
                self.said.push(self.now.clone());
            } else if !self.is_terminal {
                let _ = writeln!(std::io::stderr(), "{}", self.now);
            }
        }
    }

    /// What stays on the terminal.
    pub(crate) fn keep(&mut self, what: String) {
        self.clear();
        if self.is_silent {
            self.said.push(what);
        } else {
            let _ = writeln!(std::io::stderr(), "{what}");
        }
    }

    /// Time passes.
    pub(crate) fn turn(&mut self) {
        if self.is_terminal && !self.is_silent {
            let _ = write!(std::io::stderr(), "{}", row(self.turns, &self.now));
            let _ = std::io::stderr().flush();
            self.turns += 1;
        }
    }

    /// Nothing happens any more.
    pub(crate) fn clear(&mut self) {
        if self.is_terminal && !self.is_silent {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
