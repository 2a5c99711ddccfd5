//! The machine: processors, memory, limits, clocks and ports.

use super::Check;
use crate::ui;
use rustix::process::{Resource, getrlimit};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant, SystemTime};

/// Core, flusher, publisher and gateway each want one.
const PROCESSORS_COMFORTABLE: usize = 4;
/// The default limits of accounts, orders and remembered ids, plus mapped segments.
const MEMORY_COMFORTABLE: u64 = 2 << 30;
/// One per connection, and a few for segments.
const OPEN_FILES_COMFORTABLE: u64 = 4096;
/// How long the two clocks are compared.
const CLOCK_WATCH: Duration = Duration::from_millis(100);
/// The most they may drift apart in that time.
const CLOCK_DRIFT_MAX: Duration = Duration::from_millis(1);

/// How many, and what that means for waiting.
pub fn processors() -> Check {
    const NAME: &str = "processors";
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if processors >= PROCESSORS_COMFORTABLE {
        return Check::ok(
            NAME,
            format!("{processors}; `wait = \"busy-spin\"` with a core of its own is possible"),
        );
    }
    Check::warning(
        NAME,
        processors.to_string(),
        "keep the default `wait = \"adaptive\"`: a spinning core would take time from the threads it waits for",
    )
}

/// How much is free.
pub fn memory() -> Check {
    const NAME: &str = "memory";
    let available = std::fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    match available.map(|kib| kib * 1024) {
        None => Check::warning(NAME, "unknown", "/proc/meminfo could not be read"),
        Some(bytes) if bytes < MEMORY_COMFORTABLE => {
            let found = format!("{} available", ui::bytes(bytes));
            Check::warning(NAME, found, "lower max_order_ids and max_working_orders in the configuration")
        }
        Some(bytes) => Check::ok(NAME, format!("{} available", ui::bytes(bytes))),
    }
}

/// `RLIMIT_NOFILE`.
pub fn open_files() -> Check {
    const NAME: &str = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES_COMFORTABLE => {
            Check::warning(NAME, limit.to_string(), format!("raise it: ulimit -n {OPEN_FILES_COMFORTABLE}"))
        }
        limit => Check::ok(NAME, limit.map_or("unlimited".to_owned(), |limit| limit.to_string())),
    }
}

/// `RLIMIT_MEMLOCK`: whether segments can be kept from being swapped out.
pub fn locked_memory() -> Check {
    const NAME: &str = "locked memory";
    match getrlimit(Resource::Memlock).current {
        Some(limit) if limit < 1 << 30 => Check::warning(
            NAME,
            ui::bytes(limit),
            "swapping would stall the core: switch swap off, or raise the limit (ulimit -l unlimited)",
        ),
        limit => Check::ok(NAME, limit.map_or("unlimited".to_owned(), ui::bytes)),
    }
}

/// What `clock_gettime` reads: a system call for each stamp would be slow.
pub fn clock_source() -> Check {
    const NAME: &str = "clock source";
    let path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    match std::fs::read_to_string(path).as_deref().map(str::trim) {
        Ok(source @ ("tsc" | "kvm-clock" | "hyperv_clocksource_tsc_page" | "arch_sys_counter")) => {
            Check::ok(NAME, source)
        }
        Ok(source) => {
            let hint = "reading this clock takes a system call; the kernel option clocksource=tsc may help";
            Check::warning(NAME, source, hint)
        }
        Err(error) => {
            Check::warning(NAME, format!("unknown: {error}"), "cannot say whether reading the clock is cheap")
        }
    }
}

/// Whether the wall clock runs as fast as time does.
pub fn clock_steadiness() -> Check {
    const NAME: &str = "clock steadiness";
    let (wall, steady) = (SystemTime::now(), Instant::now());
    std::thread::sleep(CLOCK_WATCH);
    let steady = steady.elapsed();
    let hint = "the wall clock is being stepped: let it be slewed (chrony's makestep only at start); \
                the log never goes backwards, it repeats the last time instead";
    match wall.elapsed() {
        Ok(wall) if wall.abs_diff(steady) <= CLOCK_DRIFT_MAX => {
            let drift = u64::try_from(wall.abs_diff(steady).as_nanos()).unwrap_or(u64::MAX);
            Check::ok(NAME, format!("{} off in {} ms", ui::duration_ns(drift), CLOCK_WATCH.as_millis()))
        }
        Ok(wall) => Check::warning(NAME, format!("moved {wall:?} in {steady:?}"), hint),
        Err(error) => Check::warning(NAME, format!("went back {:?}", error.duration()), hint),
    }
}

/// Whether an exchange could listen there.
pub fn port(address: SocketAddr) -> Check {
    const NAME: &str = "port";
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Check::warning(
            NAME,
            format!("{address} is taken"),
            "perhaps by an exchange that runs already: see \"outcry status\"; or choose another with --listen",
        ),
        Err(error) => Check::failed(NAME, format!("{address}: {error}"), "choose another with --listen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Verdict;

    #[test]
    fn a_taken_port_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(port(address).verdict, Verdict::Warning);
        drop(listener);
        assert_eq!(port(address).verdict, Verdict::Ok);
    }
}
