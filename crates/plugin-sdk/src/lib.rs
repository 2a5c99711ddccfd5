//! What a rule in Rust links. A rule is a struct that holds its parameters, and a function from a typed order and its
//! context to a verdict (`validation`, `risk`) or from committed events to rows of a table (`reporting`):
//!
//! ```
//! #![cfg_attr(target_arch = "wasm32", no_std)]
//! use plugin_sdk::risk::*;
//!
//! parameters! {
//!     /// Keeps accounts small.
//!     pub struct PositionLimit { pub max_position: u64 }
//! }
//!
//! codes! {
//!     pub enum Reject { TooLong = 1 => "could own more than {max_position} lots" }
//! }
//!
//! impl Rule for PositionLimit {
//!     type Code = Reject;
//!     fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
//!         let bought = if order.side == Side::Buy { order.quantity } else { 0 };
//!         let most = context.position.saturating_add_unsigned(context.open_buy).saturating_add_unsigned(bought);
//!         if most > self.max_position.cast_signed() { reject(Reject::TooLong) } else { accept() }
//!     }
//! }
//!
//! export!(PositionLimit);
//! ```
//!
//! `outcry plugin build` makes a component of it. The same code is tested natively, with `cargo test`: only the export is
//! left out on other targets.
//!
//! **Architecture invariant:** nothing here is imported from the outside, not even the standard library: a component
//! built from it has no imports, and is a few kilobytes. All `unsafe` code of a rule is in `abi`, which exists on
//! `wasm32` only.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod abi;
mod codes;
mod export;
mod order;
mod parameters;
pub mod reporting;
pub mod risk;
mod text;
pub mod validation;

pub use codes::Code;
pub use order::{Order, SelfTradePrevention, Side, TimeInForce};
pub use parameters::{List, Parameter, Parameters};
pub use text::Symbol;

/// What the macros refer to: not for rules.
#[doc(hidden)]
pub mod private {
    pub use crate::codes::{explain, fill};
    pub use crate::parameters::{Words, declared, declared_length};
    pub use alloc::string::String;
    pub use alloc::vec;
    pub use alloc::vec::Vec;
}

/// The code that `configure` of every rule answers with when the words are not the parameters that it declares.
pub const WRONG_PARAMETERS: u32 = 0xFFFF;
