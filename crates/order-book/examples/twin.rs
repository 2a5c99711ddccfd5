//! Runs the fast book and its naive twin side by side for as many random operations as asked, comparing every answer,
//! and every level and order after every step: `cargo run --release -p order-book --example twin -- 10000000`.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Spread, run};

/// Operations of one pair of books, before the next pair begins with another seed.
const ROUND: u64 = 100_000;

fn main() {
    let operations = std::env::args().nth(1).map_or(Ok(10_000_000), |text| text.parse::<u64>());
    let Ok(operations) = operations else {
        eprintln!("usage: twin [operations]");
        std::process::exit(2);
    };
    let rounds = operations.div_ceil(ROUND);
    for seed in 0..rounds {
        let spread = Spread::ALL[usize::try_from(seed % 5).expect("small")];
        // Every tenth pair is large, and compared as a whole now and then only.
        let (orders_max, compare_every) = if seed % 10 == 9 { (6_000, 1_009) } else { (100, 1) };
        run(seed, spread, orders_max, compare_every, ROUND.min(operations - seed * ROUND));
    }
    println!("{operations} operations on {rounds} pairs of books: every answer equal");
}
