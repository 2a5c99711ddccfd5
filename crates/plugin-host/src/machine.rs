//! The engine that rules run on, set so that the same component, the same parameters and the same rows give the same answers
//! everywhere and always.

use model::RuleKind;
use wasmtime::{Config, Engine, OperatorCost, OptLevel, ResourceLimiter, VariableOperatorCost};

/// The most stack that a validation or risk rule may use, in bytes. The thread that calls it needs as much to spare.
pub const MAX_TRADING_STACK_BYTES: usize = 256 * 1024;
/// The most stack that a reporting rule may use, in bytes: interpreters recurse.
pub const MAX_REPORTING_STACK_BYTES: usize = 4 * 1024 * 1024;

/// What one page of memory costs in fuel: growing must not be a way to do much for little. In units per 64 KiB.
const FUEL_PER_PAGE: u8 = 255;

/// An engine for one kind of use.
pub(crate) fn engine(kind: RuleKind) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    let features = crate::inspect::features();
    config.wasm_features(wasmtime::WasmFeatures::all() - features, false);
    config.wasm_features(features, true);
    // A NaN has many bit patterns and processors differ in which they make.
    config.cranelift_nan_canonicalization(true);
    config.cranelift_opt_level(OptLevel::Speed);
    // Fuel is counted in instructions, not in time: a rule runs out of it at the same place on every machine.
    config.consume_fuel(true);
    config.operator_cost(operator_cost());
    let stack_bytes = match kind {
        RuleKind::Validation | RuleKind::Risk => MAX_TRADING_STACK_BYTES,
        RuleKind::Reporting => MAX_REPORTING_STACK_BYTES,
    };
    config.max_wasm_stack(stack_bytes);
    // Stacks of another kind, which nothing here uses, must not be smaller.
    config.async_stack_size(stack_bytes);
    // A rule calls nothing and nobody calls it while it runs: the machinery for that would be four fifths of a call.
    config.concurrency_support(false);
    Engine::new(&config)
}

/// Work whose size is only known when it is done costs as much as it takes, so that time stays in proportion to fuel.
fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable =
        VariableOperatorCost { memory_grow_per_page: FUEL_PER_PAGE, ..VariableOperatorCost::new() };
    cost
}

/// What an instance may take: counted over all its memories and tables, and the same for every instance of an activation.
pub(crate) struct Ceiling {
    memory_bytes: usize,
    memory_left: usize,
    elements_left: usize,
    tables: usize,
    instances: usize,
}

impl Ceiling {
    pub(crate) fn new(kind: RuleKind, memory_bytes: u32) -> Self {
        let memory_bytes = memory_bytes as usize;
        let (elements_left, tables, instances) = match kind {
            RuleKind::Validation | RuleKind::Risk => (10_000, 4, 8),
            RuleKind::Reporting => (200_000, 32, 64),
        };
        Self { memory_bytes, memory_left: memory_bytes, elements_left, tables, instances }
    }

    /// Bytes of memory taken so far.
    pub(crate) fn memory_used(&self) -> usize {
        self.memory_bytes - self.memory_left
    }
}

/// Takes what growing needs of what is left. Nothing is taken when the rule's own maximum forbids it anyway.
fn take(left: &mut usize, now: usize, wanted: usize, most: Option<usize>) -> bool {
    match left.checked_sub(wanted.saturating_sub(now)) {
        Some(rest) if most.is_none_or(|most| wanted <= most) => {
            *left = rest;
            true
        }
        _ => false,
    }
}

impl ResourceLimiter for Ceiling {
    fn memory_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(take(&mut self.memory_left, now, wanted, most))
    }

    fn table_growing(&mut self, now: usize, wanted: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(take(&mut self.elements_left, now, wanted, most))
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.tables
    }
}
