//! Where the parts of an expression are, and which code must be constant.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::Result;

/// The bytes of something.
pub(crate) type Place = Range<usize>;

/// What mutants can be of, by the byte at which it is recognized.
#[derive(Debug, Default)]
pub(crate) struct Syntax {
    /// By the operator: the left operand, and the right one.
    pub(crate) binary: BTreeMap<usize, (Place, Place)>,
    /// By the operator: its operand.
    pub(crate) unary: BTreeMap<usize, Place>,
    /// By the pattern: that, and the guard if there is one.
    pub(crate) arms: BTreeMap<usize, (Place, Option<Place>)>,
    /// What is evaluated while compiling, where there are no switches.
    pub(crate) constant: Vec<Place>,
}

impl Syntax {
    /// # Errors
    /// When it isn't Rust.
    pub(crate) fn of(text: &str) -> Result<Self> {
        let mut syntax = Self::default();
        syntax.visit_file(&syn::parse_file(text)?);
        Ok(syntax)
    }

    pub(crate) fn is_constant(&self, at: usize) -> bool {
        self.constant.iter().any(|place| place.contains(&at))
    }
}

fn place(spanned: &impl Spanned) -> Place {
    let span: Span = spanned.span();
    span.byte_range()
}

impl<'a> Visit<'a> for Syntax {
    fn visit_expr_binary(&mut self, it: &'a syn::ExprBinary) {
        let operands = (place(&it.left), place(&it.right));
        // In a chain of conditions with `let` there is nothing to be put in its place.
        if !has_let(&it.left) && !has_let(&it.right) {
            self.binary.insert(place(&it.op).start, operands);
        }
        visit::visit_expr_binary(self, it);
    }

    fn visit_expr_unary(&mut self, it: &'a syn::ExprUnary) {
        self.unary.insert(place(&it.op).start, place(&it.expr));
        visit::visit_expr_unary(self, it);
    }

    fn visit_expr_match(&mut self, it: &'a syn::ExprMatch) {
        // An arm with a guard covers nothing, so another must cover what is left.
        if it.arms.iter().any(covers_all) {
            for arm in &it.arms {
                let guard = arm.guard.as_ref().map(|(_, guard)| &**guard);
                if !guard.is_some_and(has_let) {
                    let pattern = place(&arm.pat);
                    self.arms.insert(pattern.start, (pattern, guard.map(place)));
                }
            }
        }
        visit::visit_expr_match(self, it);
    }

    fn visit_item_fn(&mut self, it: &'a syn::ItemFn) {
        self.constant.extend(it.sig.constness.map(|_| place(&it.block)));
        visit::visit_item_fn(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'a syn::ImplItemFn) {
        self.constant.extend(it.sig.constness.map(|_| place(&it.block)));
        visit::visit_impl_item_fn(self, it);
    }

    fn visit_item_const(&mut self, it: &'a syn::ItemConst) {
        self.constant.push(place(it));
    }

    fn visit_impl_item_const(&mut self, it: &'a syn::ImplItemConst) {
        self.constant.push(place(it));
    }

    fn visit_trait_item_const(&mut self, it: &'a syn::TraitItemConst) {
        self.constant.push(place(it));
    }

    fn visit_item_static(&mut self, it: &'a syn::ItemStatic) {
        self.constant.push(place(it));
    }

    fn visit_expr_const(&mut self, it: &'a syn::ExprConst) {
        self.constant.push(place(it));
    }
}

fn covers_all(arm: &syn::Arm) -> bool {
    arm.guard.is_none() && matches!(arm.pat, syn::Pat::Wild(_) | syn::Pat::Ident(_))
}

fn has_let(expr: &syn::Expr) -> bool {
    match expr {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        syn::Expr::Paren(paren) => has_let(&paren.expr),
        syn::Expr::Unary(unary) => has_let(&unary.expr),
        _ => false,
    }
}
