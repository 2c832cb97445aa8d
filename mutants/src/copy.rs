//! A copy of the workspace with all switches in it, and the test programs that are built of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

use crate::list::{Change, Suite};
use crate::place::{Switched, switch};

/// The copied library asks this whether a change is made. With `MUTANTS_SEEN`, it notes that it was asked.
const SWITCH: &str = r#"
#[allow(warnings, clippy::all)]
#[doc(hidden)]
pub mod mutant {
    extern crate std;
    use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
    const UNKNOWN: u32 = u32::MAX;
    const NOTE: u32 = u32::MAX - 1;
    static ACTIVE: AtomicU32 = AtomicU32::new(UNKNOWN);
    static SEEN: [AtomicBool; COUNT] = [const { AtomicBool::new(false) }; COUNT];
    #[cold]
    fn begin() {
        let number = std::env::var("MUTANT").ok().and_then(|it| it.parse().ok()).unwrap_or(0);
        ACTIVE.store(if std::env::var_os("MUTANTS_SEEN").is_some() { NOTE } else { number }, Relaxed);
    }
    #[cold]
    fn note(number: u32) {
        use std::io::Write as _;
        if SEEN[number as usize].swap(true, Relaxed) {
            return;
        }
        let path = std::env::var_os("MUTANTS_SEEN").unwrap();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(std::format!("{number}\n").as_bytes()).unwrap();
    }
    #[inline(always)]
    pub fn is(number: u32) -> bool {
        if ACTIVE.load(Relaxed) == UNKNOWN {
            begin();
        }
        let active = ACTIVE.load(Relaxed);
        if active == NOTE {
            note(number);
        }
        active == number
    }
}
"#;

/// What was built.
pub(crate) struct Copy {
    /// The package whose tests they are.
    pub(crate) folder: PathBuf,
    /// The test programs.
    pub(crate) programs: Vec<PathBuf>,
    /// Changes that a switch cannot make: in constants, and where every way has to have one type.
    pub(crate) unplaced: BTreeSet<usize>,
    /// Changes that do not compile.
    pub(crate) impossible: BTreeSet<usize>,
}

fn copy(root: &Path, to: &Path) -> io::Result<()> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let tracked = Command::new("git").args(list).current_dir(root).output()?.stdout;
    for file in String::from_utf8_lossy(&tracked).lines().filter(|file| root.join(file).exists()) {
        let target = to.join(file);
        fs::create_dir_all(target.parent().expect("a folder"))?;
        fs::copy(root.join(file), target)?;
    }
    Ok(())
}

fn is_error(message: &Value) -> bool {
    message["reason"] == "compiler-message" && message["message"]["level"] == "error"
}

