//! A world as the checker sees it, and what can happen in it.

use std::sync::Mutex;

use crate::setup::Setup;
use crate::subject::{Call, View};
use crate::tables::{Named, Names, Tables, Wrong};

/// No invoice.
pub(crate) const NONE: u16 = u16::MAX;

/// How many attempts at paying the node can know.
pub(crate) const SLOTS: usize = 4;

/// What is known of a saved state that it does not say itself: what was done on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ghost {
    /// The invoices that were begun.
    pub(crate) begun: [u16; SLOTS],
    /// The one that is known to be paid.
    pub(crate) paid: u16,
    /// The rate that was told last, and the one at which the present quote came.
    pub(crate) rate: u8,
    pub(crate) quoted_rate: u8,
    /// What the owner allowed instead of the limit, in millisatoshi, and for which payment.
    pub(crate) allowed: Option<(u64, u32)>,
    pub(crate) fee_allowed: bool,
    /// Whether the owner allowed anything, which gave it more time.
    pub(crate) has_more_time: bool,
    /// Whether it is from a backup that its owner did not look at since.
    pub(crate) restored: bool,
    /// Whether it ever was.
    pub(crate) from_backup: bool,
    /// When the last payment of a subscription was begun first, and which one that was.
    pub(crate) begun_at: Option<(u8, u32)>,
    pub(crate) hurried: bool,
    /// How many requests of a subscription that nobody waits for were sent since the last invoice.
    pub(crate) unanswered: u8,
    /// The generation that was asked for last, and the ways over which something came for it that closes them.
    pub(crate) asked: u8,
    pub(crate) closed: u8,
    /// Whether the owner said that what ended can be tried again.
    pub(crate) tried: bool,
    pub(crate) cancelled: bool,
}

impl Ghost {
    pub(crate) const NEW: Self = Self {
        begun: [NONE; SLOTS],
        paid: NONE,
        rate: 0,
        quoted_rate: 0,
        allowed: None,
        fee_allowed: false,
        has_more_time: false,
        restored: false,
        from_backup: false,
        begun_at: None,
        hurried: false,
        unanswered: 0,
        asked: 0,
        closed: 0,
        tried: false,
        cancelled: false,
    };

    pub(crate) fn has_begun(&self, invoice: u16) -> bool {
        self.begun.contains(&invoice)
    }
}

/// What became of an attempt at paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    OnItsWay,
    Paid,
    Failed,
}

/// An attempt at paying, as the node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot {
    pub(crate) invoice: u16,
    pub(crate) attempt: u32,
    pub(crate) fate: Fate,
}

/// Everything that the future depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What the program has in memory, what is saved, and a backup: numbers of saved states and what is known of them.
    pub(crate) memory: u32,
    pub(crate) disk: u32,
    pub(crate) backup: Option<u32>,
    pub(crate) now: u8,
    /// The market's rate.
    pub(crate) rate: u8,
    /// The requests that were sent: everything that answers one of them can arrive from then on, again and again.
    pub(crate) sent: u128,
    /// How many requests were sent at this instant.
    pub(crate) sends: u8,
    pub(crate) node: [Option<Slot>; SLOTS],
    /// Whether the program that began to pay still runs, and will tell the node.
    pub(crate) fresh: bool,
    pub(crate) unsaved: u8,
    pub(crate) lies: u8,
    pub(crate) begins: u8,
    pub(crate) failures: u8,
    pub(crate) backups: u8,
    pub(crate) allows: u8,
    pub(crate) set_back: u8,
    pub(crate) declines: u8,
    pub(crate) tries: u8,
    pub(crate) mistakes: u8,
    pub(crate) wrong: Option<Wrong>,
}

/// Whether a step is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is, before anything else happens.
    Saved,
    /// Not yet: a crash loses it, and so does a save that fails.
    NotSaved,
    /// It is, but the store says that it failed: the program goes back.
    SaidNotSaved,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Step(Named, How),
    Save,
    Crash,
    Backup,
    Restore,
    /// The program has the node pay.
    Pay,
    NodePays(usize),
    NodeFails(usize),
    /// What the node said to have failed was paid after all.
    NodeWasWrong(usize),
    Tick,
    SetBack,
    Market,
}

/// Saved states, with what is known of each, and what steps do with them.
pub(crate) struct Seen {
    pub(crate) tables: Tables,
    pub(crate) memories: Names<(u32, Ghost)>,
}

/// What is explored.
pub struct Explored {
    pub(crate) setup: Setup,
    pub(crate) seen: Mutex<Seen>,
}

impl Explored {
    /// A world to explore.
    pub fn new(setup: Setup) -> Self {
        let seen = Seen { tables: Tables::new(setup), memories: Names::default() };
        Self { setup, seen: Mutex::new(seen) }
    }

    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// How many saved states, requests and invoices there are.
    pub(crate) fn counts(&self) -> [usize; 3] {
        self.seen().tables.counts()
    }

    /// All that was seen, without the numbers of invoices.
    pub(crate) fn views(&self) -> Vec<View<()>> {
        let mut views: Vec<_> = self.seen().tables.views().map(|view| view.map(|_| ())).collect();
        views.sort_unstable();
        views.dedup();
        views
    }

    /// A step for people.
    pub(crate) fn describe(&self, world: &World, act: Option<&Act>) -> String {
        let mut seen = self.seen();
        let (state, _) = *seen.memories.get(world.memory);
        let view = seen.tables.look(state, world.now).view;
        let saved = if world.memory == world.disk { "" } else { " (not saved)" };
        let act = match act {
            Some(Act::Step(Call::Receive(message), how)) => format!("{:?}, {how:?}", seen.tables.letter(*message)),
            Some(act) => format!("{act:?}"),
            None => "the end".to_owned(),
        };
        let seconds = self.setup.instants[usize::from(world.now)];
        format!("{seconds} s: {view:?}{saved}; {act}{}", world.wrong.map_or(String::new(), |it| format!("; {it:?}")))
    }

    pub(crate) fn start(&self) -> World {
        let mut seen = self.seen();
        let (state, sent) = seen.tables.start();
        let memory = seen.memories.of((state, Ghost::NEW));
        let b = self.setup.bounds;
        World {
            memory,
            disk: memory,
            backup: None,
            now: 0,
            rate: 0,
            sent,
            sends: 0,
            node: [None; SLOTS],
            fresh: false,
            unsaved: 0,
            lies: b.lies,
            begins: b.begins,
            failures: b.failures,
            backups: b.backups,
            allows: b.allows,
            set_back: b.set_back,
            declines: b.declines,
            tries: b.tries,
            mistakes: b.mistakes,
            wrong: None,
        }
    }
}
