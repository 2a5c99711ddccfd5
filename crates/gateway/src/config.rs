//! The settings of the gateway, each with its default and its bounds.

use crate::in_flight::MAX_IN_FLIGHT;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The port the program listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 7870;

/// The settings of the gateway: the `[gateway]` table of the program's TOML file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Where to listen. Loopback by default: whoever opens it to a network should set a token, and put TLS in front.
    pub listen: SocketAddr,
    /// The bearer token that writing needs; none means that everybody who can connect may trade.
    pub token: Option<String>,
    /// Whether reading needs the token too.
    pub token_for_reads: bool,
    /// Threads that serve connections.
    pub threads: usize,
    /// The most connections at once; more wait to be accepted.
    pub max_connections: usize,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// How long a request's head and body may take to arrive, in milliseconds.
    pub read_timeout_ms: u64,
    /// How long to wait for the outcome of a command, in milliseconds. After that the answer is `OUTCOME_UNKNOWN`.
    pub outcome_timeout_ms: u64,
    /// The most commands whose outcomes are awaited at once; more are `TOO_MANY_IN_FLIGHT`.
    pub max_in_flight: usize,
    /// What is kept in memory to answer questions.
    pub history: HistoryConfig,
}

/// What the read side keeps in memory. Everything else is in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryConfig {
    /// Orders that no longer work.
    pub orders: usize,
    /// Trades of each instrument.
    pub trades: usize,
    /// Candles of each instrument and interval.
    pub candles: usize,
    /// How many of the newest records are read again at start to fill the history. Each million costs some tenths of a second.
    pub records_at_start: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT),
            token: None,
            token_for_reads: false,
            threads: 2,
            max_connections: 1_024,
            max_body_bytes: 64 << 10,
            read_timeout_ms: 10_000,
            outcome_timeout_ms: 5_000,
            max_in_flight: 1 << 16,
            history: HistoryConfig::default(),
        }
    }
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { orders: 200_000, trades: 10_000, candles: 1_500, records_at_start: 2_000_000 }
    }
}

/// A setting that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("setting {setting} of the gateway is {value}; it must be {requirement}")]
pub struct ConfigError {
    /// Which.
    pub setting: &'static str,
    /// What it is.
    pub value: u64,
    /// What it must be.
    pub requirement: &'static str,
}

impl GatewayConfig {
    /// Checks every setting against its bounds.
    pub fn check(&self) -> Result<(), ConfigError> {
        let in_flight_max = MAX_IN_FLIGHT as u64;
        let bounds: [(&'static str, u64, std::ops::RangeInclusive<u64>, &'static str); 6] = [
            ("threads", self.threads as u64, 1..=256, "1 to 256"),
            ("max_connections", self.max_connections as u64, 1..=65_536, "1 to 65536"),
            ("max_body_bytes", self.max_body_bytes as u64, 1_024..=16 << 20, "1024 to 16777216"),
            ("read_timeout_ms", self.read_timeout_ms, 10..=600_000, "10 to 600000"),
            ("outcome_timeout_ms", self.outcome_timeout_ms, 1..=600_000, "1 to 600000"),
            ("max_in_flight", self.max_in_flight as u64, 1..=in_flight_max, "1 to 1048576"),
        ];
        for (setting, value, range, requirement) in bounds {
            if !range.contains(&value) {
                return Err(ConfigError { setting, value, requirement });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible_and_stay_at_home() {
        let config = GatewayConfig::default();
        assert_eq!(config.check(), Ok(()));
        assert!(config.listen.ip().is_loopback());
    }

    #[test]
    fn a_setting_out_of_bounds_is_named() {
        let config = GatewayConfig { threads: 0, ..GatewayConfig::default() };
        let error = config.check().unwrap_err().to_string();
        assert_eq!(error, "setting threads of the gateway is 0; it must be 1 to 256");
        assert!(serde_json::from_str::<GatewayConfig>(r#"{"tokn": "x"}"#).is_err());
    }
}
