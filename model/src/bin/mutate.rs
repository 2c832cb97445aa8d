//! Takes away each guard of `mutations.txt`, one after the other, in a copy of the sources, and prints what the checker
//! finds. `mutate FOLDER` makes the copy there, with all guards in it and a switch for each, so that it is built once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// A guard, and what is in its place without it.
struct Mutation {
    name: String,
    file: PathBuf,
    nth: Option<usize>,
    before: String,
    guard: String,
    after: String,
    made: String,
}

fn mutations(text: &str) -> Vec<Mutation> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let parse = |entry: &str| {
        let get = |key: &str| entry.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let code = get("code")?;
        let (before, rest) = code.split_once('«')?;
        let (guard, after) = rest.split_once('»')?;
        Some(Mutation {
            name: get("name")?.to_owned(),
            file: Path::new("src/exchange/payer").join(get("file")?),
            nth: get("nth").map(|nth| nth.parse().expect("a number")),
            before: before.to_owned(),
            guard: guard.to_owned(),
            after: after.to_owned(),
            made: get("made")?.to_owned(),
        })
    };
    let entries = lines.split("\n\n").filter(|entry| !entry.trim().is_empty());
    entries.map(|entry| parse(entry).unwrap_or_else(|| panic!("what is this?\n{entry}"))).collect()
}

impl Mutation {
    /// The text of its file with a switch there.
    fn apply(&self, number: usize, text: &str) -> String {
        let Self { name, file, nth, before, guard, after, made } = self;
        let code = format!("{before}{guard}{after}");
        let places: Vec<_> = text.match_indices(&code).map(|(at, _)| at).collect();
        let file = file.display();
        assert!(nth.is_some() || places.len() < 2, "{name}: more than once in {file}");
        let at = places.get(nth.unwrap_or(1) - 1).unwrap_or_else(|| panic!("{name}: not in {file}"));
        let (start, end) = text.split_at(*at);
        let switch = format!("(if crate::mutant::is({number}) {{ {made} }} else {{ {guard} }})");
        format!("{start}{before}{switch}{after}{}", &end[code.len()..])
    }
}

/// All of the guards, and the files that they are in, with a switch at each.
fn switched(root: &Path) -> io::Result<(Vec<Mutation>, BTreeMap<PathBuf, String>)> {
    let mutations = mutations(&fs::read_to_string(root.join("model/mutations.txt"))?);
    let mut files = BTreeMap::new();
    // The last first, so that the count of the others stays.
    for (number, mutation) in mutations.iter().enumerate().rev() {
        let text = match files.remove(&mutation.file) {
            Some(text) => text,
            None => fs::read_to_string(root.join(&mutation.file))?,
        };
        files.insert(mutation.file.clone(), mutation.apply(number, &text));
    }
    Ok((mutations, files))
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

#[test]
fn every_guard_is_where_the_list_says() {
    let (mutations, files) = switched(workspace()).unwrap();
    let switches: usize = files.values().map(|text| text.matches("crate::mutant::is(").count()).sum();
    assert_eq!(switches, mutations.len());
}

/// The copied library asks this which guard is away.
const SWITCH: &str = "
/// Which guard is taken away.
pub(crate) mod mutant {
    extern crate std;
    pub(crate) fn is(number: u32) -> bool {
        static NUMBER: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
        *NUMBER.get_or_init(|| std::env::var(\"MUTANT\").ok().and_then(|it| it.parse().ok()).unwrap_or(u32::MAX)) == number
    }
}
";

fn copy(root: &Path, to: &Path) -> io::Result<()> {
    let tracked = Command::new("git").args(["ls-files"]).current_dir(root).output()?.stdout;
    for file in String::from_utf8_lossy(&tracked).lines() {
        let target = to.join(file);
        fs::create_dir_all(target.parent().expect("a folder"))?;
        if root.join(file).exists() {
            fs::copy(root.join(file), target)?;
        }
    }
    Ok(())
}

fn main() -> io::Result<ExitCode> {
    let folder = PathBuf::from(env::args().nth(1).expect("the folder for the copy"));
    let root = workspace();
    copy(root, &folder)?;
    let (mutations, files) = switched(root)?;
    for (file, text) in files {
        fs::write(folder.join(file), text)?;
    }
    let lib = folder.join("src/lib.rs");
    let allowed = "#![allow(unused_parens)]\n";
    fs::write(&lib, [allowed, &fs::read_to_string(&lib)?, SWITCH].concat())?;
    let build = ["build", "--offline", "--quiet", "--package", "bolt12-model", "--bin", "explore"];
    let target = folder.join("target");
    assert!(
        Command::new("cargo").args(build).arg("--target-dir").arg(&target).current_dir(&folder).status()?.success()
    );
    // The next build of the checker would take its place.
    let checker = folder.join("explore");
    fs::copy(target.join("debug/explore"), &checker)?;
    let mut missed = 0;
    for (number, Mutation { name, .. }) in mutations.iter().enumerate() {
        let explore = Command::new("timeout")
            .arg("300")
            .arg(&checker)
            .arg("--until-wrong")
            .env("MUTANT", number.to_string())
            .env("RUST_BACKTRACE", "0")
            .current_dir(&folder)
            .output()?;
        let said = String::from_utf8_lossy(&explore.stdout);
        let said = match (explore.status.code(), said.lines().last()) {
            (Some(0), _) => {
                missed += 1;
                "NOT FOUND"
            }
            (Some(1), Some(line)) => line,
            (Some(124), _) => "found: it has no end",
            _ => "found: it panics",
        };
        println!("{name} | {said}");
    }
    println!("{} of {} were found", mutations.len() - missed, mutations.len());
    Ok(if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
