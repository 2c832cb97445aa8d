//! Statements that could be left out, which `cargo-mutants` does not list: checks that refuse, changes that are
//! forgotten.

use std::path::{Path, PathBuf};
use std::{fs, io};

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Meta, Stmt};

use crate::list::{Change, Kind, is_changed};

/// The files of modules that are there only in tests.
#[derive(Default)]
struct TestFiles {
    /// The folder that the file's modules are in.
    folder: PathBuf,
    found: Vec<PathBuf>,
}

impl<'ast> Visit<'ast> for TestFiles {
    fn visit_item_mod(&mut self, it: &'ast syn::ItemMod) {
        if it.content.is_none() && it.attrs.iter().any(is_for_tests) {
            self.found.push(self.folder.join(format!("{}.rs", it.ident)));
        }
    }
}

struct Statements<'t> {
    file: &'t str,
    text: &'t str,
    function: String,
    /// The number of the next.
    number: usize,
    found: Vec<Change>,
}

impl Statements<'_> {
    fn within(&mut self, function: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.function, function.to_string());
        visit(self);
        self.function = before;
    }
}

/// Whether it is only there for what it does.
fn can_be_left_out(statement: &Stmt) -> bool {
    let (expression, ends) = match statement {
        Stmt::Expr(expression, semicolon) => (expression, semicolon.is_some()),
        _ => return false,
    };
    let attributes = match expression {
        Expr::Call(it) => &it.attrs[..],
        _ => &[],
    };
    if attributes.iter().any(is_for_tests) {
        return false;
    }
    match expression {
        Expr::If(it) => it.else_branch.is_none(),
        Expr::ForLoop(_) => true,
        Expr::Try(_) | Expr::Call(_) | Expr::MethodCall(_) | Expr::Assign(_) => ends,
        Expr::Binary(it) => {
            ends && matches!(
                it.op,
                BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_) | BinOp::BitAndAssign(_)
            )
        }
        _ => false,
    }
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

impl<'ast> Visit<'ast> for Statements<'_> {
    fn visit_item_mod(&mut self, it: &'ast syn::ItemMod) {
        if !it.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, it);
        }
    }

    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.within(&it.sig.ident, |this| visit::visit_item_fn(this, it));
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.within(&it.sig.ident, |this| visit::visit_impl_item_fn(this, it));
    }

    fn visit_stmt(&mut self, it: &'ast syn::Stmt) {
        if can_be_left_out(it) {
            let (start, end) = (it.span().start(), it.span().end());
            let line = self.text.lines().nth(start.line - 1).unwrap_or_default().trim();
            self.found.push(Change {
                number: self.number,
                file: self.file.to_owned(),
                name: format!(
                    "{}:{}:{}: leave out {line} in {}",
                    self.file,
                    start.line,
                    start.column + 1,
                    self.function
                ),
                kind: Kind::Statement,
                start: (start.line, start.column + 1),
                end: (end.line, end.column + 1),
                replacement: String::new(),
            });
            self.number += 1;
        }
        visit::visit_stmt(self, it);
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// All of these files of the library, or of all, with numbers from this one on.
pub(crate) fn statements(root: &Path, files: &[String], first: usize) -> io::Result<Vec<Change>> {
    let mut all = Vec::new();
    sources(&root.join("src"), &mut all)?;
    all.sort();
    let mut for_tests = TestFiles::default();
    for path in &all {
        let is_root = path.ends_with("lib.rs") || path.ends_with("mod.rs");
        for_tests.folder = if is_root { path.parent().unwrap_or(path).to_owned() } else { path.with_extension("") };
        for_tests.visit_file(&syn::parse_file(&fs::read_to_string(path)?).map_err(io::Error::other)?);
    }
    all.retain(|path| !for_tests.found.contains(path));
    let mut found = Vec::new();
    for path in all {
        let file = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if !is_changed(&file) || !files.is_empty() && !files.contains(&file) {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let parsed = syn::parse_file(&text).map_err(io::Error::other)?;
        let number = first + found.len();
        let mut statements =
            Statements { file: &file, text: &text, function: String::new(), number, found: Vec::new() };
        statements.visit_file(&parsed);
        found.append(&mut statements.found);
    }
    Ok(found)
}
