//! The TOML file of `outcry start`: what each setting is and what it is when the file says nothing.
//! `config/outcry.toml` has them all, with comments; a test holds it and this file together.

use super::node::DurabilityWord;
use super::projection::ReportingConfig;
use crate::ui::Failure;
use gateway::GatewayConfig;
use gateway::rules::RulesConfig;
use model::Configure;
use sequencer::{Calendars, LIMITS_DEFAULT, NodeConfig, SnapshotEvery, WaitStrategy};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub store: StoreSettings,
    pub core: CoreSettings,
    pub snapshots: SnapshotSettings,
    pub limits: LimitSettings,
    pub calendars: CalendarSettings,
    pub gateway: GatewayConfig,
    pub rules: RulesConfig,
    pub reporting: ReportingConfig,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    pub dir: PathBuf,
    pub durability: DurabilityWord,
    pub segment_bytes: u64,
}

impl Default for StoreSettings {
    fn default() -> Self {
        let segment_bytes = NodeConfig::default().segment_bytes;
        Self { dir: PathBuf::from("data/exchange"), durability: DurabilityWord::Fsync, segment_bytes }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoreSettings {
    pub wait: WaitStrategy,
    pub ring_capacity: usize,
    pub max_batch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core_cpu: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flusher_cpu: Option<usize>,
    pub share_thread: bool,
}

impl Default for CoreSettings {
    fn default() -> Self {
        let node = NodeConfig::default();
        Self {
            wait: node.wait,
            ring_capacity: node.ring_capacity,
            max_batch: node.max_batch,
            core_cpu: node.core_cpu,
            flusher_cpu: node.flusher_cpu,
            share_thread: node.share_thread,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotSettings {
    pub every_records: u64,
    pub every_seconds: u64,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        let every = SnapshotEvery::default();
        Self { every_records: every.records, every_seconds: every.interval.as_secs() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the words of the command that records them")]
pub struct LimitSettings {
    pub max_working_orders: u32,
    pub max_order_ids: u64,
    pub max_accounts: u32,
    pub max_instruments: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let limits = LIMITS_DEFAULT;
        Self {
            max_working_orders: limits.max_working_orders,
            max_order_ids: limits.max_order_ids,
            max_accounts: limits.max_accounts,
            max_instruments: limits.max_instruments,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarSettings {
    pub files: Vec<PathBuf>,
    pub trading_day: String,
}

impl Default for CalendarSettings {
    fn default() -> Self {
        Self { files: Vec::new(), trading_day: "XNYS".to_owned() }
    }
}

impl Config {
    /// Reads a file. Paths in it are taken from where the program runs.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format_args!("cannot read {}", path.display()))
                .caused_by(error)
                .hint("\"outcry start --print-config\" prints one with every setting")
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        toml::from_str(&text).map_err(|error| {
            let message = format!("{} is not a configuration", path.display());
            match error.span() {
                Some(span) => {
                    Failure::usage(message).at(path.to_string_lossy(), text, span, error.message().to_owned())
                }
                None => Failure::usage(message).caused_by(error),
            }
        })
    }

    /// The settings of the node.
    pub fn node(&self) -> Result<NodeConfig, Failure> {
        let mut calendars = Calendars::built_in();
        for file in &self.calendars.files {
            calendars.load(file).map_err(Failure::usage)?;
        }
        let day = if self.calendars.trading_day.is_empty() {
            model::CalendarName::EMPTY
        } else {
            let name = &self.calendars.trading_day;
            name.parse().map_err(|error: model::TextError| {
                Failure::usage(format_args!("{name:?} is not the name of a calendar")).caused_by(error)
            })?
        };
        calendars.follow(day).map_err(Failure::usage)?;
        let limits = &self.limits;
        Ok(NodeConfig {
            store: self.store.dir.clone(),
            durability: self.store.durability.into(),
            segment_bytes: self.store.segment_bytes,
            ring_capacity: self.core.ring_capacity,
            max_batch: self.core.max_batch,
            wait: self.core.wait,
            core_cpu: self.core.core_cpu,
            flusher_cpu: self.core.flusher_cpu,
            share_thread: self.core.share_thread,
            snapshot_every: SnapshotEvery {
                records: self.snapshots.every_records,
                interval: Duration::from_secs(self.snapshots.every_seconds),
            },
            limits: Configure {
                max_order_ids: limits.max_order_ids,
                max_working_orders: limits.max_working_orders,
                max_accounts: limits.max_accounts,
                max_instruments: limits.max_instruments,
                reserved: 0,
            },
            calendars,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commented example.
    const EXAMPLE: &str = include_str!("../../../../config/outcry.toml");

    #[test]
    fn the_example_shows_the_defaults() {
        assert_eq!(toml::from_str::<Config>(EXAMPLE).unwrap(), Config::default());
    }

    #[test]
    fn the_example_names_every_setting() {
        let defaults = toml::Value::try_from(Config::default()).unwrap();
        let mut tables = vec![defaults.as_table().unwrap()];
        while let Some(table) = tables.pop() {
            for (name, value) in table {
                let shown = EXAMPLE.lines().any(|line| {
                    line.trim_start_matches("# ")
                        .split(['=', ' ', ']', '.'])
                        .any(|word| word.trim_start_matches('[') == name)
                });
                assert!(shown, "config/outcry.toml says nothing of {name}");
                tables.extend(value.as_table());
            }
        }
    }

    #[test]
    fn the_defaults_make_a_node() {
        Config::default().node().unwrap().check().unwrap();
    }

    #[test]
    fn a_misspelt_setting_is_shown_where_it_stands() {
        let text = "[store]\ndurabilty = \"os\"\n".to_owned();
        let failure = Config::parse(Path::new("outcry.toml"), text).unwrap_err();
        let mut shown = Vec::new();
        failure.write(&mut shown, false, false).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains("outcry.toml:2:1") && shown.contains("durability"), "{shown}");
        assert_eq!(failure.exit_code(), 2);
    }
}
