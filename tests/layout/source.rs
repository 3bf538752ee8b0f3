//! Just enough of a reader of Rust sources to see modules, paths, functions and `unsafe`.

use crate::tokens::{Token, blank, is_name, tokens};

/// What one source file holds that the rules are about.
pub(crate) struct File {
    /// Relative to the crate, with `/`.
    pub(crate) path: String,
    /// Where the file stands in the module tree; empty for the crate root.
    pub(crate) module: Vec<String>,
    /// Every path that begins in our crate or in a dependency.
    pub(crate) paths: Vec<Import>,
    /// The file's own module and those it declares in other files, each with its line.
    pub(crate) modules: Vec<(usize, Vec<String>)>,
    /// The names of the functions it defines, each with its line.
    pub(crate) functions: Vec<(usize, String)>,
    /// The lines on which `unsafe` stands.
    pub(crate) unsafe_lines: Vec<usize>,
}

/// A path in the code, imported or used in place.
pub(crate) struct Import {
    pub(crate) line: usize,
    /// As written, a group being given as one path for each of its members.
    pub(crate) text: String,
    pub(crate) root: Root,
}

/// Where a path leads.
pub(crate) enum Root {
    /// To an item of ours: its full path, without `crate`.
    Ours(Vec<String>),
    /// To a dependency.
    Crate(String),
}

impl File {
    pub(crate) fn parse(path: &str, text: &str, dependencies: &[String]) -> Self {
        let module = module_of(path);
        let mut file = Self {
            path: path.to_owned(),
            modules: vec![(1, module.clone())],
            module,
            paths: Vec::new(),
            functions: Vec::new(),
            unsafe_lines: Vec::new(),
        };
        Reader {
            tokens: tokens(&blank(text)),
            at: 0,
            dependencies,
            file: &mut file,
        }
        .read();
        file
    }
}

/// `src/stream/read.rs` is `stream::read`, `src/stream/mod.rs` is `stream`, `src/lib.rs` is empty.
fn module_of(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut module: Vec<String> = path.split('/').map(String::from).collect();
    if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
        module.pop();
    }
    module
}

/// The words that a path with a leading `::` may follow.
const KEYWORDS: &[&str] = &[
    "as", "dyn", "for", "impl", "in", "mut", "return", "use", "where",
];

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    dependencies: &'a [String],
    file: &'a mut File,
}

impl Reader<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// Whether a path begins at this token: a word with `::` behind it, or one alone after `use`.
    fn is_path_start(&self) -> bool {
        let word = self.text(self.at);
        let goes_on = self.text(self.at + 1) == "::";
        let before = |back| self.at.checked_sub(back).map_or("", |at| self.text(at));
        // `Vec::<u8>::tokio::io` goes on with a path, `::tokio::io` begins one.
        let continued = before(1) == "::" && before(2) == ">";
        is_name(word) && !KEYWORDS.contains(&word) && (goes_on || before(1) == "use") && !continued
    }

    fn read(mut self) {
        // The inline modules that we are in, each with the brace depth at which it ends.
        let mut inline: Vec<(String, usize)> = Vec::new();
        let mut depth = 0;
        while self.at < self.tokens.len() {
            let line = self.tokens[self.at].line;
            let next = self.text(self.at + 1).to_owned();
            match self.text(self.at) {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.last().is_some_and(|(_, end)| *end == depth) {
                        inline.pop();
                    }
                }
                "unsafe" => self.file.unsafe_lines.push(line),
                "fn" => self.file.functions.push((line, next)),
                "mod" => {
                    if self.text(self.at + 2) == "{" {
                        inline.push((next, depth));
                    } else {
                        let mut module = self.module(&inline);
                        module.push(next);
                        self.file.modules.push((line, module));
                    }
                }
                _ if self.is_path_start() => {
                    let module = self.module(&inline);
                    self.path(&mut Vec::new(), &module);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn module(&self, inline: &[(String, usize)]) -> Vec<String> {
        let names = inline.iter().map(|(name, _)| name.clone());
        self.file.module.iter().cloned().chain(names).collect()
    }

    /// Reads one path, or each path of a group, and leaves `at` behind it.
    fn path(&mut self, before: &mut Vec<String>, module: &[String]) {
        let length = before.len();
        let line = self.tokens[self.at].line;
        loop {
            match self.text(self.at) {
                "{" => {
                    self.at += 1;
                    while self.at < self.tokens.len() && self.text(self.at) != "}" {
                        match self.text(self.at) {
                            "," => self.at += 1,
                            "as" => self.at += 2,
                            _ => self.path(before, module),
                        }
                    }
                    self.at += 1;
                    before.truncate(length);
                    return;
                }
                word if word == "*" || is_name(word) => before.push(word.to_owned()),
                _ => break,
            }
            self.at += 1;
            if self.text(self.at) != "::" {
                break;
            }
            self.at += 1;
        }
        if let Some(root) = self.root(before, module) {
            self.file.paths.push(Import {
                line,
                text: before.join("::"),
                root,
            });
        }
        // A member such as `<` in `Vec::<u8>` is not part of a path; step over it.
        if before.len() == length {
            self.at += 1;
        }
        before.truncate(length);
    }

    fn root(&self, path: &[String], module: &[String]) -> Option<Root> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module.split_last()?.1.to_vec(),
            name => {
                let known = self
                    .dependencies
                    .iter()
                    .any(|dependency| dependency == name);
                return known.then(|| Root::Crate(name.to_owned()));
            }
        };
        let supers = rest
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        base.truncate(base.len().saturating_sub(supers));
        base.extend(
            rest[supers..]
                .iter()
                .filter(|segment| *segment != "self")
                .cloned(),
        );
        Some(Root::Ours(base))
    }
}
