//! What `cargo-mutants` would change, and which of it is known to make no difference.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use serde_json::Value;

/// Where something stands in a file: line and column, both from 1, in characters.
pub(crate) type Position = (usize, usize);

/// What kind of place is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A function returns something else at once.
    Body,
    /// Another operator.
    Binary,
    /// No operator.
    Unary,
    /// Another guard of an arm.
    Guard,
    /// No arm.
    Arm,
    /// No field in an expression with a base.
    Field,
    /// No statement.
    Statement,
}

/// Whose tests are to notice a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// The library's.
    Library,
    /// Those of the adapter to a node's library.
    Adapter,
}

impl Suite {
    pub(crate) const ALL: [Self; 2] = [Self::Library, Self::Adapter];

    pub(crate) fn of(file: &str) -> Self {
        if file.starts_with("src/lightning/") { Self::Adapter } else { Self::Library }
    }

    /// A folder of its own.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Adapter => "adapter",
        }
    }

    /// What `cargo` builds it with.
    pub(crate) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Library => &["--package", "bolt12", "--features", "full", "--lib", "--tests"],
            Self::Adapter => &["--package", "bolt12-interop", "--tests"],
        }
    }

    /// Where its package is in the workspace.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Library => "",
            Self::Adapter => "interop",
        }
    }
}

/// One change of one place.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) number: usize,
    pub(crate) file: String,
    /// Where it is, and what it is.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) replacement: String,
}

impl Change {
    fn of(number: usize, value: &Value) -> Option<Self> {
        let position = |of: &str| {
            let at = &value["span"][of];
            Some((at["line"].as_u64()? as usize, at["column"].as_u64()? as usize))
        };
        let kind = match value["genre"].as_str()? {
            "FnValue" => Kind::Body,
            "BinaryOperator" => Kind::Binary,
            "UnaryOperator" => Kind::Unary,
            "MatchArmGuard" => Kind::Guard,
            "MatchArm" => Kind::Arm,
            "StructField" => Kind::Field,
            _ => return None,
        };
        Some(Self {
            number,
            file: value["file"].as_str()?.to_owned(),
            name: value["name"].as_str()?.to_owned(),
            kind,
            start: position("start")?,
            end: position("end")?,
            replacement: value["replacement"].as_str()?.to_owned(),
        })
    }

    /// The same without line and column, which move.
    pub(crate) fn without_place(&self) -> String {
        let what = self.name.splitn(4, ':').last().unwrap_or_default();
        format!("{}:{what}", self.file)
    }
}

/// Whether a file has anything to change. What stands in for a feature that is off has not: its types have no values.
pub(crate) fn is_changed(file: &str) -> bool {
    !file.ends_with("_absent.rs")
}

/// All changes of these files of the library, or of all.
pub(crate) fn changes(root: &Path, files: &[String]) -> io::Result<Vec<Change>> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json", "--package", "bolt12"]).current_dir(root);
    for file in files {
        command.args(["--file", file]);
    }
    let printed = command.output()?;
    if !printed.status.success() {
        return Err(io::Error::other("`cargo mutants --list` failed: cargo install cargo-mutants --locked"));
    }
    let values: Vec<Value> = serde_json::from_slice(&printed.stdout)?;
    let changes = values.iter().enumerate();
    let of = |(at, value)| Change::of(at + 1, value).expect("a change as cargo-mutants 27 writes it");
    Ok(changes.map(of).filter(|it| is_changed(&it.file)).collect())
}

/// The changes that make no difference that a test should see.
pub(crate) fn known(root: &Path) -> io::Result<HashSet<String>> {
    let text = fs::read_to_string(root.join("mutants/known.txt"))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with(' '));
    Ok(lines.map(str::to_owned).collect())
}
