//! One instance of a rule: a store of its own, its memory, its functions, ready to be called. What cannot be trusted is
//! everything that comes back: each address, length and code is checked before it is used.

use crate::flat::{Flat, FlatFunction};
use crate::machine::Ceiling;
use engine::{RiskRow, VALIDATION_WORDS, ValidationRow};
use model::RuleFault;
use wasmtime::component::{self, ComponentExportIndex};
use wasmtime::{Memory, Store, Trap, TypedFunc};

/// The longest explanation that is handed on, in characters.
const MAX_EXPLANATION_CHARS: usize = 256;

type RiskArguments = (u32, u32, u32, u64, i64, i64, i64, u64, u64, i64, i64, i64, i64, u64, i64, i64);

/// A fresh or used instance.
pub(crate) struct Instance {
    store: Store<Ceiling>,
    calls: Calls,
    fuel: u64,
    /// Used up by the last call.
    spent: u64,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the large one, and a call should not go through a pointer more"
)]
enum Calls {
    Flat(FlatCalls),
    Whole(WholeCalls),
}

/// The functions of the one module of a component.
struct FlatCalls {
    check: FlatCheck,
    explain: FlatList,
    /// `None` in a component of contract 1.0.
    configure: Option<FlatConfigure>,
}

enum FlatCheck {
    Risk(TypedFunc<RiskArguments, u64>),
    Validation(FlatBatch),
}

/// `check` of a validation rule: takes a list and returns one.
struct FlatBatch {
    room: FlatRoom,
    check: TypedFunc<(u32, u32), u32>,
    post_return: Option<TypedFunc<u32, ()>>,
}

/// `explain`: returns a list of bytes.
struct FlatList {
    memory: Memory,
    call: TypedFunc<u32, u32>,
    post_return: Option<TypedFunc<u32, ()>>,
}

struct FlatConfigure {
    room: FlatRoom,
    call: TypedFunc<(u32, u32), u32>,
}

/// Where a list is put for the rule to read.
struct FlatRoom {
    memory: Memory,
    realloc: TypedFunc<(u32, u32, u32, u32), u32>,
}

struct WholeCalls {
    check: WholeCheck,
    explain: component::TypedFunc<(u32,), (String,)>,
    configure: Option<component::TypedFunc<(Vec<i64>,), (u32,)>>,
}

enum WholeCheck {
    Risk(component::TypedFunc<RiskArguments, (u64,)>),
    Validation(component::TypedFunc<(Vec<u64>,), (Vec<u32>,)>),
}

/// Where the functions of a rule are in its component.
pub(crate) struct WholeExports {
    pub(crate) check: ComponentExportIndex,
    pub(crate) explain: ComponentExportIndex,
    pub(crate) configure: Option<ComponentExportIndex>,
}

/// What became of a call that did not come to its end.
pub(crate) fn fault(error: &wasmtime::Error) -> RuleFault {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => RuleFault::OutOfFuel,
        Some(
            Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::UnalignedPointer
            | Trap::InvalidDiscriminant,
        )
        | None => RuleFault::OutOfRange,
        Some(_) => RuleFault::Trap,
    }
}

impl Instance {
    /// An instance of the one module of a component.
    pub(crate) fn flat(
        engine: &wasmtime::Engine,
        ceiling: Ceiling,
        fuel: u64,
        pre: &wasmtime::InstancePre<Ceiling>,
        flat: &Flat,
        is_risk: bool,
    ) -> wasmtime::Result<Self> {
        let mut store = new_store(engine, ceiling, fuel)?;
        let instance = pre.instantiate(&mut store)?;
        let lacks = |what: &str| wasmtime::format_err!("the module lacks {what}");
        let function = |name: &str| flat.functions.get(name).ok_or_else(|| lacks(name));
        let memory = |store: &mut Store<Ceiling>, function: &FlatFunction| {
            let name = function.memory.as_deref().ok_or_else(|| lacks("a memory"))?;
            instance.get_memory(store, name).ok_or_else(|| lacks(name))
        };
        let room = |store: &mut Store<Ceiling>, function: &FlatFunction| -> wasmtime::Result<_> {
            let realloc = function.realloc.as_deref().ok_or_else(|| lacks("cabi_realloc"))?;
            let memory = memory(store, function)?;
            Ok(FlatRoom { memory, realloc: instance.get_typed_func(store, realloc)? })
        };
        let post_return = |store: &mut Store<Ceiling>, function: &FlatFunction| {
            function.post_return.as_deref().map(|name| instance.get_typed_func(store, name)).transpose()
        };
        let check = function("check")?;
        let check = if is_risk {
            FlatCheck::Risk(instance.get_typed_func(&mut store, &check.name)?)
        } else {
            FlatCheck::Validation(FlatBatch {
                room: room(&mut store, check)?,
                check: instance.get_typed_func(&mut store, &check.name)?,
                post_return: post_return(&mut store, check)?,
            })
        };
        let explain = function("explain")?;
        let explain = FlatList {
            memory: memory(&mut store, explain)?,
            call: instance.get_typed_func(&mut store, &explain.name)?,
            post_return: post_return(&mut store, explain)?,
        };
        let configure = match flat.functions.get("configure") {
            None => None,
            Some(configure) => Some(FlatConfigure {
                room: room(&mut store, configure)?,
                call: instance.get_typed_func(&mut store, &configure.name)?,
            }),
        };
        let calls = Calls::Flat(FlatCalls { check, explain, configure });
        Ok(Self { store, calls, fuel, spent: 0 })
    }

