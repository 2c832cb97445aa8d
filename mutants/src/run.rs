//! Runs the tests: each once as the library is, to see which switches it comes by, and then, for each change, those
//! that come by its switch.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::copy::Copy;
use crate::list::Change;

/// For how long tests are run with a change that none of them notices. What the quick ones do not notice, those that do
/// everything hardly do.
const ENOUGH: Duration = Duration::from_secs(30);

/// For how long a test may do nothing but what it does with a change.
const PATIENCE: Duration = Duration::from_secs(6);

struct Test {
    program: usize,
    name: String,
    takes: Duration,
    /// Which switches it comes by.
    seen: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Endless,
}

fn wait(mut child: Child, limit: Duration) -> io::Result<Outcome> {
    let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { Outcome::Passed } else { Outcome::Failed });
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(Outcome::Endless);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A program that runs these tests, with at most 8 GB of memory.
fn tests_of(copy: &Copy, program: usize, names: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -v 8000000; exec \"$@\"", "sh"])
        .arg(&copy.programs[program])
        .args(["--exact", "--test-threads", "1", "--quiet"])
        .args(names)
        .env("RUST_BACKTRACE", "0")
        // As in `.cargo/config.toml`.
        .env("PROPTEST_RNG_SEED", "12")
        .env("CARGO_MANIFEST_DIR", &copy.folder)
        .current_dir(&copy.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Does something with each of so many things, on as many threads as there are processors.
fn each(count: usize, act: impl Fn(usize) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let work = || loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= count {
            break;
        }
        if let Err(error) = act(at) {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            next.store(count, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// All tests that pass, but for simulations: they take long, and find what others find.
fn tests(copy: &Copy) -> io::Result<Vec<Test>> {
    let mut names = Vec::new();
    for (program, path) in copy.programs.iter().enumerate() {
        let printed = Command::new(path).args(["--list", "--format", "terse"]).output()?.stdout;
        let printed = String::from_utf8_lossy(&printed).into_owned();
        let all = printed.lines().filter_map(|line| line.strip_suffix(": test"));
        names.extend(all.filter(|name| !name.contains("simulation::")).map(|name| (program, name.to_owned())));
    }
    let tests = Mutex::new(Vec::new());
    each(names.len(), |at| {
        let (program, name) = &names[at];
        let start = Instant::now();
        let outcome = wait(tests_of(copy, *program, &[name]).spawn()?, Duration::from_secs(300))?;
        let takes = start.elapsed();
        if outcome != Outcome::Passed {
            eprintln!("left out, since it fails without a change: {name}");
            return Ok(());
        }
        let seen = copy.folder.join(format!("seen-{at}"));
        wait(tests_of(copy, *program, &[name]).env("MUTANTS_SEEN", &seen).spawn()?, Duration::from_secs(300))?;
        let list = fs::read_to_string(&seen).unwrap_or_default();
        _ = fs::remove_file(&seen);
        let seen = list.lines().filter_map(|line| line.parse().ok()).collect();
        let test = Test { program: *program, name: name.clone(), takes, seen };
        tests.lock().unwrap_or_else(PoisonError::into_inner).push(test);
        Ok(())
    })?;
    let mut tests = tests.into_inner().unwrap_or_else(PoisonError::into_inner);
    // What comes by little is more about it.
    tests.sort_by_key(|it| it.takes.as_micros() * it.seen.len() as u128);
    Ok(tests)
}

/// What comes of a change in these tests: in few of them first, then in more.
fn outcome(copy: &Copy, tests: &[&Test], change: usize) -> io::Result<Outcome> {
    let mut total = Duration::ZERO;
    let is_enough = |it: &&&Test| {
        total += it.takes;
        total <= ENOUGH
    };
    let count = tests.iter().take_while(is_enough).count().max(1);
    let mut left = &tests[..count];
    let mut budget = Duration::from_millis(200);
    while !left.is_empty() {
        let (mut takes, mut count) = (Duration::ZERO, 0);
        while count < left.len() && (count == 0 || takes + left[count].takes <= budget) {
            takes += left[count].takes;
            count += 1;
        }
        let mut programs: BTreeMap<usize, (Vec<&str>, Duration)> = BTreeMap::new();
        for test in &left[..count] {
            let (names, takes) = programs.entry(test.program).or_default();
            names.push(&test.name);
            *takes += test.takes;
        }
        for (program, (names, takes)) in programs {
            let child = tests_of(copy, program, &names).env("MUTANT", change.to_string()).spawn()?;
            let outcome = wait(child, takes * 5 + PATIENCE)?;
            if outcome != Outcome::Passed {
                return Ok(outcome);
            }
        }
        left = &left[count..];
        budget *= 4;
    }
    Ok(Outcome::Passed)
}

/// Makes every change, prints those that no test notices, and says how many these are.
pub(crate) fn all(changes: &[Change], copy: &Copy, known: &HashSet<String>) -> io::Result<usize> {
    let tests = tests(copy)?;
    eprintln!("{} tests", tests.len());
    let mut reaching: HashMap<usize, Vec<&Test>> = HashMap::new();
    for test in &tests {
        test.seen.iter().for_each(|number| reaching.entry(*number).or_default().push(test));
    }
    let is_made = |it: &&Change| !copy.impossible.contains(&it.number) && !copy.unplaced.contains(&it.number);
    let made: Vec<&Change> = changes.iter().filter(is_made).collect();
    let counts: [AtomicUsize; 5] = Default::default();
    let [caught, endless, equal, missed, unreached] = &counts;
    each(made.len(), |at| {
        let change = made[at];
        let is_known = known.contains(&change.without_place());
        let tests = reaching.get(&change.number);
        let outcome = tests.map(|tests| outcome(copy, tests, change.number)).transpose()?;
        let count = match outcome {
            Some(Outcome::Failed) => caught,
            Some(Outcome::Endless) => endless,
            _ if is_known => equal,
            Some(Outcome::Passed) => {
                println!("missed: {}", change.name);
                missed
            }
            None => {
                println!("not reached: {}", change.name);
                unreached
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })?;
    let [caught, endless, equal, missed, unreached] = counts.map(AtomicUsize::into_inner);
    for change in changes.iter().filter(|it| copy.unplaced.contains(&it.number)) {
        println!("not made: {}", change.name);
    }
    println!(
        "{caught} caught, {endless} without an end, {equal} known to make no difference, {missed} missed, {unreached} \
         not reached, {} do not compile, {} not made",
        copy.impossible.len(),
        copy.unplaced.len()
    );
    Ok(missed + unreached)
}
