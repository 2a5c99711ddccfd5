//! What a reporting rule remembers, as bytes: the exchange keeps them between batches, in one transaction with the rows.
//! Fields in order, numbers little-endian, collections with their length first.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

/// What can be remembered. [`state!`](crate::state) makes it of a struct.
pub trait State: Default {
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>);
    /// Takes it from the front; `None` when the bytes are not one.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

pub(super) fn encode<S: State>(state: &S) -> Vec<u8> {
    let mut out = Vec::new();
    // One byte in front tells a state that is empty from no state.
    out.push(1);
    state.write(&mut out);
    out
}

pub(super) fn decode<S: State>(bytes: &[u8]) -> S {
    let (version, mut rest) = bytes.split_first().expect("a state is not empty");
    assert!(*version == 1, "the state is of another version of the rule");
    let state = S::read(&mut rest).expect("the state is the one that the batch before returned");
    assert!(rest.is_empty(), "the state is longer than the rule's own");
    state
}

macro_rules! numbers {
    ($($number:ty)+) => {
        $(impl State for $number {
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let (first, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*first))
            }
        })+
    };
}
numbers! { u8 u16 u32 u64 u128 i32 i64 i128 f64 }

impl State for bool {
    fn write(&self, out: &mut Vec<u8>) {
        u8::from(*self).write(out);
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(u8::read(bytes)? != 0)
    }
}

impl State for () {
    fn write(&self, _: &mut Vec<u8>) {}
    fn read(_: &mut &[u8]) -> Option<Self> {
        Some(())
    }
}

impl State for String {
    fn write(&self, out: &mut Vec<u8>) {
        write_length(self.len(), out);
        out.extend_from_slice(self.as_bytes());
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let length = u32::read(bytes)? as usize;
        let (text, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        Self::from_utf8(text.to_vec()).ok()
    }
}

impl<T: State> State for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }
    fn read(bytes: &mut &[u8]) -> Option<Self> {
        Some(if bool::read(bytes)? { Some(T::read(bytes)?) } else { None })
    }
}

fn write_length(length: usize, out: &mut Vec<u8>) {
    u32::try_from(length).expect("a state has at most 16 MiB").write(out);
}

macro_rules! collections {
    ($($collection:ty, $item:ty, [$($bounds:tt)*];)+) => {
        $(impl<$($bounds)*> State for $collection {
            fn write(&self, out: &mut Vec<u8>) {
                write_length(self.len(), out);
                for item in self.iter() {
                    Write::write(&item, out);
                }
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                let length = u32::read(bytes)?;
                (0..length).map(|_| <$item>::read(bytes)).collect()
            }
        })+
    };
}
collections! {
    Vec<T>, T, [T: State];
    VecDeque<T>, T, [T: State];
    BTreeSet<T>, T, [T: State + Ord];
    BTreeMap<K, V>, (K, V), [K: State + Ord, V: State];
}

/// What an iterator of a collection hands out: a reference, or a pair of them.
trait Write {
    fn write(&self, out: &mut Vec<u8>);
}

impl<T: State> Write for &T {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }
}

impl<K: State, V: State> Write for (&K, &V) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}

macro_rules! tuples {
    ($($(($name:ident $at:tt))+;)+) => {
        $(impl<$($name: State),+> State for ($($name,)+) {
            fn write(&self, out: &mut Vec<u8>) {
                $(self.$at.write(out);)+
            }
            fn read(bytes: &mut &[u8]) -> Option<Self> {
                Some(($($name::read(bytes)?,)+))
            }
        })+
    };
}
tuples! {
    (A 0) (B 1);
    (A 0) (B 1) (C 2);
    (A 0) (B 1) (C 2) (D 3);
}

/// Declares what a reporting rule remembers: a struct whose fields are numbers, texts, options, tuples, collections or other
/// such structs. It begins with all of them at their default.
///
/// ```
/// plugin_sdk::state! {
///     pub struct Seen { pub orders: u64, pub by_account: std::collections::BTreeMap<u32, u64> }
/// }
/// ```
#[macro_export]
macro_rules! state {
    ($($(#[$meta:meta])* $visibility:vis struct $name:ident { $($(#[$about:meta])* $shown:vis $field:ident: $type:ty),* $(,)? })+) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Default, PartialEq)]
            $visibility struct $name {
                $($(#[$about])* $shown $field: $type,)*
            }

            impl $crate::reporting::State for $name {
                fn write(&self, out: &mut $crate::private::Vec<u8>) {
                    $($crate::reporting::State::write(&self.$field, out);)*
                }
                fn read(bytes: &mut &[u8]) -> Option<Self> {
                    Some(Self { $($field: <$type as $crate::reporting::State>::read(bytes)?,)* })
                }
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::state! {
        struct Inner { number: i64 }
        struct Outer {
            map: BTreeMap<(u32, u64), Inner>,
            queue: VecDeque<(u64, bool)>,
            set: BTreeSet<u32>,
            text: String,
            last: Option<i128>,
        }
    }

    #[test]
    fn a_state_reads_back_what_it_wrote() {
        let state = Outer {
            map: [((1, 2), Inner { number: -3 }), ((4, 5), Inner { number: 6 })].into(),
            queue: [(7, true), (8, false)].into(),
            set: [9, 10].into(),
            text: "text".into(),
            last: Some(-11),
        };
        let bytes = encode(&state);
        assert_eq!(decode::<Outer>(&bytes), state);
        for cut in 1..bytes.len() {
            assert_eq!(Outer::read(&mut &bytes[1..cut]), None, "{cut}");
        }
        assert_eq!(decode::<Outer>(&encode(&Outer::default())), Outer::default());
    }
}
