//! How fast the log takes commands, with its threads running: `throughput DIR [os|fsync] [SECONDS] [BATCH]`.
//!
//! A command is two records, of 64 and 48 bytes; a batch of them is a block. Prints commands and bytes a second,
//! and the longest time one block took.

use std::error::Error;
use std::time::{Duration, Instant};

use event_store::{Durability, FlusherWait, Opened, Options, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("usage: throughput DIR [os|fsync] [SECONDS] [BATCH]")?;
    let durability = match arguments.next().as_deref() {
        None | Some("fsync") => Durability::Fsync,
        Some("os") => Durability::Os,
        Some(_) => return Err("durability is os or fsync".into()),
    };
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let batch: u64 = arguments.next().map_or(Ok(64), |text| text.parse())?;

    let options = Options { durability, ..Options::default() };
    let Opened { mut writer, flusher, .. } = Writer::open(&dir, &options)?;
    let flusher = flusher.spawn(FlusherWait::default())?;
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let (mut commands, mut slowest, mut waits) = (0_u64, Duration::ZERO, Duration::ZERO);
    let mut last = start;
    let mut histogram = [0_u64; 40];
    while last.duration_since(start) < limit {
        writer.wait_ready(Duration::from_secs(30))?;
        let ready = Instant::now();
        waits += ready - last;
        let mut block = writer.begin(0)?;
        for command in 0..batch {
            block.append(1, 1, command, &[7; 64])?;
            block.append(2, 1, command, &[9; 48])?;
        }
        block.finish();
        commands += batch;
        last = Instant::now();
        let took = last - ready;
        slowest = slowest.max(took);
        histogram[took.as_nanos().max(1).ilog2() as usize] += 1;
    }
    let elapsed = start.elapsed().as_secs_f64();
    let stats = writer.stats();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    {
        println!("{:.0} commands/s", commands as f64 / elapsed);
        println!("{:.0} MB/s, {} segments", stats.bytes as f64 / elapsed / 1e6, stats.segments);
    }
    println!("slowest block {slowest:?}, waited for segments {waits:?}");
    for (power, count) in histogram.iter().enumerate().filter(|(_, count)| **count > 0) {
        println!("  < {:>10?}: {count} blocks", Duration::from_nanos(2 << power));
    }
    let watermarks = writer.watermarks();
    println!("written {}, durable {} when the writer stopped", watermarks.written(), watermarks.durable());
    drop(writer);
    flusher.join()?;
    println!("durable {} at the end, {:?} after the start", watermarks.durable(), start.elapsed());
    Ok(())
}
