//! Which file uses which, and the circles in that: files that use each other, at once or by way of others.
//!
//! A file uses another if a path in it (`crate::a::B`, `super::b`, `a::c()`, also inside a macro's arguments) names
//! something that is defined there. Re-exports are looked through: whoever takes `B` from `a/mod.rs`, where it says
//! `pub use b::B`, uses `a/b.rs`. Neither `mod b;` nor a re-export alone is a use. Methods are not seen, since they
//! are named without a path: so the constructor of a later type may stand in the file of that type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fmt, fs};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Which file uses which, and by what names.
#[derive(Debug, Default)]
pub(crate) struct Uses(BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>);

impl Uses {
    /// Reads a crate, from the file at its root: what is below it is found as the compiler finds it.
    pub(crate) fn read(&mut self, root: &Path) {
        let mut tree = Tree::default();
        tree.file(root, None, true);
        for id in 0..tree.modules.len() {
            tree.uses(id, self);
        }
    }

    pub(crate) fn files(&self) -> usize {
        self.0.len()
    }

    /// The same between folders: what lies in one of those below `root`, or deeper, counts as the folder.
    pub(crate) fn between_folders(&self) -> Self {
        let mut folders = Self::default();
        for (from, to, name) in self.edges() {
            let common = from.components().zip(to.components()).take_while(|(from, to)| from == to).count();
            // `a.rs` and what lies in `a` is one.
            let below = |path: &Path| path.components().take(common + 1).collect::<PathBuf>().with_extension("");
            folders.add(&below(from), &below(to), name);
        }
        folders
    }

    fn add(&mut self, from: &Path, to: &Path, name: &str) {
        let uses = self.0.entry(from.to_owned()).or_default();
        if from != to {
            uses.entry(to.to_owned()).or_default().insert(name.to_owned());
        }
    }

    fn edges(&self) -> impl Iterator<Item = (&Path, &Path, &str)> {
        self.0.iter().flat_map(|(from, uses)| {
            uses.iter().flat_map(move |(to, names)| names.iter().map(move |name| (&**from, &**to, &**name)))
        })
    }

    fn reached(&self, from: &Path) -> BTreeSet<&Path> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Path> = vec![from];
        while let Some(file) = open.pop() {
            for next in self.0.get(file).into_iter().flat_map(BTreeMap::keys) {
                if reached.insert(&**next) {
                    open.push(next);
                }
            }
        }
        reached
    }

    /// The circles: files each of which reaches all others, and the names that tie them.
    pub(crate) fn circles(&self) -> Vec<Circle> {
        let reached: BTreeMap<&Path, BTreeSet<&Path>> =
            self.0.keys().map(|file| (&**file, self.reached(file))).collect();
        let mut circles: Vec<Circle> = Vec::new();
        for (file, others) in &reached {
            if !others.contains(file) || circles.iter().any(|circle| circle.files.contains(*file)) {
                continue;
            }
            let is_in = |other: &Path| others.contains(other) && reached.get(other).is_some_and(|it| it.contains(file));
            let files = others.iter().filter(|other| is_in(other)).map(|other| other.to_path_buf()).collect();
            let mut ties = BTreeMap::<_, Vec<_>>::new();
            for (from, to, name) in self.edges().filter(|(from, to, _)| is_in(from) && is_in(to)) {
                ties.entry((from, to)).or_default().push(name);
            }
            let ties = ties.iter().map(|((from, to), names)| {
                format!("{} uses {} by the names {}", from.display(), to.display(), names.join(", "))
            });
            circles.push(Circle { files, ties: ties.collect() });
        }
        circles
    }
}

/// Files that use each other.
#[derive(Debug)]
pub(crate) struct Circle {
    pub(crate) files: BTreeSet<PathBuf>,
    /// Each use within the circle: who, whom, by what names.
    pub(crate) ties: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} that use each other:", self.files.len())?;
        self.ties.iter().try_for_each(|tie| writeln!(f, "  {tie}"))
    }
}

#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    parent: Option<usize>,
    children: Vec<(String, usize)>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths in code, each as its names; a path within a `use` is in `imports`.
    paths: Vec<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Import {
    path: Vec<String>,
    /// What it is called here; nothing for `*`.
    name: Option<String>,
    is_public: bool,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    /// Something that is defined in this module.
    Item(usize),
}

/// The modules of one crate. A name may stand for more than one, each under another condition.
#[derive(Debug, Default)]
struct Tree {
    modules: Vec<Module>,
}

impl Tree {
    /// `owns_folder`: whether the modules below a file lie beside it, as those of `mod.rs` do.
    fn file(&mut self, file: &Path, parent: Option<usize>, owns_folder: bool) -> usize {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let tokens = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let beside = file.parent().unwrap();
        let below = if owns_folder { beside.to_owned() } else { file.with_extension("") };
        self.module(tokens, file, parent, &below)
    }

