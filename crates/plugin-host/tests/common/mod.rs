//! Components for tests: written as text, assembled here, wrapped against the contract in `wit/` by the encoder that build tools
//! use. What a rule does is in a few lines of the test that needs it; the rest of the module is the same for all.

#![allow(dead_code, reason = "no test uses everything")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use engine::{RiskRow, ValidationRow};
use model::{
    AccountId, ActivationId, ComponentHash, CounterKey, CounterWindow, FailMode, InstrumentId, OperatorName,
    RuleActivated, RuleId, RuleKind, RuleMode, RuleParameters,
};
use plugin_host::{CallPath, Desk, Settings};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// A module, part by part.
#[derive(Clone)]
pub struct Wat {
    pub kind: RuleKind,
    pub version: &'static str,
    /// Of a risk rule: the body of `check`, an i64. Of a validation rule: the body of `$judge`, which gets `$row`, the address of
    /// a row, and gives its code, an i32.
    pub check: String,
    /// The body of `configure`, which gets `$at` and `$count` and gives an i32.
    pub configure: String,
    /// The body of `explain`, which gets `$code` and gives the address of an address and a length.
    pub explain: String,
    /// The body of `cabi_realloc`.
    pub realloc: String,
    /// Of a validation rule: the address of the list that it returns, made in the usual place before.
    pub answer: String,
    /// Anything else.
    pub more: String,
    pub pages: u32,
}

/// Rejects with code 7 what has more lots than the first parameter, or than 100.
const LIMIT: &str =
    "(select (i64.load (i32.const 2048)) (i64.const 100) (i64.ne (i64.load (i32.const 2048)) (i64.const 0)))";

impl Wat {
    pub fn risk(check: &str) -> Self {
        Self {
            kind: RuleKind::Risk,
            version: "1.1.0",
            check: check.to_owned(),
            configure: "(if (local.get $count) (then (i64.store (i32.const 2048) (i64.load (local.get $at)))))
                (select (i32.const 9) (i32.const 0) (i64.lt_s (i64.load (i32.const 2048)) (i64.const 0)))"
                .to_owned(),
            explain: "(i32.store (i32.const 1040) (i32.const 3072)) (i32.store (i32.const 1044) (i32.const 20)) (i32.const 1040)"
                .to_owned(),
            realloc: "(i32.const 8192)".to_owned(),
            answer: "(i32.const 1024)".to_owned(),
            more: String::new(),
            pages: 1,
        }
    }

    pub fn validation(judge: &str) -> Self {
        Self { kind: RuleKind::Validation, ..Self::risk(judge) }
    }

    /// A risk rule with a limit on quantity.
    pub fn risk_limit() -> Self {
        Self::risk(&format!("(select (i64.const 7) (i64.const 0) (i64.gt_u (local.get $quantity) {LIMIT}))"))
    }

