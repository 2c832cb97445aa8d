//! Finds the places in a source file that changes are for.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::list::{Change, Kind, Position};

/// A part of the file that is something else when a switch is on.
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    /// Of two with the same range, the smaller one is outside.
    pub(crate) level: u8,
    pub(crate) form: Form,
}

/// How it is changed.
pub(crate) enum Form {
    /// An expression, and what it is with each change.
    Instead(Vec<(usize, String)>),
    /// A body that returns something else at once.
    Return(Vec<(usize, String)>),
    /// A body that is an iterator, and which other one it is with each change.
    Iterator(Vec<(usize, String)>),
    /// An arm's guard, which is false with this change.
    Never(usize),
    /// An arm without a guard: the end of its pattern.
    NeverArm(usize),
    /// What is matched, by arms that these changes take away.
    Matched(Vec<usize>),
    /// A statement that is left out with this change.
    Skip(usize),
    /// The `const` of a function, which is left out: constant functions cannot be switched.
    Const,
}

struct Offsets<'t> {
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Offsets<'t> {
    fn new(text: &'t str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, lines }
    }

    /// Of a column that is counted from 0, in characters.
    fn of(&self, line: usize, column: usize) -> usize {
        let start = self.lines[line - 1];
        start + self.text[start..].chars().take(column).map(char::len_utf8).sum::<usize>()
    }

    fn range(&self, span: Span) -> Range<usize> {
        let (start, end) = (span.start(), span.end());
        self.of(start.line, start.column)..self.of(end.line, end.column)
    }

    fn position(&self, (line, column): Position) -> usize {
        self.of(line, column - 1)
    }
}

/// A change: its number, what it takes away, and what it puts there.
type Wanted = (usize, Range<usize>, String);

struct Finder<'t> {
    offsets: Offsets<'t>,
    /// The changes by kind and by where they start.
    wanted: HashMap<(Kind, usize), Vec<Wanted>>,
    edits: Vec<Edit>,
    /// Names of functions that constants are made with.
    constants: &'t HashSet<String>,
    /// How many constants and constant functions it is inside of, where nothing can be switched.
    constant: usize,
}