    fn module(&mut self, tokens: TokenStream, file: &Path, parent: Option<usize>, below: &Path) -> usize {
        let id = self.modules.len();
        self.modules.push(Module { file: file.to_owned(), parent, ..Module::default() });
        self.scan(&tokens.into_iter().collect::<Vec<_>>(), id, below, true);
        id
    }

    /// Collects what tokens declare and name. Only what stands outside of every other item is declared by a module.
    fn scan(&mut self, tokens: &[TokenTree], id: usize, below: &Path, is_outside: bool) {
        let mut at = 0;
        let mut path_attribute = None;
        let mut is_public = false;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(group)) = tokens.get(at + 1) {
                        path_attribute = path_attribute.or_else(|| value_of_path(group.stream()));
                        self.scan(&group.stream().into_iter().collect::<Vec<_>>(), id, below, false);
                        at += 1;
                    }
                    at += 1;
                    continue;
                }
                TokenTree::Ident(ident) if *ident == "pub" => {
                    is_public = true;
                    at += 1;
                    // `pub(in crate::a)` names nothing that is used.
                    if let Some(TokenTree::Group(group)) = tokens.get(at)
                        && group.delimiter() == Delimiter::Parenthesis
                    {
                        at += 1;
                    }
                    continue;
                }
                TokenTree::Ident(ident) if *ident == "use" => {
                    let end =
                        tokens[at..].iter().position(|token| is_punct(token, ';')).map_or(tokens.len(), |n| at + n);
                    let mut imports = Vec::new();
                    tree_of_use(&tokens[at + 1..end], &[], is_public, &mut imports);
                    self.modules[id].imports.extend(imports);
                    at = end;
                }
                TokenTree::Ident(ident) if *ident == "mod" && is_outside => {
                    let name = tokens[at + 1].to_string();
                    at += 2;
                    let child = match &tokens[at] {
                        TokenTree::Group(group) => {
                            let file = self.modules[id].file.clone();
                            self.module(group.stream(), &file, Some(id), &below.join(&name))
                        }
                        _ => {
                            let beside = self.modules[id].file.parent().unwrap();
                            let alone = below.join(format!("{name}.rs"));
                            let (found, owns_folder) = match path_attribute.take() {
                                Some(path) => (normal(&beside.join(path)), true),
                                None if alone.exists() => (alone, false),
                                None => (below.join(&name).join("mod.rs"), true),
                            };
                            self.file(&found, Some(id), owns_folder)
                        }
                    };
                    self.modules[id].children.push((name, child));
                }
                TokenTree::Ident(ident) if is_outside && ident == "macro_rules" => {
                    let name = tokens[at + 2].to_string();
                    self.modules[id].items.insert(name);
                    at += 2;
                }
                TokenTree::Ident(ident)
                    if is_outside
                        && ["fn", "struct", "enum", "union", "trait", "type", "const", "static"]
                            .iter()
                            .any(|kind| ident == kind) =>
                {
                    // `const fn` and `static mut` are followed by another word that is none of the item's.
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1)
                        && !["fn", "unsafe", "extern", "mut", "async"].iter().any(|word| name == word)
                    {
                        let name = name.to_string();
                        self.modules[id].items.insert(name);
                        at += 1;
                    }
                }
                TokenTree::Ident(_) => {
                    let (path, end) = path_at(tokens, at);
                    // Else it is a field, a method, a lifetime, or what is associated with a type.
                    let is_after = |sign| at > 0 && is_punct(&tokens[at - 1], sign);
                    let is_within = is_after('.') || is_after('\'') || at > 1 && is_double_colon(tokens, at - 2);
                    if !is_within {
                        self.modules[id].paths.push(path);
                    }
                    at = end - 1;
                }
                TokenTree::Group(group) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    self.scan(&inside, id, below, false);
                }
                _ => {}
            }
            path_attribute = None;
            is_public = false;
            at += 1;
        }
    }

    /// What a path leads to, read in a module. Nothing if it leads out of the crate, or is no path of modules.
    fn resolve(&self, id: usize, path: &[String], seen: &mut BTreeSet<(usize, Vec<String>)>) -> BTreeSet<Target> {
        if !seen.insert((id, path.to_vec())) {
            return BTreeSet::new();
        }
        let mut here: BTreeSet<Target> = BTreeSet::from([Target::Module(id)]);
        let mut is_first = true;
        for (at, name) in path.iter().enumerate() {
            let is_last = at + 1 == path.len();
            let mut next = BTreeSet::new();
            for target in here {
                match target {
                    Target::Module(module) => next.extend(match name.as_str() {
                        "self" => BTreeSet::from([Target::Module(module)]),
                        "super" => self.modules[module].parent.map(Target::Module).into_iter().collect(),
                        "crate" => BTreeSet::from([Target::Module(self.root(module))]),
                        _ => {
                            let found = self.find(module, name, is_last, seen);
                            // What a macro makes is not seen: it is taken to be where it is asked for.
                            let is_made = found.is_empty() && !is_first;
                            if is_made { BTreeSet::from([Target::Item(module)]) } else { found }
                        }
                    }),
                    // A variant, or an associated function.
                    item @ Target::Item(_) => {
                        next.insert(item);
                    }
                }
            }
            is_first = false;
            here = next;
        }
        here
    }

    fn root(&self, mut id: usize) -> usize {
        while let Some(parent) = self.modules[id].parent {
            id = parent;
        }
        id
    }

    /// A name in a module: an item, a module below it, or something imported.
    fn find(
        &self,
        id: usize,
        name: &str,
        is_last: bool,
        seen: &mut BTreeSet<(usize, Vec<String>)>,
    ) -> BTreeSet<Target> {
        let module = &self.modules[id];
        let below = module.children.iter().filter(|(child, _)| child == name).map(|(_, child)| Target::Module(*child));
        let mut found: BTreeSet<Target> = below.collect();
        if module.items.contains(name) && (is_last || found.is_empty()) {
            return BTreeSet::from([Target::Item(id)]);
        }
        for import in module.imports.iter().filter(|import| import.name.as_deref() == Some(name)) {
            found.extend(self.resolve(id, &import.path, seen));
        }
        if found.is_empty() {
            for import in module.imports.iter().filter(|import| import.name.is_none()) {
                for target in self.resolve(id, &import.path, seen) {
                    if let Target::Module(other) = target
                        && other != id
                        && seen.insert((other, vec!["*".to_owned(), name.to_owned()]))
                    {
                        found.extend(self.find(other, name, is_last, seen));
                    }
                }
            }
        }
        found
    }

    /// Adds what one module uses.
    fn uses(&self, id: usize, uses: &mut Uses) {
        let module = &self.modules[id];
        let mut paths = module.paths.clone();
        // An import counts, unless it only passes something on.
        paths.extend(module.imports.iter().filter(|import| !import.is_public).map(|import| import.path.clone()));
        uses.add(&module.file, &module.file, "");
        for path in paths {
            for target in self.resolve(id, &path, &mut BTreeSet::new()) {
                // A module that is named is not yet used; what is taken out of it is.
                if let Target::Item(other) = target {
                    uses.add(&module.file, &self.modules[other].file, &path.join("::"));
                }
            }
        }
    }
}

