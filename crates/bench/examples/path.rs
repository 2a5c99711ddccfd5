//! Runs one of the benchmarks of the whole path and prints its report:
//! `cargo run --release -p bench --example path -- core|latency|recovery|store DIR [COMMANDS]`.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(which), Some(dir)) = (arguments.next(), arguments.next()) else {
        return Err("usage: path core|latency|recovery|store DIR [COMMANDS]".into());
    };
    let size: Option<u64> = arguments.next().map(|size| size.parse()).transpose()?;
    let dir = Path::new(&dir);
    let say = |what: &str| eprintln!("{what}");
    let report = match which.as_str() {
        "core" => {
            let default = bench::core::Config::default();
            let config = bench::core::Config { commands: size.unwrap_or(default.commands), ..default };
            serde_json::to_string_pretty(&bench::core::run(&config, dir, say)?)?
        }
        "latency" => {
            let default = bench::latency::Config::default();
            let config = bench::latency::Config { seconds: size.unwrap_or(default.seconds), ..default };
            serde_json::to_string_pretty(&bench::latency::run(&config, dir, say)?)?
        }
        "recovery" => {
            let default = bench::recovery::Config::default();
            let config = bench::recovery::Config { events: size.unwrap_or(default.events), ..default };
            serde_json::to_string_pretty(&bench::recovery::run(&config, dir, say)?)?
        }
        "store" => {
            let default = bench::store::Config::default();
            let config = bench::store::Config { records: size.unwrap_or(default.records), ..default };
            serde_json::to_string_pretty(&bench::store::run(&config, dir, say)?)?
        }
        other => return Err(format!("no benchmark is called {other}").into()),
    };
    println!("{report}");
    Ok(())
}
