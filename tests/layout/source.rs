//! What the rules need to know of a source file, found with `syn`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{UseTree, spanned::Spanned};

/// The parts of a source file that the rules concern.
pub(crate) struct File {
    /// Relative to the crate, with `/`.
    pub(crate) path: String,
    /// The path of the file in the module tree; empty for the crate root.
    pub(crate) module: Vec<String>,
    /// Every path that begins in our crate or in a dependency.
    pub(crate) paths: Vec<Import>,
    /// The file's own module and those it declares in other files, each with its line.
    pub(crate) modules: Vec<(usize, Vec<String>)>,
    /// The names of the functions it defines, each with its line.
    pub(crate) functions: Vec<(usize, String)>,
    /// The lines with `unsafe`.
    pub(crate) unsafe_lines: Vec<usize>,
}

/// A path in the code, imported or used in place.
pub(crate) struct Import {
    pub(crate) line: usize,
    /// As written; each member of a group is a path of its own.
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
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut reader = Reader {
            file: Self {
                path: path.to_owned(),
                modules: vec![(1, module.clone())],
                module: module.clone(),
                paths: Vec::new(),
                functions: Vec::new(),
                unsafe_lines: Vec::new(),
            },
            module,
            dependencies,
        };
        reader.visit_file(&parsed);
        reader.file
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

struct Reader<'a> {
    file: File,
    /// The module that is being visited, which may be an inline one.
    module: Vec<String>,
    dependencies: &'a [String],
}

impl Reader<'_> {
    fn path(&mut self, segments: &[String], at: Span) {
        if let Some(root) = self.root(segments) {
            self.file.paths.push(Import {
                line: at.start().line,
                text: segments.join("::"),
                root,
            });
        }
    }

    fn root(&self, path: &[String]) -> Option<Root> {
        let (first, rest) = path.split_first()?;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module.split_last()?.1.to_vec(),
            name => {
                let known = self.dependencies.iter().any(|known| known == name);
                return known.then(|| Root::Crate(name.to_owned()));
            }
        };
        let supers = rest.iter().take_while(|name| *name == "super").count();
        base.truncate(base.len().saturating_sub(supers));
        let names = rest[supers..].iter().filter(|name| *name != "self");
        base.extend(names.cloned());
        Some(Root::Ours(base))
    }

    /// Visits each path of a `use`.
    fn tree(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        let length = before.len();
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
            }
            UseTree::Group(group) => {
                for member in &group.items {
                    self.tree(before, member);
                }
            }
            leaf => {
                before.push(match leaf {
                    UseTree::Name(name) => name.ident.to_string(),
                    UseTree::Rename(name) => name.ident.to_string(),
                    _ => "*".to_owned(),
                });
                self.path(before, leaf.span());
            }
        }
        before.truncate(length);
    }

    /// Looks through the arguments of a macro, which may be anything.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        let (mut path, mut colons): (Vec<Ident>, usize) = (Vec::new(), 0);
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(name) if name == "unsafe" => self.is_unsafe(name.span()),
                TokenTree::Ident(name) if name == "fn" => {
                    if let Some(TokenTree::Ident(name)) = tokens.peek() {
                        self.function(name);
                    }
                }
                _ => {}
            }
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end(&mut path, false);
                    }
                    path.push(name);
                }
                TokenTree::Group(group) => {
                    self.end(&mut path, colons == 2);
                    self.tokens(group.stream());
                }
                _ => self.end(&mut path, false),
            }
            colons = 0;
        }
        self.end(&mut path, false);
    }

    /// Ends a path among the arguments of a macro, which a group may continue.
    fn end(&mut self, path: &mut Vec<Ident>, continues: bool) {
        if path.len() > 1 || continues && !path.is_empty() {
            let names: Vec<_> = path.iter().map(ToString::to_string).collect();
            self.path(&names, path[0].span());
        }
        path.clear();
    }

    fn function(&mut self, name: &Ident) {
        let line = name.span().start().line;
        self.file.functions.push((line, name.to_string()));
    }

    fn is_unsafe(&mut self, at: Span) {
        self.file.unsafe_lines.push(at.start().line);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let names = path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string());
            self.path(&names.collect::<Vec<_>>(), path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        if item.content.is_none() {
            let line = item.ident.span().start().line;
            self.file.modules.push((line, self.module.clone()));
        }
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        visit::visit_macro(self, item);
        self.tokens(item.tokens.clone());
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.function(&signature.ident);
        if let Some(unsafety) = signature.unsafety {
            self.is_unsafe(unsafety.span());
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.is_unsafe(block.unsafe_token.span());
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(unsafety) = item.unsafety {
            self.is_unsafe(unsafety.span());
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if let Some(unsafety) = item.unsafety {
            self.is_unsafe(unsafety.span());
        }
        visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.is_unsafe(item.span());
        visit::visit_item_foreign_mod(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if attribute.path().is_ident("unsafe") {
            self.is_unsafe(attribute.span());
        }
        visit::visit_attribute(self, attribute);
    }
}