    /// An instance of a component of any shape.
    pub(crate) fn whole(
        engine: &wasmtime::Engine,
        ceiling: Ceiling,
        fuel: u64,
        pre: &component::InstancePre<Ceiling>,
        exports: &WholeExports,
        is_risk: bool,
    ) -> wasmtime::Result<Self> {
        let mut store = new_store(engine, ceiling, fuel)?;
        let instance = pre.instantiate(&mut store)?;
        let check = if is_risk {
            WholeCheck::Risk(instance.get_typed_func(&mut store, exports.check)?)
        } else {
            WholeCheck::Validation(instance.get_typed_func(&mut store, exports.check)?)
        };
        let explain = instance.get_typed_func(&mut store, exports.explain)?;
        let configure = match exports.configure {
            None => None,
            Some(index) => Some(instance.get_typed_func(&mut store, index)?),
        };
        Ok(Self { store, calls: Calls::Whole(WholeCalls { check, explain, configure }), fuel, spent: 0 })
    }

    /// Fuel that the last call used up.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Bytes of memory it has taken.
    pub(crate) fn memory_used(&self) -> usize {
        self.store.data().memory_used()
    }

    fn refuel(&mut self) {
        self.store.set_fuel(self.fuel).expect("the engine is set to count fuel");
    }

    fn count(&mut self) {
        self.spent = self.fuel - self.store.get_fuel().expect("the engine is set to count fuel");
    }

    /// Hands over the parameters. 0, or the rule's code for why it does not want them. `None`: it has no `configure`.
    pub(crate) fn configure(&mut self, parameters: &[i64]) -> Result<Option<u32>, RuleFault> {
        self.refuel();
        let store = &mut self.store;
        match &self.calls {
            Calls::Flat(FlatCalls { configure: None, .. })
            | Calls::Whole(WholeCalls { configure: None, .. }) => Ok(None),
            Calls::Flat(FlatCalls { configure: Some(FlatConfigure { room, call }), .. }) => {
                let (address, length) =
                    room.put(store, parameters.iter().map(|word| [word.to_le_bytes()]))?;
                call.call(store, (address, length)).map(Some).map_err(|error| fault(&error))
            }
            Calls::Whole(WholeCalls { configure: Some(call), .. }) => {
                let code = call.call(store, (parameters.to_vec(),)).map_err(|error| fault(&error))?;
                Ok(Some(code.0))
            }
        }
    }

    /// The answer of a risk rule, unread.
    #[inline]
    pub(crate) fn risk(&mut self, row: &RiskRow) -> Result<u64, RuleFault> {
        self.refuel();
        let arguments = (
            row.account,
            row.instrument,
            row.flags,
            row.quantity,
            row.price,
            row.notional,
            row.position,
            row.open_buy,
            row.open_sell,
            row.open_cash,
            row.best_bid,
            row.best_ask,
            row.last_price,
            row.day_volume,
            row.counter,
            row.now,
        );
        let answer = match &self.calls {
            Calls::Flat(FlatCalls { check: FlatCheck::Risk(check), .. }) => {
                check.call(&mut self.store, arguments)
            }
            Calls::Whole(WholeCalls { check: WholeCheck::Risk(check), .. }) => {
                check.call(&mut self.store, arguments).map(|(answer,)| answer)
            }
            // Who asks knows the kind: the activation says it.
            Calls::Flat(_) | Calls::Whole(_) => return Err(RuleFault::Unavailable),
        };
        self.count();
        answer.map_err(|error| fault(&error))
    }

    /// The codes of a validation rule for some rows, as many as there are rows. They are not checked.
    pub(crate) fn validation(
        &mut self,
        rows: &[ValidationRow],
        codes: &mut Vec<u32>,
    ) -> Result<(), RuleFault> {
        self.refuel();
        codes.clear();
        let done = match &self.calls {
            Calls::Flat(FlatCalls { check: FlatCheck::Validation(batch), .. }) => {
                batch.check(&mut self.store, rows, codes)
            }
            Calls::Whole(WholeCalls { check: WholeCheck::Validation(check), .. }) => {
                let words = rows.iter().flat_map(|row| row.0).collect();
                check.call(&mut self.store, (words,)).map_err(|error| fault(&error)).and_then(|(answer,)| {
                    codes.extend(answer.iter().take(rows.len()));
                    if answer.len() == rows.len() { Ok(()) } else { Err(RuleFault::OutOfRange) }
                })
            }
            Calls::Flat(_) | Calls::Whole(_) => Err(RuleFault::Unavailable),
        };
        self.count();
        done
    }

