//! Puts switches into one source file.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::find::{Edit, Form, find};
use crate::list::Change;

/// A file with switches.
pub(crate) struct Switched {
    pub(crate) text: String,
    /// Of each line which changes stand on it.
    pub(crate) lines: HashMap<usize, BTreeSet<usize>>,
    /// The same of what they would replace.
    pub(crate) around: HashMap<usize, BTreeSet<usize>>,
    /// All that have a switch.
    pub(crate) placed: BTreeSet<usize>,
}

/// Writes the text, and notes what stands on its lines.
#[derive(Default)]
struct Writer {
    text: String,
    line: usize,
    lines: HashMap<usize, BTreeSet<usize>>,
    around: HashMap<usize, BTreeSet<usize>>,
    /// What the text is inside of.
    inside: Vec<Vec<usize>>,
}

impl Writer {
    fn push(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.text.push('\n');
                self.line += 1;
            }
            self.text.push_str(line);
            if let Some(innermost) = self.inside.last() {
                self.around.entry(self.line).or_default().extend(innermost);
            }
        }
    }

    /// Lines of a change's own.
    fn push_change(&mut self, number: usize, text: &str) {
        self.push("\n");
        let first = self.line;
        self.push(text);
        for line in first..=self.line {
            self.lines.entry(line).or_default().insert(number);
        }
        self.push("\n");
    }

    fn open(&mut self, edit: &Edit) {
        match &edit.form {
            Form::Instead(changes) => {
                self.push("(");
                for (number, text) in changes {
                    self.push_change(*number, &format!("if crate::mutant::is({number}) {{ {text} }} else"));
                }
                self.push("{");
                self.push("\n");
                self.inside.push(changes.iter().map(|it| it.0).collect());
            }
            Form::Return(changes) => {
                for (number, text) in changes {
                    self.push_change(*number, &format!("if crate::mutant::is({number}) {{ return {text}; }}"));
                }
            }
            Form::Iterator(changes) => {
                self.push("let it = {\n");
                self.inside.push(changes.iter().map(|it| it.0).collect());
            }
            Form::Never(number) => {
                self.push_change(*number, &format!("!crate::mutant::is({number}) && ("));
            }
            Form::NeverArm(_) => {}
            Form::Skip(number) => {
                self.push_change(*number, &format!("if !crate::mutant::is({number}) {{"));
                self.inside.push(vec![*number]);
            }
            Form::Matched(arms) => self.inside.push(arms.clone()),
            Form::Const => {}
        }
    }

    fn close(&mut self, edit: &Edit) {
        match &edit.form {
            Form::Instead(_) => {
                self.inside.pop();
                self.push("\n})");
            }
            Form::Return(_) => {}
            // All ways have one type: what there is, and what there is instead, each as far as it is to be seen.
            Form::Iterator(changes) => {
                self.inside.pop();
                self.push("\n};");
                for (number, text) in changes {
                    let is = format!("crate::mutant::is({number})");
                    let shown = format!("let it = it.take(if {is} {{ 0 }} else {{ usize::MAX }})");
                    let instead = format!(".chain(({text}).take(usize::from({is})));");
                    self.push_change(*number, &format!("{shown}{instead}"));
                }
                self.push("it\n");
            }
            Form::Never(_) => self.push(")"),
            Form::Skip(_) => {
                self.inside.pop();
                self.push("\n}");
            }
            Form::Matched(_) => _ = self.inside.pop(),
            Form::Const => {}
            Form::NeverArm(number) => self.push_change(*number, &format!("if !crate::mutant::is({number})")),
        }
    }
}

/// The text of a file with a switch for each of these changes that a switch can make.
pub(crate) fn switch(text: &str, changes: &[&Change], constants: &HashSet<String>) -> Switched {
    let edits = find(text, changes, constants);
    let mut writer = Writer { line: 1, ..Writer::default() };
    let mut at = 0;
    let mut open: Vec<&Edit> = Vec::new();
    let mut placed = BTreeSet::new();
    let close = |writer: &mut Writer, at: &mut usize, edit: &Edit| {
        let rest = &text[*at..edit.range.end];
        writer.push(if matches!(edit.form, Form::Const) { "" } else { rest });
        *at = edit.range.end;
        writer.close(edit);
    };
    for edit in &edits {
        while let Some(last) = open.last().copied().filter(|it| it.range.end <= edit.range.start) {
            open.pop();
            close(&mut writer, &mut at, last);
        }
        writer.push(&text[at..edit.range.start]);
        at = edit.range.start;
        writer.open(edit);
        open.push(edit);
        match &edit.form {
            Form::Instead(changes) | Form::Return(changes) | Form::Iterator(changes) => {
                placed.extend(changes.iter().map(|it| it.0))
            }
            Form::Never(number) | Form::NeverArm(number) | Form::Skip(number) => _ = placed.insert(*number),
            Form::Matched(_) | Form::Const => {}
        }
    }
    while let Some(last) = open.pop() {
        close(&mut writer, &mut at, last);
    }
    writer.push(&text[at..]);
    Switched { text: writer.text, lines: writer.lines, around: writer.around, placed }
}
