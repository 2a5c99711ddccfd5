//! Writes a made-up day into a store, and a log full of trades into another, and projects them:
//! `cargo run --release -p bench --example projection -- DIR ORDERS TRADES`.

use std::path::PathBuf;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("give a directory")?);
    let orders = arguments.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let trades = arguments.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let (day, full) = (dir.join("day"), dir.join("trades"));
    if !day.exists() {
        bench::day::write(&day, &bench::day::Config { orders, ..Default::default() }, |_| ())?;
    }
    if !full.exists() {
        bench::projection::write_trades(&full, trades, 500)?;
    }
    for store in [day, full] {
        // A file of an earlier run may be there.
        let _ = std::fs::remove_file(dir.join("projection.duckdb"));
        println!("{}: {:#?}", store.display(), bench::projection::run(&store, &dir)?);
    }
    Ok(())
}
