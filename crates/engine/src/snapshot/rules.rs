//! The rule book's part of a snapshot.

use super::flag;
use crate::rulebook::{MAX_ROLLBACKS, MAX_RULE_VERSIONS, MAX_RULES, Rule, RuleComponent, RuleSlot};
use crate::snapshot::SnapshotError;
use crate::state::State;
use crate::wire::{Reader, Writer};
use model::{ActivationId, Record, RuleActivated, RuleApproved, RuleId, RuleLoaded, RuleMode};
use order_book::OrderBook;

impl<B: OrderBook> State<B> {
    pub(super) fn encode_rules(&self, out: &mut Writer) {
        out.u32(self.rule_book.activations);
        out.count(self.rule_book.len());
        for rule in self.rule_book.iter() {
            out.count(rule.components.len());
            for component in &rule.components {
                out.record(&component.loaded);
                out.u8(u8::from(component.approved_by.is_some()));
                if let Some(by) = component.approved_by {
                    let component = component.loaded.component;
                    out.record(&RuleApproved { component, by, rule: rule.id, reserved: [0; 6] });
                }
            }
            for slot in [&rule.enforced, &rule.shadow] {
                encode_activation(out, slot.activation.as_deref());
                out.u8(u8::from(slot.suspended));
                out.u32(u32::from(slot.faults_in_a_row));
                out.count(slot.counters.len());
                for (&key, &(window, value)) in &slot.counters {
                    out.u64(key);
                    out.i64(window);
                    out.i64(value);
                }
            }
            out.count(rule.history.len());
            for before in &rule.history {
                encode_activation(out, before.as_deref());
            }
        }
    }

    pub(super) fn decode_rules(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        let activations = from.u32()?;
        let mut rules: Vec<Rule> = Vec::new();
        for id in 1..=from.count(RuleLoaded::SIZE)? {
            let id = match u16::try_from(id) {
                Ok(id) if usize::from(id) <= MAX_RULES => RuleId(id),
                _ => return Err(from.malformed("number of rules")),
            };
            let rule = decode_rule(from, id, activations)?;
            if rules.iter().any(|known| known.name == rule.name) {
                return Err(from.malformed("rule name"));
            }
            rules.push(rule);
        }
        self.rule_book.restore(rules, activations);
        Ok(())
    }
}

fn encode_activation(out: &mut Writer, activation: Option<&RuleActivated>) {
    out.u8(u8::from(activation.is_some()));
    if let Some(activation) = activation {
        out.record(activation);
    }
}

fn decode_rule(from: &mut Reader, id: RuleId, activations: u32) -> Result<Rule, SnapshotError> {
    let mut components: Vec<RuleComponent> = Vec::new();
    for version in 1..=from.count(RuleLoaded::SIZE)? {
        let loaded = from.record::<RuleLoaded>()?;
        let first = components.first().map_or(loaded, |first| first.loaded);
        let possible = loaded.rule == id
            && version <= MAX_RULE_VERSIONS
            && usize::from(loaded.rule_version) == version
            && (loaded.name, loaded.kind) == (first.name, first.kind);
        if !possible {
            return Err(from.malformed("component"));
        }
        let approved_by = if flag(from)? { Some(from.record::<RuleApproved>()?.by) } else { None };
        components.push(RuleComponent { loaded, approved_by });
    }
    let Some(RuleComponent { loaded: RuleLoaded { name, kind, .. }, .. }) = components.first().copied()
    else {
        return Err(from.malformed("rule without components"));
    };
    let known = |active: &RuleActivated| {
        (active.rule, active.kind) == (id, kind)
            && (1..=activations).contains(&active.activation.0)
            && components.iter().any(|known| known.loaded.component == active.component)
    };
    let mut rule = Rule {
        id,
        name,
        kind,
        components: Vec::new(),
        enforced: decode_slot(from, RuleMode::Enforce, known)?,
        shadow: decode_slot(from, RuleMode::Shadow, known)?,
        history: Vec::new(),
    };
    let steps = from.count(1)?;
    if steps > MAX_ROLLBACKS {
        return Err(from.malformed("history of a rule"));
    }
    for _ in 0..steps {
        rule.history.push(decode_activation(from, RuleMode::Enforce, known)?);
    }
    rule.components = components;
    Ok(rule)
}

fn decode_slot(
    from: &mut Reader,
    mode: RuleMode,
    known: impl Fn(&RuleActivated) -> bool,
) -> Result<RuleSlot, SnapshotError> {
    let activation = decode_activation(from, mode, known)?;
    let suspended = flag(from)?;
    let Ok(faults_in_a_row) = u16::try_from(from.u32()?) else {
        return Err(from.malformed("count of faults"));
    };
    if activation.is_none() && (suspended || faults_in_a_row > 0) {
        return Err(from.malformed("fault of no rule"));
    }
    let mut slot = RuleSlot { activation, suspended, faults_in_a_row, ..RuleSlot::default() };
    for _ in 0..from.count(24)? {
        let key = from.u64()?;
        let counted = (from.i64()?, from.i64()?);
        if slot.counters.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(from.malformed("counter"));
        }
        slot.counters.insert(key, counted);
    }
    Ok(slot)
}

fn decode_activation(
    from: &mut Reader,
    mode: RuleMode,
    known: impl Fn(&RuleActivated) -> bool,
) -> Result<Option<Box<RuleActivated>>, SnapshotError> {
    if !flag(from)? {
        return Ok(None);
    }
    let active = from.record::<RuleActivated>()?;
    if active.mode != mode || active.activation == ActivationId::NONE || !known(&active) {
        return Err(from.malformed("activation"));
    }
    Ok(Some(Box::new(active)))
}
