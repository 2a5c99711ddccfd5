//! An exchange in a temporary directory, with a door on loopback.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]
#![allow(dead_code, reason = "every test file uses its own part of this")]

use engine::{NoRules, Rules};
use gateway::api::{Amount, NewAccount, NewInstrument, NewOrder, OrderAnswer, Problem, Word};
use gateway::client::{Client, ClientConfig, ClientError};
use gateway::rules::{NoDesk, RuleDesk, RulesConfig};
use gateway::{Gateway, GatewayConfig};
use model::{Configure, Side};
use sequencer::{Durability, Node, NodeConfig, SnapshotEvery, SystemClock};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub struct Exchange {
    pub gateway: Gateway,
    pub client: Client,
    node: Arc<Node>,
}

pub fn node_config(store: &Path) -> NodeConfig {
    NodeConfig {
        store: store.to_owned(),
        durability: Durability::Os,
        segment_bytes: 8 << 20,
        snapshot_every: SnapshotEvery::NEVER,
        limits: Configure {
            max_order_ids: 1 << 18,
            max_working_orders: 1 << 14,
            max_accounts: 1 << 10,
            max_instruments: 64,
            reserved: 0,
        },
        ..NodeConfig::default()
    }
}

pub fn gateway_config() -> GatewayConfig {
    GatewayConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        outcome_timeout_ms: 60_000,
        ..GatewayConfig::default()
    }
}

pub fn client(gateway: &Gateway, token: Option<&str>) -> Client {
    Client::new(ClientConfig {
        url: format!("http://{}", gateway.address()),
        token: token.map(str::to_owned),
        timeout: Duration::from_secs(100),
    })
}

impl Exchange {
    pub fn start(store: &Path) -> Self {
        Self::start_with(node_config(store), &gateway_config())
    }

    pub fn start_with(node: NodeConfig, config: &GatewayConfig) -> Self {
        Self::with_rules(node, config, NoRules, &RulesConfig::default(), Arc::new(NoDesk))
    }

    pub fn with_rules(
        node: NodeConfig,
        config: &GatewayConfig,
        live: impl Rules + Send + 'static,
        rules: &RulesConfig,
        desk: Arc<dyn RuleDesk>,
    ) -> Self {
        let node = Arc::new(Node::start_with(node, SystemClock, live).unwrap());
        let gateway = Gateway::start_with(Arc::clone(&node), config, rules, desk).unwrap();
        let client = client(&gateway, config.token.as_deref());
        Self { gateway, client, node }
    }

    /// Ends in the right order, and proves that nothing of the gateway holds on to the node.
    pub fn stop(self) {
        let Self { gateway, client, node } = self;
        drop(client);
        gateway.stop();
        let node = Arc::try_unwrap(node).unwrap_or_else(|_| panic!("the gateway let go of the node"));
        node.stop().unwrap();
    }

    /// AAPL, alice with money and bob with shares.
    pub fn open_market(&self) {
        self.client.create_instrument(&instrument("AAPL")).unwrap();
        self.client.open_account(&account("alice", &[("USD", "10000")])).unwrap();
        self.client.open_account(&account("bob", &[("AAPL", "1000"), ("USD", "10000")])).unwrap();
    }

    #[expect(clippy::needless_pass_by_value, reason = "every caller makes one for this call")]
    pub fn submit(&self, order: NewOrder) -> OrderAnswer {
        self.client.submit(&order).unwrap()
    }

    /// One raw request: what the client library would never send.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Raw {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.gateway.address()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => agent.run(request.body(body).unwrap()).unwrap(),
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (content_type, retry_after) = (header("content-type"), header("retry-after"));
        let status = response.status().as_u16();
        Raw { status, content_type, retry_after, text: response.body_mut().read_to_string().unwrap() }
    }

    pub fn post(&self, path: &str, body: &str) -> Raw {
        self.raw("POST", path, &[("content-type", "application/json")], Some(body.as_bytes()))
    }
}

pub struct Raw {
    pub status: u16,
    pub content_type: Option<String>,
    pub retry_after: Option<String>,
    pub text: String,
}

impl Raw {
    pub fn problem(&self) -> Problem {
        assert_eq!(self.content_type.as_deref(), Some("application/problem+json"), "{}", self.text);
        let problem: Problem = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem.status, self.status);
        problem
    }
}

pub fn instrument(symbol: &str) -> NewInstrument {
    NewInstrument {
        symbol: symbol.to_owned(),
        tick_size: "0.01".parse().unwrap(),
        lot_size: "1".parse().unwrap(),
        currency: None,
        currency_decimals: None,
        calendar: None,
        max_qty: None,
        max_notional: None,
        collar_percent: None,
        self_trade_prevention: None,
    }
}

pub fn account(name: &str, balances: &[(&str, &str)]) -> NewAccount {
    let balances = balances
        .iter()
        .map(|&(asset, amount)| Amount { asset: asset.to_owned(), amount: amount.parse().unwrap() });
    NewAccount { account: name.to_owned(), status: None, balances: balances.collect() }
}

/// `alice a1 buy 100 @ 10.05`, in AAPL.
pub fn order(account: &str, id: &str, side: Side, quantity: &str, price: &str) -> NewOrder {
    NewOrder {
        account: account.to_owned(),
        symbol: "AAPL".to_owned(),
        side: Word(side),
        order_qty: quantity.parse().unwrap(),
        ord_type: None,
        price: (price != "market").then(|| price.parse().unwrap()),
        cl_ord_id: Some(id.to_owned()),
        time_in_force: None,
        expire_time: None,
        post_only: false,
        self_trade_prevention: None,
    }
}

pub fn problem<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> Problem {
    match answer.unwrap_err() {
        ClientError::Problem(problem) => *problem,
        other => panic!("{other}"),
    }
}