/// Builds the tests of a copy, and returns what `cargo` says.
fn cargo(folder: &Path, suite: Suite, command: &[&str]) -> io::Result<Vec<Value>> {
    let output = Command::new("cargo")
        .args(command)
        .arg("--message-format=json")
        .args(suite.options())
        .env("RUSTFLAGS", "--cap-lints=allow")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        // They are run often.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .current_dir(folder)
        .output()?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !output.status.success() && !messages.iter().any(is_error) {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(messages)
}

/// A file, and the first and the last of some lines in it.
type Lines = (String, usize, usize);

/// The lines that an error is about: where it says that it is, and where it says why.
fn lines_of(message: &Value) -> [Vec<Lines>; 2] {
    let all = |of: &Value| of["spans"].as_array().cloned().unwrap_or_default();
    let children = message["children"].as_array().cloned().unwrap_or_default();
    let of_children: Vec<Value> = children.iter().flat_map(all).collect();
    let (itself, why): (Vec<_>, Vec<_>) = all(message).into_iter().partition(|span| span["is_primary"] == true);
    [itself, why.into_iter().chain(of_children).collect()].map(|spans| {
        let line = |span: &Value, key: &str| span[key].as_u64().unwrap_or(0) as usize;
        let place = |span: &Value| {
            let file = span["file_name"].as_str().unwrap_or_default().to_owned();
            (file, line(span, "line_start"), line(span, "line_end"))
        };
        spans.iter().map(place).collect()
    })
}

/// The last change before an error, as far up as what it mentions, else the next one: where something may be left out,
/// what was borrowed for it is borrowed for longer.
fn blamed_beside(message: &Value, files: &BTreeMap<&str, Switched>) -> Option<usize> {
    let [itself, why] = lines_of(message);
    let (file, last, _) = itself.first()?;
    let first = why.iter().filter(|it| it.0 == *file).map(|it| it.1).min().unwrap_or(*last);
    let lines = &files.get(file.as_str())?.lines;
    let at = |line: usize| lines.get(&line)?.last().copied();
    (first..=*last).rev().find_map(at).or_else(|| (*last..last + 10).find_map(at))
}

/// The changes that an error comes from: those on its lines, else those around them.
fn blamed(message: &Value, files: &BTreeMap<&str, Switched>) -> BTreeSet<usize> {
    for lines in lines_of(message) {
        for is_exact in [true, false] {
            let mut found = BTreeSet::new();
            for (file, start, end) in &lines {
                let Some(file) = files.get(file.as_str()) else { continue };
                let map = if is_exact { &file.lines } else { &file.around };
                found.extend((*start..=*end).filter_map(|line| map.get(&line)).flatten().copied());
            }
            if !found.is_empty() {
                return found;
            }
        }
    }
    BTreeSet::new()
}

/// The function that a constant is made with, if an error is about one that is not constant any more.
fn not_constant(message: &Value) -> Option<String> {
    let is_it = message["code"]["code"] == "E0015";
    let name = message["message"].as_str()?.split('`').nth(1)?.rsplit("::").find(|part| !part.contains('<'))?;
    is_it.then(|| name.to_owned())
}

/// Makes the copy, leaves out what does not compile, and builds its tests.
pub(crate) fn build(root: &Path, folder: &Path, suite: Suite, changes: &[Change]) -> io::Result<Copy> {
    copy(root, folder)?;
    let mut by_file: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        by_file.entry(&change.file).or_default().push(change);
    }
    let lib = fs::read_to_string(root.join("src/lib.rs"))?;
    let count = changes.iter().map(|it| it.number).max().unwrap_or(0) + 1;
    fs::write(folder.join("src/lib.rs"), [&lib, &*SWITCH.replace("COUNT", &count.to_string())].concat())?;
    let mut impossible: BTreeSet<usize> = BTreeSet::new();
    let mut constants: HashSet<String> = HashSet::new();
    let mut unplaced: BTreeSet<usize>;
    loop {
        unplaced = changes.iter().map(|it| it.number).filter(|it| !impossible.contains(it)).collect();
        let mut files: BTreeMap<&str, Switched> = BTreeMap::new();
        for (file, changes) in &by_file {
            let left: Vec<&Change> = changes.iter().filter(|it| !impossible.contains(&it.number)).copied().collect();
            let switched = switch(&fs::read_to_string(root.join(file))?, &left, &constants);
            unplaced.retain(|it| !switched.placed.contains(it));
            fs::write(folder.join(file), &switched.text)?;
            files.insert(file, switched);
        }
        let messages = cargo(folder, suite, &["check"])?;
        let errors: Vec<&Value> = messages.iter().filter(|it| is_error(it)).map(|it| &it["message"]).collect();
        if errors.is_empty() {
            break;
        }
        let before = (impossible.len(), constants.len());
        for error in &errors {
            match not_constant(error) {
                Some(name) => _ = constants.insert(name),
                None => impossible.extend(blamed(error, &files)),
            }
        }
        eprintln!("{} of {} changes do not compile", impossible.len(), changes.len());
        if before == (impossible.len(), constants.len()) {
            impossible.extend(errors.iter().filter_map(|error| blamed_beside(error, &files)));
        }
        if before == (impossible.len(), constants.len()) {
            errors.iter().for_each(|error| eprintln!("{}", error["rendered"].as_str().unwrap_or_default()));
            return Err(io::Error::other("the copy does not compile"));
        }
    }
    let messages = cargo(folder, suite, &["test", "--no-run"])?;
    let is_test = |it: &&Value| it["profile"]["test"] == true;
    let programs = messages.iter().filter(is_test).filter_map(|it| it["executable"].as_str()).map(PathBuf::from);
    Ok(Copy { folder: folder.join(suite.package()), programs: programs.collect(), unplaced, impossible })
}
