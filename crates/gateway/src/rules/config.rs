//! The operator's settings about rules: what one may be and have, whose are taken, and who may act.

use model::{OperatorName, SignerKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The most that can be allowed for one component, in bytes.
const COMPONENT_BYTES_MAX: usize = 64 << 20;
/// The most keys in the allow-list.
const SIGNERS_MAX: usize = 64;
/// The most operators with tokens.
const OPERATORS_MAX: usize = 256;

/// The settings of rules: the `[rules]` table of the program's TOML file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Size of a validation or risk rule's component, in bytes.
    pub max_component_bytes: usize,
    /// Fuel of one call of such a rule: about one unit for each instruction.
    pub max_fuel: u64,
    /// Memory of such a rule, in bytes.
    pub max_memory_bytes: u32,
    /// Size of a reporting rule's component, in bytes. Those of interpreted languages have an interpreter inside.
    pub max_reporting_component_bytes: usize,
    /// Fuel of one batch of a reporting rule.
    pub max_reporting_fuel: u64,
    /// Memory of a reporting rule, in bytes.
    pub max_reporting_memory_bytes: u32,
    /// Ed25519 public keys, in hexadecimal digits, whose signatures count.
    pub signers: Vec<String>,
    /// Whether a component that none of them signed is refused.
    pub require_signature: bool,
    /// Whether a second operator must approve a component before it is enforced.
    pub require_approval: bool,
    /// Operators by name, each with a token. If there are any, only they change rules, and the token says who it is.
    pub operators: BTreeMap<String, String>,
    /// Where compiled code is kept. It is a cache: deleting it costs time and nothing else. `plugins/compiled` in the store
    /// if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<PathBuf>,
}

impl Default for RulesConfig {
    fn default() -> Self {
        Self {
            max_component_bytes: 4 << 20,
            max_fuel: 1_000_000,
            max_memory_bytes: 16 << 20,
            max_reporting_component_bytes: 32 << 20,
            max_reporting_fuel: 100_000_000_000,
            max_reporting_memory_bytes: 512 << 20,
            signers: Vec::new(),
            require_signature: false,
            require_approval: false,
            operators: BTreeMap::new(),
            cache: None,
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RulesConfigError {
    /// A number out of bounds.
    #[error("setting {setting} of the rules is {value}; it must be {requirement}")]
    OutOfBounds {
        /// Which.
        setting: &'static str,
        /// What it is.
        value: u64,
        /// What it must be.
        requirement: &'static str,
    },
    /// A key that is none.
    #[error("setting signers of the rules: key {number} is not 64 hexadecimal digits")]
    BadSigner {
        /// Which, from 1.
        number: usize,
    },
    /// A signature is required and none can be right.
    #[error("setting require_signature of the rules needs at least one key in signers")]
    NobodyCanSign,
    /// An operator who is none.
    #[error(
        "setting operators of the rules: {name:?} cannot be an operator: names have at most 16 visible characters, tokens at least 16, and no two have the same"
    )]
    BadOperator {
        /// Who.
        name: String,
    },
    /// A second operator is required, and there is no second.
    #[error("setting require_approval of the rules needs two operators, or none with a token; there is one")]
    NoSecondOperator,
}

impl RulesConfig {
    /// Checks every setting against its bounds.
    pub fn check(&self) -> Result<(), RulesConfigError> {
        use RulesConfigError as E;
        let largest = self.max_component_bytes.max(self.max_reporting_component_bytes) as u64;
        let bounds = [
            ("max_component_bytes", largest, COMPONENT_BYTES_MAX as u64, "at most 67108864"),
            ("signers", self.signers.len() as u64, SIGNERS_MAX as u64, "at most 64"),
            ("operators", self.operators.len() as u64, OPERATORS_MAX as u64, "at most 256"),
        ];
        for (setting, value, most, requirement) in bounds {
            if value > most {
                return Err(E::OutOfBounds { setting, value, requirement });
            }
        }
        for (setting, fuel) in [("max_fuel", self.max_fuel), ("max_reporting_fuel", self.max_reporting_fuel)]
        {
            if fuel == 0 {
                return Err(E::OutOfBounds { setting, value: 0, requirement: "at least 1" });
            }
        }
        self.keys()?;
        if self.require_signature && self.signers.is_empty() {
            return Err(E::NobodyCanSign);
        }
        if self.require_approval && self.operators.len() == 1 {
            return Err(E::NoSecondOperator);
        }
        for (name, token) in &self.operators {
            let same = self.operators.values().filter(|&other| other == token).count();
            if OperatorName::new(name).is_err() || token.len() < 16 || same > 1 {
                return Err(E::BadOperator { name: name.clone() });
            }
        }
        Ok(())
    }

    /// The keys whose signatures count.
    pub fn keys(&self) -> Result<Vec<SignerKey>, RulesConfigError> {
        let numbered = (1..).zip(&self.signers);
        let key = |(number, text): (usize, &String)| {
            text.parse().map_err(|_| RulesConfigError::BadSigner { number })
        };
        numbered.map(key).collect()
    }

    /// The largest component of any kind, in bytes.
    pub fn largest_component(&self) -> usize {
        self.max_component_bytes.max(self.max_reporting_component_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible() {
        assert_eq!(RulesConfig::default().check(), Ok(()));
    }

    #[test]
    fn a_setting_that_protects_nothing_is_refused() {
        let check = |change: fn(&mut RulesConfig)| {
            let mut config = RulesConfig::default();
            change(&mut config);
            config.check().unwrap_err().to_string()
        };
        assert!(check(|it| it.require_signature = true).contains("at least one key"));
        assert!(check(|it| it.signers = vec!["0".repeat(64), "x".to_owned()]).contains("key 2"));
        let token = || "0123456789abcdef".to_owned();
        assert!(check(|it| it.max_component_bytes = 1 << 40).contains("max_component_bytes"));
        assert!(check(|it| it.operators = BTreeMap::from([("ann".into(), "short".into())])).contains("ann"));
        let twins = BTreeMap::from([("ann".to_owned(), token()), ("bo".to_owned(), token())]);
        let mut twins = RulesConfig { operators: twins, ..RulesConfig::default() };
        assert!(twins.check().is_err());
        twins.operators = BTreeMap::from([("ann".to_owned(), token())]);
        assert_eq!(twins.check(), Ok(()));
        twins.require_approval = true;
        assert_eq!(twins.check(), Err(RulesConfigError::NoSecondOperator));
    }
}
