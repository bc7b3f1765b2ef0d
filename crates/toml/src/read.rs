//! From text to tables.

use std::ops::Range;

use crate::error::Error;
use crate::value::{Entry, Table, Value};

mod scalar;

/// How deep lists and tables may lie in one another.
const MOST_LEVELS: usize = 64;

/// The most names of one table.
const MOST_NAMES: usize = 4096;

type Result<T> = std::result::Result<T, Error>;

/// The table that a text is.
pub(crate) fn read(text: &str) -> Result<Table> {
    let mut reader = Reader { text, at: 0 };
    let mut root = Node::table(Kind::Header);
    let mut path: Vec<Name> = Vec::new();
    loop {
        reader.skip_lines()?;
        let Some(first) = reader.peek() else { break };
        if first == b'[' {
            path = reader.header(&mut root)?;
        } else {
            let table = root.open(&path)?;
            reader.entry(table, Kind::Dotted, 0)?;
        }
        reader.end_of_line()?;
    }
    root.finish()
}

/// A name with its place.
type Name = (String, Range<usize>);

/// How a table came to be, which says what may still be added to it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Named on the way to another.
    Implied,
    /// By a header of its own.
    Header,
    /// By a dotted name.
    Dotted,
    /// Within a line: it is complete.
    Inline,
}

/// What is under a name while reading.
enum Node {
    Value(Value),
    Table(Kind, Vec<(Name, Node)>),
    /// A list that headers in double brackets add to; each is a table.
    Tables(Vec<Node>),
}

impl Node {
    fn table(kind: Kind) -> Self {
        Self::Table(kind, Vec::new())
    }

    /// The table that a header named: of a list of tables, the last.
    fn open(&mut self, path: &[Name]) -> Result<&mut Self> {
        path.iter().try_fold(self, |node, name| node.below(name, Kind::Implied))
    }

    /// The node of that name, made as a table where there is none.
    fn below(&mut self, name: &Name, kind: Kind) -> Result<&mut Self> {
        let Self::Table(_, entries) = self else { return Err(taken(name)) };
        let at = match entries.iter().position(|((key, _), _)| *key == name.0) {
            Some(at) => at,
            None => {
                add(entries, name, Self::table(kind))?;
                entries.len() - 1
            }
        };
        match &mut entries[at].1 {
            Self::Tables(tables) => tables.last_mut().ok_or_else(|| taken(name)),
            Self::Value(_) | Self::Table(Kind::Inline, _) => Err(taken(name)),
            table => Ok(table),
        }
    }

    fn finish(self) -> Result<Table> {
        match self.into_value() {
            Value::Table(table) => Ok(table),
            _ => Err(Error::new("a text is a table")),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Tables(tables) => Value::Array(tables.into_iter().map(Self::into_value).collect()),
            Self::Table(_, entries) => {
                let entry = |((key, span), node): (Name, Self)| Entry { key, span, value: node.into_value() };
                Value::Table(Table(entries.into_iter().map(entry).collect()))
            }
        }
    }
}

fn taken(name: &Name) -> Error {
    Error::new(format!("`{}` is there already, and nothing can be added to it here", name.0)).at(&name.1)
}

fn add(entries: &mut Vec<(Name, Node)>, name: &Name, node: Node) -> Result<()> {
    if entries.len() == MOST_NAMES {
        return Err(Error::new(format!("a table has more than {MOST_NAMES} names")).at(&name.1));
    }
    entries.push((name.clone(), node));
    Ok(())
}

