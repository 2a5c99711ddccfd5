//! Records: how a command or an event becomes bytes in the log, and back.
//!
//! Every record type is a flat, fixed-width, little-endian rkyv archive with a kind and a schema version. A schema is
//! never edited: a change adds a version here, and the old version's bytes stay readable through an upcaster and stay
//! in the golden test.

use rkyv::rancor::Failure;

/// The number of a record type in the log. Commands are below [`KIND_EVENT_FIRST`], events from there on.
pub type RecordKind = u16;

/// The first kind that is an event.
pub const KIND_EVENT_FIRST: RecordKind = 0x0200;

/// Bytes in the log that are not a record this build knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A kind that is not known: the log was written by a newer build.
    #[error("record kind {kind:#06x} is unknown: the log was written by a newer build")]
    UnknownKind {
        /// The kind found.
        kind: RecordKind,
    },
    /// A schema version that is not known: the log was written by a newer build.
    #[error("version {version} of record kind {kind:#06x} is unknown: the log was written by a newer build")]
    UnknownVersion {
        /// The kind found.
        kind: RecordKind,
        /// The version found.
        version: u16,
    },
    /// The payload is not a valid archive of its kind.
    #[error("a record of kind {kind:#06x} with {len} bytes of payload does not hold what it should")]
    Malformed {
        /// The kind found.
        kind: RecordKind,
        /// The payload's length in bytes.
        len: usize,
    },
}

/// A type that is stored in the log.
pub trait Record: Sized {
    /// Its number.
    const KIND: RecordKind;
    /// The schema version this build writes.
    const VERSION: u16;
    /// The size of its payload in bytes.
    const SIZE: usize;

    /// Writes the payload into `out`, which is [`Record::SIZE`] bytes long.
    fn encode(&self, out: &mut [u8]);

    /// Reads a payload of any version this build knows. `bytes` must be 8-aligned, as payloads in the log are.
    fn decode(version: u16, bytes: &[u8]) -> Result<Self, DecodeError>;
}

/// What `encode` and `decode` of every record share.
pub(crate) fn malformed<T>(kind: RecordKind, len: usize) -> impl Fn(Failure) -> Result<T, DecodeError> {
    move |_| Err(DecodeError::Malformed { kind, len })
}

/// Declares record types and the enum over them.
macro_rules! records {
    (
        $(#[$enum_doc:meta])* enum $enum:ident;
        $(
            $(#[$doc:meta])*
            $kind:literal v $version:literal ($size:literal bytes) $(boxed $boxed:tt)?
            struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }
        )+
    ) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
            #[repr(C)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

            // The size in the log is the sum of the fields (no padding that could hold garbage), and a multiple of 8.
            const _: () = {
                assert!(size_of::<<$name as rkyv::Archive>::Archived>() == $size);
                assert!(0 $(+ size_of::<<$type as rkyv::Archive>::Archived>())* == $size);
                assert!($size % 8 == 0);
            };

            impl $crate::codec::Record for $name {
                const KIND: $crate::codec::RecordKind = $kind;
                const VERSION: u16 = $version;
                const SIZE: usize = $size;

                #[inline]
                fn encode(&self, out: &mut [u8]) {
                    assert_eq!(out.len(), Self::SIZE, "a record is encoded into exactly its size");
                    let written: Result<_, rkyv::rancor::Failure> = rkyv::api::serialize_using(
                        self,
                        &mut rkyv::ser::Serializer::new(rkyv::ser::writer::Buffer::from(out), (), ()),
                    );
                    written.expect("a flat record fits a buffer of its size");
                }

                #[inline]
                fn decode(version: u16, bytes: &[u8]) -> Result<Self, $crate::codec::DecodeError> {
                    if version != Self::VERSION {
                        return Err($crate::codec::DecodeError::UnknownVersion { kind: $kind, version });
                    }
                    let malformed = $crate::codec::malformed($kind, bytes.len());
                    if bytes.len() != Self::SIZE {
                        return malformed(rkyv::rancor::Failure);
                    }
                    match rkyv::access::<<$name as rkyv::Archive>::Archived, rkyv::rancor::Failure>(bytes)
                        .and_then(rkyv::deserialize::<$name, rkyv::rancor::Failure>)
                    {
                        Ok(record) => Ok(record),
                        Err(error) => malformed(error),
                    }
                }
            }
        )+

        $(#[$enum_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $enum {
            $($(#[$doc])* $name(records!(@held $name $($boxed)?)),)+
        }

        impl $enum {
            /// The number of this record's type in the log.
            pub const fn kind(&self) -> $crate::codec::RecordKind {
                match self { $(Self::$name(_) => $kind,)+ }
            }

            /// The schema version this build writes for this record.
            pub const fn version(&self) -> u16 {
                match self { $(Self::$name(_) => $version,)+ }
            }

            /// The size of the payload in bytes.
            #[inline]
            pub const fn size(&self) -> usize {
                match self { $(Self::$name(_) => $size,)+ }
            }

            /// The type's name, such as `SubmitOrder`.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)+ }
            }

            /// Its fields with their names, in the order they have in the log, without the reserved ones. For showing.
            pub fn fields(&self) -> Vec<(&'static str, $crate::FieldValue)> {
                let mut fields = match self {
                    $(Self::$name(record) => vec![
                        $((stringify!($field), $crate::fields::Field::value(&record.$field)),)*
                    ],)+
                };
                fields.retain(|(name, _)| *name != "reserved");
                fields
            }

            /// The name of a record type, if it is one of these.
            pub const fn name_of(kind: $crate::codec::RecordKind) -> Option<&'static str> {
                match kind {
                    $($kind => Some(stringify!($name)),)+
                    _ => None,
                }
            }

            /// The names of all record types, in the order of their numbers.
            pub const NAMES: &[&'static str] = &[$(stringify!($name),)+];

            /// Writes the payload into `out`, which is [`Self::size`] bytes long.
            #[inline]
            pub fn encode(&self, out: &mut [u8]) {
                match self { $(Self::$name(record) => $crate::codec::Record::encode(&**records!(@by_ref record $($boxed)?), out),)+ }
            }

            /// Reads a payload. `bytes` must be 8-aligned, as payloads in the log are.
            #[inline]
            pub fn decode(kind: $crate::codec::RecordKind, version: u16, bytes: &[u8]) -> Result<Self, $crate::codec::DecodeError> {
                match kind {
                    $($kind => <$name as $crate::codec::Record>::decode(version, bytes).map(|record| Self::$name(record.into())),)+
                    _ => Err($crate::codec::DecodeError::UnknownKind { kind }),
                }
            }
        }

        $(
            impl From<$name> for $enum {
                fn from(record: $name) -> Self {
                    Self::$name(record.into())
                }
            }
        )+
    };
    // Rare, large records are boxed so that the ring's slots stay small.
    (@held $name:ident) => { $name };
    (@held $name:ident $boxed:tt) => { Box<$name> };
    (@by_ref $record:ident) => { &$record };
    (@by_ref $record:ident $boxed:tt) => { $record };
}
pub(crate) use records;
