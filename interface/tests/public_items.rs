//! All public items of the library, as `public-items.txt` lists them.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// With `BLESS=1`, the list is written anew.
#[test]
fn the_list_of_public_items_is_that_of_the_library() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    // What was built there is not built again.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let items = public_items(&package.join("../Cargo.toml"), target);
    let list = package.join("public-items.txt");
    if env::var_os("BLESS").is_some() {
        fs::write(&list, items).unwrap();
        return;
    }
    let known = fs::read_to_string(&list).unwrap();
    let without = |these: &str, others: &str, sign: char| {
        let others: Vec<_> = others.lines().collect();
        these.lines().filter(|line| !others.contains(line)).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    let changes = without(&known, &items, '-') + &without(&items, &known, '+');
    assert!(changes.is_empty(), "the interface has changed; BLESS=1 writes the list anew:\n{changes}");
    assert_eq!(known, items);
}

/// One line for each item, of all features, in the compiler's own words; and for each implementation of a trait. The
/// listing needs a switch that stable compilers know only with `RUSTC_BOOTSTRAP`.
fn public_items(manifest: &Path, target: &Path) -> String {
    let documented = Command::new(env!("CARGO"))
        .args(["rustdoc", "--quiet", "--locked", "--package", "bolt12", "--lib", "--all-features"])
        .arg("--manifest-path")
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .args(["--", "-Zunstable-options", "--output-format", "json"])
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .unwrap();
    assert!(documented.success());
    let interface = public_api::Builder::from_rustdoc_json(target.join("doc/bolt12.json"))
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .unwrap();
    let mut items = String::new();
    let mut in_trait = false;
    for item in interface.items().map(ToString::to_string) {
        let is_impl = item.starts_with("impl");
        let is_member = ["pub fn ", "pub type ", "pub const "].iter().any(|kind| item.starts_with(kind));
        if is_impl || !is_member {
            in_trait = is_impl && item.contains(" for ");
        }
        // What a trait has, its own documentation says.
        if in_trait && is_member || item.contains("StructuralPartialEq") {
            continue;
        }
        items += &item;
        items.push('\n');
    }
    items
}