/// A place in a text.
struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, text: &str) -> bool {
        let there = self.text.as_bytes()[self.at..].starts_with(text.as_bytes());
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// An error at this place.
    fn problem<T>(&self, message: impl Into<String>) -> Result<T> {
        // The end of the text is on its last line.
        let start = self.at.min(self.text.len().saturating_sub(1));
        Err(Error::new(message).at(&(start..start + 1)))
    }

    /// What was found instead of what was wanted.
    fn wanted<T>(&self, wanted: &str) -> Result<T> {
        match self.text[self.at..].chars().next() {
            Some('\n' | '\r') => self.problem(format!("the line ends where {wanted} has to be")),
            Some(found) => self.problem(format!("found {found:?} where {wanted} has to be")),
            None => self.problem(format!("the text ends where {wanted} has to be")),
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    /// Goes on behind blanks, comments and line ends.
    fn skip_lines(&mut self) -> Result<()> {
        loop {
            self.skip_blanks();
            self.skip_comment()?;
            if !self.takes("\n") && !self.takes("\r\n") {
                return Ok(());
            }
        }
    }

    fn skip_comment(&mut self) -> Result<()> {
        if self.peek() == Some(b'#') {
            while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
                if byte.is_ascii_control() && byte != b'\t' {
                    return self.wanted("text");
                }
                self.at += 1;
            }
        }
        Ok(())
    }

    fn end_of_line(&mut self) -> Result<()> {
        self.skip_blanks();
        self.skip_comment()?;
        if self.peek().is_none() || self.takes("\n") || self.takes("\r\n") {
            return Ok(());
        }
        self.wanted("the end of the line")
    }

    /// `[a.b]` or `[[a.b]]`: makes the table, and returns its path.
    fn header(&mut self, root: &mut Node) -> Result<Vec<Name>> {
        let several = self.takes("[[");
        if !several {
            self.takes("[");
        }
        let mut path = self.path()?;
        if !self.takes(if several { "]]" } else { "]" }) {
            return self.wanted(if several { "`]]`" } else { "`]`" });
        }
        let Some(name) = path.pop() else { return Ok(path) };
        let Node::Table(_, entries) = root.open(&path)? else { return Err(taken(&name)) };
        match entries.iter_mut().find(|((key, _), _)| *key == name.0).map(|(_, node)| node) {
            None if several => add(entries, &name, Node::Tables(vec![Node::table(Kind::Header)]))?,
            None => add(entries, &name, Node::table(Kind::Header))?,
            Some(Node::Tables(tables)) if several => tables.push(Node::table(Kind::Header)),
            Some(Node::Table(kind @ Kind::Implied, _)) if !several => *kind = Kind::Header,
            Some(_) => return Err(taken(&name)),
        }
        path.push(name);
        Ok(path)
    }

    /// `a.b = value` within a table.
    fn entry(&mut self, table: &mut Node, kind: Kind, level: usize) -> Result<()> {
        let mut path = self.path()?;
        if !self.takes("=") {
            return self.wanted("`=`");
        }
        self.skip_blanks();
        let value = self.value(level)?;
        let Some(name) = path.pop() else { return Ok(()) };
        let mut node = table;
        for part in &path {
            node = node.below(part, kind)?;
            // A dotted name adds to tables that dotted names have made, not to those that have a header.
            if !matches!(node, Node::Table(found, _) if *found == kind) {
                return Err(taken(part));
            }
        }
        let Node::Table(_, entries) = node else { return Err(taken(&name)) };
        if entries.iter().any(|((key, _), _)| *key == name.0) {
            return Err(taken(&name));
        }
        add(entries, &name, value)
    }

    /// A name, or several with points between them.
    fn path(&mut self) -> Result<Vec<Name>> {
        let mut path = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.at;
            let name = match self.peek() {
                Some(b'"' | b'\'') => self.quoted_on_a_line()?,
                _ => self.bare(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')).to_string(),
            };
            if self.at == start {
                return self.wanted("a name");
            }
            path.push((name, start..self.at));
            self.skip_blanks();
            if !self.takes(".") {
                return Ok(path);
            }
            if path.len() == MOST_LEVELS {
                return self.problem(format!("tables lie more than {MOST_LEVELS} deep in one another"));
            }
        }
    }

    /// The bytes from here on that fit.
    fn bare(&mut self, fits: impl Fn(u8) -> bool) -> &str {
        let start = self.at;
        while self.peek().is_some_and(&fits) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn value(&mut self, level: usize) -> Result<Node> {
        if level == MOST_LEVELS {
            return self.problem(format!("lists and tables lie more than {MOST_LEVELS} deep in one another"));
        }
        match self.peek() {
            Some(b'[') => self.list(level + 1).map(Node::Value),
            Some(b'{') => self.inline_table(level + 1),
            _ => self.scalar().map(Node::Value),
        }
    }

    fn list(&mut self, level: usize) -> Result<Value> {
        self.takes("[");
        let mut values = Vec::new();
        loop {
            self.skip_lines()?;
            if self.takes("]") {
                return Ok(Value::Array(values));
            }
            values.push(self.value(level)?.into_value());
            self.skip_lines()?;
            if !self.takes(",") && self.peek() != Some(b']') {
                return self.wanted("`,` or `]`");
            }
        }
    }

    fn inline_table(&mut self, level: usize) -> Result<Node> {
        self.takes("{");
        let mut table = Node::table(Kind::Inline);
        loop {
            self.skip_lines()?;
            if self.takes("}") {
                return Ok(table);
            }
            self.entry(&mut table, Kind::Dotted, level)?;
            self.skip_lines()?;
            if !self.takes(",") && self.peek() != Some(b'}') {
                return self.wanted("`,` or `}`");
            }
        }
    }
}