fn is_punct(token: &TokenTree, expected: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == expected)
}

fn is_double_colon(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
        && tokens.get(at + 1).is_some_and(|token| is_punct(token, ':'))
}

/// The path that starts at a token, and where it ends.
fn path_at(tokens: &[TokenTree], mut at: usize) -> (Vec<String>, usize) {
    let mut path = vec![tokens[at].to_string()];
    at += 1;
    while is_double_colon(tokens, at) {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 2) else { break };
        path.push(name.to_string());
        at += 3;
    }
    (path, at)
}

/// What a `use` imports: the leaves of its tree.
fn tree_of_use(tokens: &[TokenTree], before: &[String], is_public: bool, imports: &mut Vec<Import>) {
    for tokens in tokens.split(|token| is_punct(token, ',')) {
        let mut path = before.to_vec();
        let mut name = None;
        let mut is_whole = false;
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(ident) if *ident == "as" => {
                    name = tokens.get(at + 1).map(ToString::to_string);
                    at += 1;
                }
                TokenTree::Ident(ident) if *ident == "self" && !path.is_empty() => {}
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Group(group) => {
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    tree_of_use(&inside, &path, is_public, imports);
                    is_whole = true;
                }
                token if is_punct(token, '*') => {
                    imports.push(Import { path: path.clone(), name: None, is_public });
                    is_whole = true;
                }
                _ => {}
            }
            at += 1;
        }
        if !is_whole && !path.is_empty() {
            let name = name.or_else(|| path.last().cloned());
            imports.push(Import { path, name, is_public });
        }
    }
}

/// The file in `path = "…"`.
fn value_of_path(attribute: TokenStream) -> Option<String> {
    match &attribute.into_iter().collect::<Vec<_>>()[..] {
        [TokenTree::Ident(name), _, TokenTree::Literal(value)] if *name == "path" => {
            Some(value.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    }
}

/// Without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
}
