//! The README, the guide and the page for contributors: every page is compiled, and every link leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files in a folder.
fn pages(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    assert!(!pages.is_empty(), "{folder}");
    pages
}

/// What the links of a page lead to, with the fragment: those in the text, and those defined at the end.
fn links(text: &str) -> Vec<&str> {
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    inline.chain(definitions(text).map(|(_, target)| target)).collect()
}

/// The names of links and what they lead to, without footnotes.
fn definitions(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let definitions = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    definitions.filter(|(name, _)| !name.starts_with('^'))
}

/// The fragments of a page's headings, as GitHub and rustdoc write them.
fn fragments(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    headings.map(|heading| heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

#[test]
fn every_page_is_compiled_and_shown() {
    let sources = ["lib.rs", "guide.rs"].map(|file| root().join("src").join(file));
    let sources: String = sources.iter().filter(|path| path.exists()).map(|path| read(path)).collect();
    for folder in ["docs", "docs/guide", "docs/rules"] {
        for page in pages(folder) {
            let name = page.file_name().unwrap().to_str().unwrap();
            assert!(sources.contains(&format!("{folder}/{name}\"")), "{folder}/{name} is in no module of src/guide.rs");
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut all = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    all.extend(["docs", "docs/guide", "docs/rules"].into_iter().flat_map(pages));
    for page in all {
        let text = read(&page);
        for link in links(&text).into_iter().filter(|link| !link.contains("://") && !link.contains("::")) {
            let (file, fragment) = link.split_once('#').map_or((link, None), |(file, fragment)| (file, Some(fragment)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if let Some(fragment) = fragment {
                assert!(fragments(&read(&target)).iter().any(|it| it == fragment), "{}: {link}", page.display());
            }
        }
    }
}

/// A file is nothing that documentation on the web can link to: there, the names of links lead to modules.
#[test]
fn every_link_to_a_page_leads_to_a_module_in_the_documentation() {
    let check = |page: &Path, source: &str| {
        let (text, source) = (read(page), read(&root().join("src").join(source)));
        assert!(!text.contains(".md)"), "{}: define the link at the end of the page", page.display());
        for (name, _) in definitions(&text).filter(|(_, target)| target.contains(".md")) {
            assert!(source.contains(&format!("[{name}]: ")), "{}: {name}", page.display());
        }
    };
    check(&root().join("README.md"), "lib.rs");
    check(&root().join("CONTRIBUTING.md"), "guide.rs");
    pages("docs/guide").iter().for_each(|page| check(page, "guide.rs"));
}

/// What is pasted from a page must not vanish because a feature is off where it is pasted.
#[test]
fn no_block_hides_behind_a_feature() {
    for page in pages("docs/guide").into_iter().chain([root().join("README.md")]) {
        assert!(!read(&page).contains("cfg(feature"), "{}", page.display());
    }
}

/// README, CHANGELOG, the page for contributors, and all pages in `docs/`.
fn all_pages() -> Vec<PathBuf> {
    let mut all = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|page| root().join(page)).to_vec();
    all.extend(["docs", "docs/guide", "docs/rules"].into_iter().flat_map(pages));
    all
}

/// The Rust files in a folder and in those below it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The text in backticks, outside of blocks of code.
fn in_backticks(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|text| text.split('`').skip(1).step_by(2)).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// `NoPath` and `Ok`, but not `USD`.
fn is_camel_case(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_uppercase()) && word.contains(|letter: char| letter.is_lowercase())
}

/// Names of other crates and of the standards.
const NOT_OURS: &[&str] =
    &["AuthenticationChain", "ChannelManager", "NodeIdMessageRouter", "OnionMessenger", "PeerManager", "SystemTime"];

/// A page names only items that exist: types, kinds of errors and other variants, functions and fields.
#[test]
fn every_item_that_a_page_names_exists() {
    let code: Vec<_> = sources(&root().join("src")).iter().map(|path| read(path)).collect();
    let lines = || code.iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with("//"));
    let known: BTreeSet<&str> = lines().flat_map(words).collect();
    let functions: BTreeSet<&str> =
        lines().flat_map(|line| line.split("fn ").skip(1)).filter_map(|rest| words(rest).next()).collect();
    let mut unknown = BTreeSet::new();
    for page in all_pages() {
        let text = read(&page);
        for name in
            in_backticks(&text).into_iter().filter(|name| !name.contains("bolt12_fuzz") && !name.ends_with(".toml"))
        {
            // `Payee::receive`, `payment.to_bytes()`, `fee_limit(…)`
            let called = name.split_once('(').map_or(name, |(called, _)| called);
            let last = called.rsplit(['.', ':']).next().unwrap_or_default();
            let is_function = called != name || name.split_once("::").is_some_and(|(path, _)| is_camel_case(path));
            let is_function = is_function && !last.is_empty() && last.chars().all(|it| it.is_lowercase() || it == '_');
            let exists = !is_function || functions.contains(last) || (called == name && known.contains(last));
            let types = words(name).filter(|word| is_camel_case(word));
            if !exists || !types.filter(|word| !NOT_OURS.contains(word)).all(|word| known.contains(word)) {
                unknown.insert(format!("{}: `{name}`", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// Tables are as wide as their contents, and so are strings to be pasted.
#[test]
fn no_line_of_a_page_is_too_long() {
    for page in all_pages() {
        for (number, line) in (1..).zip(read(&page).lines()) {
            let may_be_long = line.starts_with('|') || line.contains("lno1");
            assert!(may_be_long || line.chars().count() <= 120, "{}:{number}: {line}", page.display());
        }
    }
}