impl Finder<'_> {
    fn take(&mut self, kind: Kind, at: usize) -> Vec<Wanted> {
        if self.constant > 0 {
            return Vec::new();
        }
        self.wanted.remove(&(kind, at)).unwrap_or_default()
    }

    fn constant(&mut self, visit: impl FnOnce(&mut Self)) {
        self.constant += 1;
        visit(self);
        self.constant -= 1;
    }

    fn without(&self, whole: &Range<usize>, cut: &Range<usize>, with: &str) -> String {
        let text = self.offsets.text;
        format!("{}{with}{}", &text[whole.start..cut.start], &text[cut.end..whole.end])
    }

    /// Another operator of an expression, or none.
    fn operator(&mut self, kind: Kind, at: usize, whole: Range<usize>) {
        let changes = self.take(kind, at);
        let changes: Vec<_> =
            changes.iter().map(|(number, cut, with)| (*number, self.without(&whole, cut, with))).collect();
        if !changes.is_empty() {
            self.edits.push(Edit { range: whole, level: 2, form: Form::Instead(changes) });
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block, visit: impl FnOnce(&mut Self)) {
        if let Some(constness) = &signature.constness {
            if self.constants.contains(&signature.ident.to_string()) {
                return self.constant(visit);
            }
            self.edits.push(Edit { range: self.offsets.range(constness.span()), level: 0, form: Form::Const });
        }
        let output = self.offsets.range(signature.output.span());
        let is_iterator = self.offsets.text[output].contains("impl Iterator");
        if let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) {
            let range = self.offsets.range(first.span()).start..self.offsets.range(last.span()).end;
            let changes = self.take(Kind::Body, range.start);
            let changes: Vec<_> = changes.into_iter().map(|(number, _, with)| (number, with)).collect();
            if !changes.is_empty() {
                let form = if is_iterator { Form::Iterator(changes) } else { Form::Return(changes) };
                self.edits.push(Edit { range, level: 0, form });
            }
        }
        visit(self);
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_expr_binary(&mut self, it: &'ast syn::ExprBinary) {
        let whole = self.offsets.range(it.span());
        let operator = self.offsets.range(it.op.span());
        let is_let = |it: &syn::Expr| matches!(it, syn::Expr::Let(_));
        if !is_let(&it.left) && !is_let(&it.right) {
            self.operator(Kind::Binary, operator.start, whole);
        }
        visit::visit_expr_binary(self, it);
    }

    fn visit_expr_unary(&mut self, it: &'ast syn::ExprUnary) {
        let whole = self.offsets.range(it.span());
        self.operator(Kind::Unary, whole.start, whole);
        visit::visit_expr_unary(self, it);
    }

    fn visit_expr_struct(&mut self, it: &'ast syn::ExprStruct) {
        let whole = self.offsets.range(it.span());
        let mut all = Vec::new();
        for field in &it.fields {
            let range = self.offsets.range(field.span());
            for (number, ..) in self.take(Kind::Field, range.start) {
                let after = &self.offsets.text[range.end..];
                let comma = after.len() - after.trim_start().strip_prefix(',').unwrap_or(after).len();
                all.push((number, self.without(&whole, &(range.start..range.end + comma), "")));
            }
        }
        if !all.is_empty() {
            self.edits.push(Edit { range: whole, level: 2, form: Form::Instead(all) });
        }
        visit::visit_expr_struct(self, it);
    }

    fn visit_expr_match(&mut self, it: &'ast syn::ExprMatch) {
        let starts: Vec<usize> = it.arms.iter().map(|it| self.offsets.range(it.span()).start).collect();
        let arms = starts.iter().filter_map(|at| self.wanted.get(&(Kind::Arm, *at))).flatten().map(|it| it.0).collect();
        self.edits.push(Edit { range: self.offsets.range(it.expr.span()), level: 0, form: Form::Matched(arms) });
        visit::visit_expr_match(self, it);
    }

    fn visit_arm(&mut self, it: &'ast syn::Arm) {
        let start = self.offsets.range(it.span()).start;
        let pattern = self.offsets.range(it.pat.span());
        for (number, ..) in self.take(Kind::Arm, start) {
            let edit = match &it.guard {
                Some((_, guard)) => {
                    Edit { range: self.offsets.range(guard.span()), level: 0, form: Form::Never(number) }
                }
                None => Edit { range: pattern.clone(), level: 0, form: Form::NeverArm(number) },
            };
            self.edits.push(edit);
        }
        if let Some((_, guard)) = &it.guard {
            let range = self.offsets.range(guard.span());
            let changes = self.take(Kind::Guard, range.start);
            let changes: Vec<_> = changes.into_iter().map(|(number, _, replacement)| (number, replacement)).collect();
            if !changes.is_empty() {
                self.edits.push(Edit { range, level: 1, form: Form::Instead(changes) });
            }
        }
        visit::visit_arm(self, it);
    }

    fn visit_stmt(&mut self, it: &'ast syn::Stmt) {
        let range = self.offsets.range(it.span());
        for (number, ..) in self.take(Kind::Statement, range.start) {
            self.edits.push(Edit { range: range.clone(), level: 1, form: Form::Skip(number) });
        }
        visit::visit_stmt(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.function(&it.sig, &it.block, |this| visit::visit_impl_item_fn(this, it));
    }

    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.function(&it.sig, &it.block, |this| visit::visit_item_fn(this, it));
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if let Some(block) = &it.default {
            self.function(&it.sig, block, |this| visit::visit_trait_item_fn(this, it));
        }
    }

    fn visit_item_const(&mut self, it: &'ast syn::ItemConst) {
        self.constant(|this| visit::visit_item_const(this, it));
    }

    fn visit_impl_item_const(&mut self, it: &'ast syn::ImplItemConst) {
        self.constant(|this| visit::visit_impl_item_const(this, it));
    }

    fn visit_trait_item_const(&mut self, it: &'ast syn::TraitItemConst) {
        self.constant(|this| visit::visit_trait_item_const(this, it));
    }

    fn visit_item_static(&mut self, it: &'ast syn::ItemStatic) {
        self.constant(|this| visit::visit_item_static(this, it));
    }

    fn visit_expr_const(&mut self, it: &'ast syn::ExprConst) {
        self.constant(|this| visit::visit_expr_const(this, it));
    }

    fn visit_expr_repeat(&mut self, it: &'ast syn::ExprRepeat) {
        self.visit_expr(&it.expr);
        self.constant(|this| this.visit_expr(&it.len));
    }

    fn visit_type_array(&mut self, it: &'ast syn::TypeArray) {
        self.constant(|this| visit::visit_type_array(this, it));
    }

    fn visit_variant(&mut self, it: &'ast syn::Variant) {
        self.constant(|this| visit::visit_variant(this, it));
    }

    fn visit_generic_argument(&mut self, it: &'ast syn::GenericArgument) {
        self.constant(|this| visit::visit_generic_argument(this, it));
    }
}

/// The places that these changes are for, in the order of the text, each before what is inside of it.
pub(crate) fn find(text: &str, changes: &[&Change], constants: &HashSet<String>) -> Vec<Edit> {
    let offsets = Offsets::new(text);
    let mut wanted: HashMap<(Kind, usize), Vec<Wanted>> = HashMap::new();
    for it in changes {
        let range = offsets.position(it.start)..offsets.position(it.end);
        wanted.entry((it.kind, range.start)).or_default().push((it.number, range, it.replacement.clone()));
    }
    let mut finder = Finder { offsets, wanted, edits: Vec::new(), constants, constant: 0 };
    finder.visit_file(&syn::parse_file(text).expect("a source file"));
    finder.edits.sort_by_key(|it| (it.range.start, usize::MAX - it.range.end, it.level));
    finder.edits
}
