//! Writes a made-up day into a store and projects it: `cargo run --release -p bench --example projection -- DIR ORDERS`.

use std::path::PathBuf;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = PathBuf::from(arguments.next().ok_or("give a directory")?);
    let orders = arguments.next().map_or(Ok(1_000_000), |number| number.parse())?;
    let store = dir.join("day");
    if !store.exists() {
        let written =
            bench::day::write(&store, &bench::day::Config { orders, ..Default::default() }, |_| ())?;
        println!("{written:#?}");
    }
    // A file of an earlier run may not be there.
    let _ = std::fs::remove_file(dir.join("projection.duckdb"));
    println!("{:#?}", bench::projection::run(&store, &dir)?);
    Ok(())
}
