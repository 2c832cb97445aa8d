//! The structure of the source: layers point downward, files stay small, and exceptions have reasons.

#[path = "structure/circles.rs"]
mod circles;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use circles::Uses;

/// From the bottom up: a module uses only what stands before it.
const LAYERS: &[&str] = &[
    "work",
    "units",
    "curve",
    "crypto",
    "error",
    "tlv",
    "serde",
    "text",
    "field",
    "recurrence",
    "async_payments",
    "signature",
    "contacts",
    "onion",
    "message",
    "signed",
    "builder",
    "offer",
    "invoice_request",
    "invoice",
    "static_invoice",
    "payer_proof",
    "invoice_error",
    "named",
    "names",
    "peer",
    "exchange",
    "peers",
    "lightning",
    "guide",
];

fn sources() -> Vec<(PathBuf, String)> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// The Rust files below a folder, with their texts.
fn files(root: &Path) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    assert!(!files.is_empty(), "found nothing in {}", root.display());
    files
}

/// The module directly below `src` that a file belongs to.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a file's code names after `crate::`.
fn used(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    for part in code.flat_map(|line| line.split("crate::").skip(1)) {
        let names: Vec<&str> = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(str::trim).collect(),
            None => vec![part],
        };
        for name in names {
            let name: String =
                name.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit()).collect();
            if !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn layers_point_downward() {
    let level = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    for (path, text) in sources() {
        let module = module(&path);
        if module == "lib" {
            continue;
        }
        let own = level(&module).unwrap_or_else(|| panic!("{module} is in no layer"));
        for name in used(&text) {
            let other = level(&name).unwrap_or_else(|| panic!("{}: {name} is in no layer", path.display()));
            assert!(other <= own, "{}: {module} must not use {name}, which is above it", path.display());
        }
    }
}

/// Every crate of this repository: the file at its root.
fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut roots = vec![root.join("src/lib.rs"), root.join("fuzz/src/lib.rs")];
    for folder in ["tests", "examples", "examples/tcp", "benches", "interop/tests", "fuzz/fuzz_targets", "fuzz/src/bin"]
    {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let main = path.join("main.rs");
            roots.extend(path.extension().is_some_and(|it| it == "rs").then_some(path));
            roots.extend(main.exists().then_some(main));
        }
    }
    roots.sort();
    roots
}

#[test]
fn no_files_use_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut uses = Uses::default();
    crates().iter().for_each(|root| uses.read(root));
    let read = uses.files();
    let found: Vec<_> = uses.circles().into_iter().chain(uses.between_folders().circles()).collect();
    let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
    let shown = shown.join("\n").replace(&format!("{}/", root.display()), "");
    assert!(found.is_empty(), "{} circles:\n{shown}", found.len());
    assert!(read > 300, "read only {read} files");
}

/// Writes a crate, and returns the circles in it.
fn circles_in(name: &str, files: &[(&str, &str)]) -> Vec<BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    for (file, text) in files {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    let mut uses = Uses::default();
    uses.read(&folder.join("lib.rs"));
    assert_eq!(uses.files(), files.len());
    let short = |path: &PathBuf| path.strip_prefix(&folder).unwrap().display().to_string();
    uses.circles().iter().map(|circle| circle.files.iter().map(short).collect()).collect()
}

#[test]
fn a_circle_of_files_is_found() {
    let lib = ("lib.rs", "mod a; mod b; mod c; pub use a::A;");
    let c = ("c/mod.rs", "//! See [`crate::a::A`].\nmod d; mod e; pub(crate) use d::{D, d as made}; pub use e::*;");
    let (d, e) = (("c/d.rs", "pub struct D; pub fn d() {}"), ("c/e.rs", "pub struct E;"));
    let b = ("b.rs", "use crate::c::{self, E}; fn b(_: E) { println!(\"{}\", c::made()) }");
    let a = ("a.rs", "use super::b; pub struct A; fn a() { b::b() }");
    assert_eq!(circles_in("no_circle", &[lib, a, b, c, d, e]), [] as [BTreeSet<String>; 0]);

    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    // By way of a re-export, in the arguments of a macro, in a module within the file, over a glob, by another name.
    for (name, back) in [
        ("reexport", "pub struct D; pub fn d(_: crate::A) {}"),
        ("macro", "pub struct D; pub fn d() { assert!(matches!(1, crate::a::A)) }"),
        ("module", "pub struct D; pub fn d() {} mod tests { use super::super::super::a::A; }"),
        ("glob", "use crate::*; pub struct D; pub fn d(_: A) {}"),
        ("name", "use crate::a as other; pub struct D; pub fn d() -> other::A { other::A }"),
    ] {
        let found = circles_in(name, &[lib, a, b, c, ("c/d.rs", back), e]);
        assert_eq!(found, [of(&["a.rs", "b.rs", "c/d.rs"])], "{name}");
    }
    // Over the file that declares both.
    let lib = ("lib.rs", "mod a; fn lib() -> a::A { a::A }");
    let found = circles_in("up", &[lib, ("a.rs", "pub struct A; fn a() { crate::lib(); }")]);
    assert_eq!(found, [of(&["a.rs", "lib.rs"])]);
}

#[test]
fn files_stay_small() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_exception_to_a_lint_has_a_reason() {
    for (path, text) in sources() {
        for line in text.lines().filter(|line| line.contains("[allow(") || line.contains("[expect(")) {
            assert!(line.contains("reason = "), "{}: {line}", path.display());
        }
    }
}