    /// A validation rule with a limit on quantity.
    pub fn validation_limit() -> Self {
        Self::validation(&format!(
            "(select (i32.const 7) (i32.const 0) (i64.gt_u (i64.load offset=16 (local.get $row)) {LIMIT}))"
        ))
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn text(&self) -> String {
        let Self { version, check, configure, explain, realloc, answer, more, pages, .. } = self;
        let (interface, check) = match self.kind {
            RuleKind::Risk => ("risk-rule", format!(
                "(func (export \"outcry:rules/risk-rule@{version}#check\")
                    (param $account i32) (param $instrument i32) (param $flags i32) (param $quantity i64) (param $price i64)
                    (param $notional i64) (param $position i64) (param $open_buy i64) (param $open_sell i64) (param $open_cash i64)
                    (param $best_bid i64) (param $best_ask i64) (param $last_price i64) (param $day_volume i64)
                    (param $counter i64) (param $now i64) (result i64) {check})"
            )),
            _ => ("validation-rule", format!(
                "(func $judge (param $row i32) (result i32) {check})
                 (func (export \"outcry:rules/validation-rule@{version}#check\") (param $rows i32) (param $words i32) (result i32)
                    (local $i i32) (local $n i32)
                    (local.set $n (i32.div_u (local.get $words) (i32.const 12)))
                    (block $done (loop $next
                        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                        (i32.store offset=16384 (i32.shl (local.get $i) (i32.const 2))
                            (call $judge (i32.add (local.get $rows) (i32.mul (local.get $i) (i32.const 96)))))
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br $next)))
                    (i32.store (i32.const 1024) (i32.const 16384))
                    (i32.store (i32.const 1028) (local.get $n))
                    {answer})"
            )),
        };
        let configure = if version.starts_with("1.0") {
            String::new()
        } else {
            format!(
                "(func (export \"outcry:rules/{interface}@{version}#configure\") (param $at i32) (param $count i32) (result i32)
                    {configure})"
            )
        };
        format!(
            "(module
                (memory (export \"memory\") {pages})
                (data (i32.const 3072) \"more lots than usual\")
                (func (export \"cabi_realloc\") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
                    {realloc})
                {check}
                {configure}
                (func (export \"outcry:rules/{interface}@{version}#explain\") (param $code i32) (result i32) {explain})
                {more})"
        )
    }

    pub fn component(&self) -> Vec<u8> {
        let module = wat::parse_str(self.text()).unwrap();
        encode(&module, self.kind, self.version)
    }
}

/// The contract in `wit/`, as another version of it would be.
pub fn contract(kind: RuleKind, version: &str) -> (Resolve, wit_parser::WorldId) {
    let text = match kind {
        RuleKind::Validation => include_str!("../../../../wit/validation.wit"),
        RuleKind::Risk => include_str!("../../../../wit/risk.wit"),
        RuleKind::Reporting => include_str!("../../../../wit/reporting.wit"),
    };
    let mut text = text.replace("outcry:rules@1.1.0", &format!("outcry:rules@{version}"));
    if version.starts_with("1.0") {
        text = text.lines().filter(|line| !line.contains("configure: func")).collect::<Vec<_>>().join("\n");
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_str("contract.wit", &text).unwrap();
    let world = resolve.select_world(&[package], Some(kind.as_str())).unwrap();
    (resolve, world)
}

/// Wraps a module.
pub fn encode(module: &[u8], kind: RuleKind, version: &str) -> Vec<u8> {
    let (resolve, world) = contract(kind, version);
    wrap(module, &resolve, world)
}

pub fn wrap(module: &[u8], resolve: &Resolve, world: wit_parser::WorldId) -> Vec<u8> {
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A component that does nothing, of a world of its own.
pub fn dummy(wit: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("other.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    wrap(&module, &resolve, world)
}

/// Adds a custom section at the end.
pub fn with_section(component: &[u8], name: &str, data: &[u8]) -> Vec<u8> {
    fn leb(mut value: usize, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        out.push(value.to_le_bytes()[0]);
    }
    let mut payload = Vec::new();
    leb(name.len(), &mut payload);
    payload.extend(name.as_bytes());
    payload.extend(data);
    let mut bytes = component.to_vec();
    bytes.push(0);
    leb(payload.len(), &mut bytes);
    bytes.extend(payload);
    bytes
}

/// An activation of a component, with plenty of memory and the usual fuel.
pub fn activation(
    number: u32,
    component: ComponentHash,
    kind: RuleKind,
    parameters: &[i64],
) -> RuleActivated {
    RuleActivated {
        component,
        parameters: RuleParameters::new(parameters).unwrap(),
        by: OperatorName::new("test").unwrap(),
        fuel: plugin_manifest::DEFAULT_FUEL,
        memory_bytes: plugin_manifest::DEFAULT_MEMORY_BYTES,
        activation: ActivationId(number),
        account: AccountId::ALL,
        instrument: InstrumentId::ALL,
        rule: RuleId(1),
        rule_version: 1,
        priority: 0,
        max_faults: 3,
        kind,
        mode: RuleMode::Enforce,
        fail: FailMode::Closed,
        counter_key: CounterKey::None,
        counter_window: CounterWindow::Forever,
        by_rollback: false,
        reserved: [0; 2],
    }
}

pub fn risk_row(quantity: u64) -> RiskRow {
    RiskRow {
        account: 1,
        instrument: 2,
        flags: 0,
        quantity,
        price: 100,
        notional: 1000,
        position: 5,
        open_buy: 6,
        open_sell: 7,
        open_cash: 8,
        best_bid: 9,
        best_ask: 10,
        last_price: 11,
        day_volume: 12,
        counter: 13,
        now: 14,
    }
}

pub fn validation_row(quantity: u64) -> ValidationRow {
    let mut row = [0; 12];
    row[0] = 1 << 32 | 2;
    row[2] = quantity;
    row[3] = quantity;
    row[10] = quantity.wrapping_mul(0x9e37_79b9);
    ValidationRow(row)
}

/// A desk over a store of its own.
pub fn desk() -> (TempDir, Desk) {
    desk_with(CallPath::Module)
}

/// The same, with a way into components.
pub fn desk_with(path: CallPath) -> (TempDir, Desk) {
    let store = TempDir::new().unwrap();
    let settings = Settings { path, ..Settings::of_plugins(store.path().join("plugins")) };
    (store, Desk::open(settings).unwrap())
}
