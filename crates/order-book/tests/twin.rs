//! The fast book and its naive twin agree on every answer, whatever they are told.
//!
//! 10 million operations: `cargo run --release -p order-book --example twin -- 10000000`.

mod common;

use common::{Bytes, Spread, Twin, run};
use proptest::prelude::*;

#[test]
fn twins_agree_after_every_one_of_200_000_operations() {
    for (seed, spread) in (1..).zip(Spread::ALL) {
        run(seed, spread, 60, 1, 40_000);
    }
}

#[test]
fn twins_agree_on_books_of_thousands_of_levels() {
    // Enough levels that the ring runs out of credit and has to leave some of them in the far map.
    for (seed, spread) in (101..).zip(Spread::ALL) {
        run(seed, spread, 4_000, 997, 12_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// What a fuzzer would do: any bytes are operations, and a failure shrinks to few of them.
    #[test]
    fn twins_agree_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2_000), spread in 0_usize..5) {
        let mut source = Bytes(&bytes);
        let mut twin = Twin::new(Spread::ALL[spread], 64, 1);
        while twin.step(&mut source).is_some() {}
        twin.compare_all();
    }
}