    /// A code in the rule's own words, made fit for a line of text.
    pub(crate) fn explain(&mut self, code: u32) -> Result<String, RuleFault> {
        self.refuel();
        let text = match &self.calls {
            Calls::Flat(calls) => calls.explain.text(&mut self.store, code),
            Calls::Whole(calls) => calls
                .explain
                .call(&mut self.store, (code,))
                .map(|(text,)| text)
                .map_err(|error| fault(&error)),
        };
        self.count();
        let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
        Ok(text?.chars().take(MAX_EXPLANATION_CHARS).map(plain).collect())
    }
}

fn new_store(engine: &wasmtime::Engine, ceiling: Ceiling, fuel: u64) -> wasmtime::Result<Store<Ceiling>> {
    let mut store = Store::new(engine, ceiling);
    store.limiter(|ceiling| ceiling);
    // A module may have a start function.
    store.set_fuel(fuel)?;
    Ok(store)
}

impl FlatRoom {
    /// Asks the rule for room and puts words of 8 bytes there, `N` at a time: their address and number.
    fn put<const N: usize>(
        &self,
        store: &mut Store<Ceiling>,
        items: impl ExactSizeIterator<Item = [[u8; 8]; N]>,
    ) -> Result<(u32, u32), RuleFault> {
        let count = u32::try_from(items.len() * N).map_err(|_| RuleFault::OutOfRange)?;
        let bytes = items.len() * N * 8;
        let size = u32::try_from(bytes).map_err(|_| RuleFault::OutOfRange)?;
        let address = self.realloc.call(&mut *store, (0, 0, 8, size)).map_err(|error| fault(&error))?;
        let start = address as usize;
        let room = self.memory.data_mut(store).get_mut(start..).and_then(|rest| rest.get_mut(..bytes));
        match room {
            Some(room) if address.is_multiple_of(8) => {
                let (words, _) = room.as_chunks_mut::<8>();
                let (places, _) = words.as_chunks_mut::<N>();
                for (place, item) in places.iter_mut().zip(items) {
                    *place = item;
                }
                Ok((address, count))
            }
            _ => Err(RuleFault::OutOfRange),
        }
    }
}

/// The list that a function returned the address of: where it is and how many elements it has. Checked up to its end.
fn list(memory: &[u8], address: u32, element_bytes: usize) -> Result<&[u8], RuleFault> {
    let part = |start: u32, length: usize, align: usize| {
        let bytes = memory.get(start as usize..)?.get(..length)?;
        (start as usize).is_multiple_of(align).then_some(bytes)
    };
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let pair = part(address, 8, 4).ok_or(RuleFault::OutOfRange)?;
    let (start, count) = (word(&pair[..4]), word(&pair[4..]) as usize);
    let length = count.checked_mul(element_bytes).ok_or(RuleFault::OutOfRange)?;
    part(start, length, element_bytes).ok_or(RuleFault::OutOfRange)
}

impl FlatBatch {
    fn check(
        &self,
        store: &mut Store<Ceiling>,
        rows: &[ValidationRow],
        codes: &mut Vec<u32>,
    ) -> Result<(), RuleFault> {
        let (address, count) = self.room.put(store, rows.iter().map(bytes_of))?;
        let answer = self.check.call(&mut *store, (address, count)).map_err(|error| fault(&error))?;
        let bytes = list(self.room.memory.data(&*store), answer, 4)?;
        let (found, _) = bytes.as_chunks::<4>();
        let is_whole = found.len() == rows.len();
        codes.extend(found.iter().take(rows.len()).map(|bytes| u32::from_le_bytes(*bytes)));
        if let Some(post_return) = &self.post_return {
            post_return.call(store, answer).map_err(|error| fault(&error))?;
        }
        if is_whole { Ok(()) } else { Err(RuleFault::OutOfRange) }
    }
}

/// A row as it stands in memory that is little-endian. Where this processor's is too, this is nothing but a copy.
fn bytes_of(row: &ValidationRow) -> [[u8; 8]; VALIDATION_WORDS] {
    row.0.map(u64::to_le_bytes)
}

impl FlatList {
    fn text(&self, store: &mut Store<Ceiling>, code: u32) -> Result<String, RuleFault> {
        let answer = self.call.call(&mut *store, code).map_err(|error| fault(&error))?;
        let bytes = list(self.memory.data(&*store), answer, 1)?;
        let text = std::str::from_utf8(bytes).map_err(|_| RuleFault::OutOfRange)?.to_owned();
        if let Some(post_return) = &self.post_return {
            post_return.call(store, answer).map_err(|error| fault(&error))?;
        }
        Ok(text)
    }
}