#[test]
fn there_is_no_clock_no_randomness_and_no_io() {
    for (path, text) in sources() {
        for banned in
            ["SystemTime::now", "Instant::now", "thread_rng", "rand::", "std::fs", "std::net", "std::io", "println!"]
        {
            let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            assert!(!code.any(|line| line.contains(banned)), "{}: {banned}", path.display());
        }
    }
}

/// A test that judges by the clock fails on a busy machine. Those in `interop` talk over sockets and have to wait, but
/// nothing there has to be quick.
#[test]
fn no_test_measures_time() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests", "model/tests", "interface/tests", "fuzz/src", "fuzz/tests"];
    let all = folders.iter().flat_map(|folder| files(&root.join(folder)));
    // This list of what is banned is none of them.
    for (path, text) in all.filter(|(path, _)| !path.ends_with("structure.rs")) {
        for banned in ["Instant::now", ".elapsed()", "SystemTime::now", "thread::sleep"] {
            assert!(!text.contains(banned), "{}: {banned}", path.display());
        }
    }
    for (path, text) in files(&root.join("interop/tests")) {
        assert!(!text.contains(".elapsed() <"), "{}", path.display());
    }
}

/// The numbers of recurrence are a draft's: when they change, one file does.
#[test]
fn the_numbers_of_recurrence_are_in_one_place() {
    let numbers = ["1000000024", "1000000025", "1000000026", "1000000027", "1000000029"];
    let numbers = numbers.iter().chain(&["2000000092", "2000000093", "2000000094", "3000000177"]);
    for number in numbers {
        let holds = |text: &str| text.replace('_', "").contains(number);
        let files: Vec<_> = sources().into_iter().filter(|(_, text)| holds(text)).map(|(path, _)| path).collect();
        assert!(matches!(&files[..], [path] if path.ends_with("recurrence/fields.rs")), "{number}: {files:?}");
    }
}

/// The same for those of contacts, which are in an experimental range.
#[test]
fn the_numbers_of_contacts_are_in_one_place() {
    for number in ["2000001729", "2000001731", "2000001733", "2000001735"] {
        let holds = |text: &str| {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.into_iter().any(|line| line.replace('_', "").contains(number))
        };
        let files: Vec<_> = sources().into_iter().filter(|(_, text)| holds(text)).map(|(path, _)| path).collect();
        assert!(matches!(&files[..], [path] if path.ends_with("contacts/fields.rs")), "{number}: {files:?}");
    }
}

/// The numbers of async payments are drafts': when they change, one file does.
#[test]
fn the_numbers_of_async_payments_are_in_one_place() {
    let numbers =
        ["70", "72", "74", "178", "236", "65540", "65542", "65544", "65546", "75540", "75542", "75544", "75546"];
    let numbers = numbers.iter().chain(&["77777", "5482373484", "1209600"]);
    for number in numbers {
        let holds = |text: &str| {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            let code = code.replace('_', "");
            let mut words = code.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| word == *number)
        };
        let files: Vec<_> = sources().into_iter().filter(|(_, text)| holds(text)).map(|(path, _)| path).collect();
        assert!(files.iter().all(|path| path.ends_with("async_payments.rs")), "{number}: {files:?}");
    }
}

/// No rule is in the table for show: each is named where it is enforced.
#[test]
fn every_rule_in_the_table_is_enforced() {
    let code: String =
        sources().into_iter().filter(|(path, _)| !path.ends_with("error/rule.rs")).map(|(_, text)| text).collect();
    for rule in bolt12::Rule::ALL {
        assert!(code.contains(&format!("Rule::{rule:?}")), "{rule}");
    }
}

/// Every test that the page of attacks names is there, and every attack has one.
#[test]
fn every_attack_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/attacks.md")).unwrap();
    let tests = ["src", "tests", "interop/tests"].into_iter().flat_map(|folder| files(&root.join(folder)));
    // Without the indentation that tests of properties have.
    let unindented = |text: &str| text.lines().flat_map(|line| [line.trim_start(), "\n"]).collect::<String>();
    let tests: String = tests.map(|(_, text)| unindented(&text).replace("async fn", "fn")).collect();
    let is_test =
        |name: &str| ["#[test]\n", "#[tokio::test]\n"].iter().any(|it| tests.contains(&format!("{it}fn {name}(")));
    let attacks: Vec<_> =
        page.lines().filter(|line| line.starts_with("| ")).filter(|line| line.contains('`')).collect();
    assert!(attacks.len() > 25, "{}", attacks.len());
    for attack in attacks {
        let named = attack.rsplit('|').nth(1).unwrap();
        let names: Vec<_> = named.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{attack}");
        for name in names {
            assert!(is_test(name), "{name} is no test");
        }
    }
}

/// Every rule that the source cites is on a page of the rules.
#[test]
fn every_rule_that_is_cited_is_on_a_page() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let pages: String =
        fs::read_dir(pages).unwrap().map(|page| fs::read_to_string(page.unwrap().path()).unwrap()).collect();
    let kinds = [
        "TXT", "TLV", "SIG", "OFW", "OFR", "RQW", "RQR", "IVW", "IVR", "ERW", "ERR", "PPW", "PPR", "PTH", "MSG", "EXC",
        "REC", "STA", "URI", "NAM", "DNS", "CON",
    ];
    let mut cited = BTreeSet::new();
    for (_, text) in sources() {
        for kind in kinds {
            for part in text.split(&format!("{kind}-")).skip(1) {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                if !digits.is_empty() {
                    cited.insert(format!("{kind}-{digits}"));
                }
            }
        }
    }
    assert!(cited.len() > 80, "{}", cited.len());
    for rule in cited {
        assert!(pages.contains(&format!("| {rule} |")), "{rule} is cited, but on no page");
    }
}
