//! The book benchmark without the rest of the program:
//! `cargo run --release -p bench --features peers --example book -- [turns] [shape…]`.

use bench::book::{Config, run};

fn main() {
    let mut args = std::env::args().skip(1);
    let mut config = Config::default();
    if let Some(turns) = args.next().and_then(|turns| turns.parse().ok()) {
        config.turns = turns;
    }
    config.shapes = args.collect();
    let report = run(&config, |doing| eprintln!("{doing}"));
    print!("{report}");
}
