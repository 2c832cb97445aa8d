//! The exploration, with `stateright`.

use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::setup::Setup;
use crate::subject::View;
use crate::tables::Wrong;
use crate::world::{Act, Explored, World};

/// A step of the model. How it looks is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step(Act);

impl Model for Explored {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.start()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Step>) {
        let mut acts = Vec::new();
        self.acts(world, &mut acts);
        actions.extend(acts.into_iter().map(Step));
    }

    fn next_state(&self, world: &World, Step(act): Step) -> Option<World> {
        self.next(world, act)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        macro_rules! never {
            ($($wrong:ident $name:literal),* $(,)?) => {
                vec![$(Property::always($name, |_, world: &World| !Self::is_wrong(world, Wrong::$wrong))),*]
            };
        }
        never![
            TwoPayments "no two payments are on their way that both can succeed",
            AboveLimit "nothing above the limit is begun",
            OffPrice "nothing off the price is begun",
            FeeAboveLimit "nothing over paths that cost too much is begun",
            NotShown "nothing is begun that was not shown",
            Foreign "what is not for it is refused",
            RefusalChanged "what is refused changes nothing",
            NotReloaded "what was saved is loaded as it was",
            PreimageLost "a preimage that arrived is not lost",
            Forgotten "what is on its way is not forgotten",
            BackupActs "a backup neither asks nor pays",
            WaitsForNobody "it ends, or waits for somebody",
            Floods "it does not ask without end at one time",
            CannotGoOn "it can always say what to do",
            TooFast "what is overdue is not paid all at once",
            Revived "what is over stays over",
            Stuck "what is right can be begun, and what is known be said again",
            Late "what answers a request that is over is refused",
            OneWay "what comes over one way does not end the others",
            OtherInvoice "no other invoice is begun after one that may still be paid",
            Untimely "nothing is begun too late, or for another period",
            AttemptAgain "no two attempts have one number",
            Skipped "no period is skipped",
            NotOpen "what is over is not paid, and what is paid does not end",
            Repeated "what comes again is refused",
            Hurried "what comes over a closed way hurries nothing",
            Early "nothing is asked for before its window",
        ]
    }
}

/// What an exploration came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// How the world is called.
    pub name: &'static str,
    /// How many different states there are, and how many steps lead to them.
    pub states: usize,
    /// All steps, those included that lead to a state that was known.
    pub steps: usize,
    /// How many steps the farthest state is away.
    pub depth: usize,
    /// How many different saved states of the crate's own there are.
    pub saved_states: usize,
    /// How many requests were made, and how many invoices for them.
    pub requests: usize,
    /// How many invoices answered them.
    pub invoices: usize,
    /// Where it was seen to stand, as a list of words.
    pub views: Vec<String>,
    /// What was found to be wrong, with the way to it.
    pub wrong: Vec<(&'static str, Vec<String>)>,
    /// How long it took.
    pub time: Duration,
}

impl Report {
    /// What there is of it in every run: how many states, and where it was seen to stand.
    pub fn counts(&self) -> String {
        let Self { name, states, steps, depth, saved_states, requests, invoices, .. } = self;
        format!(
            "{name}\n  {states} states, {steps} steps, depth {depth}\n  {saved_states} saved states, {requests} requests, \
             {invoices} invoices\n  {}\n",
            self.views.join(", ")
        )
    }

    /// Prints it in one line, and all that is wrong.
    pub fn print(&self) {
        print!("{}", self.counts());
        println!("  {:.1} s", self.time.as_secs_f64());
        for (name, way) in &self.wrong {
            println!("WRONG: {name}");
            way.iter().for_each(|step| println!("    {step}"));
        }
    }
}

/// How many states are explored at most, so that what was broken ends.
const MAX_STATES: usize = 40_000_000;

/// Explores all of a world, breadth first, so that the way to what is wrong is as short as can be.
pub fn explore(setup: Setup) -> Report {
    explore_until(setup, HasDiscoveries::All)
}

/// The same, until anything is found to be wrong.
pub fn explore_until_wrong(setup: Setup) -> Report {
    explore_until(setup, HasDiscoveries::Any)
}

fn explore_until(setup: Setup, enough: HasDiscoveries) -> Report {
    let start = Instant::now();
    let checker = Explored::new(setup).checker().finish_when(enough).target_state_count(MAX_STATES).spawn_bfs().join();
    let model = checker.model();
    let mut wrong: Vec<_> = checker
        .discoveries()
        .into_iter()
        .map(|(name, path)| {
            let steps = path.into_vec();
            let way = steps.iter().map(|(world, step)| model.describe(world, step.as_ref().map(|Step(act)| act)));
            (name, way.collect())
        })
        .collect();
    wrong.sort();
    let [saved_states, requests, invoices] = model.counts();
    Report {
        name: setup.name,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        saved_states,
        requests,
        invoices,
        views: model.views().into_iter().map(word).collect(),
        wrong,
        time: start.elapsed(),
    }
}

fn word(view: View<()>) -> String {
    match view {
        View::Quoted(()) => "Quoted".to_owned(),
        View::NeedsApproval((), against) => format!("NeedsApproval({against:?})"),
        View::Paying((), attempt) => format!("Paying({attempt})"),
        View::Paid(()) => "Paid".to_owned(),
        other => format!("{other:?}"),
    }
}
