//! The state of the exchange: everything that is a fold over the events, and the questions one can ask it.

use crate::accounts::{Account, Accounts};
use crate::activity::{Activities, Activity};
use crate::assets::{Asset, Assets};
use crate::bounds::Bounds;
use crate::instruments::{Instrument, Instruments};
use crate::ledger::{Balance, Ledger};
use crate::orders::{Order, Orders};
use crate::remembered::{Fingerprint, Remembered};
use crate::rulebook::{Rule, RuleBook};
use crate::timers::Timers;
use model::{
    AccountId, AccountName, AssetCode, AssetId, ClOrdId, DayNumber, InstrumentId, OrderId, Phase, Price,
    RuleActivated, RuleId, RuleName, Symbol, Timestamp, TradeId,
};
use order_book::OrderBook;

/// The state of the exchange. Changed by [`evolve`](crate::evolve) alone.
#[derive(Clone, Debug)]
pub struct State<B: OrderBook = order_book::Book> {
    pub(crate) bounds: Bounds,
    /// Whether `Configured` set the bounds.
    pub(crate) configured: bool,
    pub(crate) trading_day: Option<DayNumber>,
    pub(crate) next_trade: TradeId,
    pub(crate) assets: Assets,
    pub(crate) instruments: Instruments<B>,
    pub(crate) accounts: Accounts,
    pub(crate) ledger: Ledger,
    pub(crate) orders: Orders,
    pub(crate) remembered: Remembered,
    pub(crate) timers: Timers,
    pub(crate) activities: Activities,
    pub(crate) rule_book: RuleBook,
}

/// What a client order id stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// An order that works.
    Working(OrderId),
    /// An order that worked today: filled, canceled, expired, or replaced and working under another id.
    TooLate,
    /// Nothing: never used, or free again.
    Unknown,
}

impl<B: OrderBook> Default for State<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: OrderBook> State<B> {
    /// An exchange to which nothing has happened.
    pub fn new() -> Self {
        Self {
            bounds: Bounds::default(),
            configured: false,
            trading_day: None,
            next_trade: TradeId(1),
            assets: Assets::default(),
            instruments: Instruments::default(),
            accounts: Accounts::default(),
            ledger: Ledger::default(),
            orders: Orders::default(),
            remembered: Remembered::default(),
            timers: Timers::default(),
            activities: Activities::default(),
            rule_book: RuleBook::default(),
        }
    }

    /// Whether nothing has happened yet, so that it may be configured.
    pub(crate) fn is_pristine(&self) -> bool {
        !self.configured && self.trading_day.is_none() && self.assets.len() == 0 && self.accounts.len() == 0
    }

    /// The exchange's bounds.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The trading day, once one has started.
    pub const fn trading_day(&self) -> Option<DayNumber> {
        self.trading_day
    }

    /// The number the next trade will have.
    pub const fn next_trade_id(&self) -> TradeId {
        self.next_trade
    }

    /// All instruments, in the order of their ids.
    pub fn instruments(&self) -> impl ExactSizeIterator<Item = &Instrument<B>> {
        self.instruments.iter()
    }

    /// An instrument.
    #[inline]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument<B>> {
        self.instruments.get(id)
    }

    /// The instrument of a symbol.
    pub fn instrument_by_symbol(&self, symbol: &Symbol) -> Option<&Instrument<B>> {
        self.instruments.by_symbol(symbol)
    }

    /// An instrument's resting orders. Panics when there is no such instrument.
    pub fn book(&self, id: InstrumentId) -> &B {
        &self.instruments.get(id).expect("an id from this state's own instruments").book
    }

    /// The price of an instrument's last trade, in ticks. `None` before the first, or when there is no such instrument.
    pub fn last_price(&self, id: InstrumentId) -> Option<Price> {
        self.instruments.get(id)?.last_price
    }

    /// What an instrument accepts at the moment. `None` when there is no such instrument.
    pub fn phase(&self, id: InstrumentId) -> Option<Phase> {
        self.instruments.get(id).map(|instrument| instrument.phase)
    }

    /// All accounts, in the order of their ids.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.accounts.iter()
    }

    /// An account.
    #[inline]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// The account of a name.
    pub fn account_by_name(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.by_name(name)
    }

    /// All assets, in the order of their ids.
    pub fn assets(&self) -> impl ExactSizeIterator<Item = &Asset> {
        self.assets.iter()
    }

    /// An asset.
    pub fn asset(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get(id)
    }

    /// The asset of a code.
    pub fn asset_by_code(&self, code: &AssetCode) -> Option<&Asset> {
        self.assets.by_code(code)
    }

    /// What an account has of an asset; nothing when there is no such account or asset.
    #[inline]
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        self.ledger.balance(account, asset)
    }

    /// A working order.
    #[inline]
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(id)
    }

    /// All working orders, in no particular order.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// How many orders work.
    pub fn order_count(&self) -> usize {
        self.orders.len()
    }

    /// Remembers no client order ids from now on, which are most of a busy day's state. For those who only fold events: such a state
    /// finds no order by its client's id, so nobody may ask it to decide.
    #[must_use]
    pub fn without_client_order_ids(mut self) -> Self {
        self.remembered.switch_off();
        self
    }

    /// How many client order ids are remembered this trading day.
    pub fn remembered_order_ids(&self) -> u64 {
        self.remembered.len()
    }

    /// What a client order id stands for.
    #[inline]
    pub fn find_order(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Found {
        let Some(slot) = self.remembered.find(Fingerprint::of(account, cl_ord_id)) else {
            return Found::Unknown;
        };
        match self.orders.slot(slot) {
            Some(order)
                if order.id != OrderId::NONE && order.account == account && order.cl_ord_id == *cl_ord_id =>
            {
                Found::Working(order.id)
            }
            _ => Found::TooLate,
        }
    }

    /// An account's working orders, oldest first. None when there is no such account.
    pub fn working_orders(&self, account: AccountId) -> impl Iterator<Item = &Order> {
        self.accounts.get(account).into_iter().flat_map(|account| self.orders.of(account.ages))
    }

    /// What an account has been doing in an instrument; nothing when there is no such account or instrument.
    pub fn activity(&self, account: AccountId, instrument: InstrumentId) -> Activity {
        self.activities.get(account, instrument)
    }

    /// All rules, in the order of their ids.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rule_book.iter()
    }

    /// A rule.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rule_book.get(id)
    }

    /// The rule of a name.
    pub fn rule_by_name(&self, name: &RuleName) -> Option<&Rule> {
        self.rule_book.by_name(name)
    }

    /// Lets a rule be asked about every order from now on as a shadow is, without being part of the state: for trying it on a
    /// log. `activation` names [`RuleId::CANDIDATE`] and [`ActivationId::CANDIDATE`](model::ActivationId::CANDIDATE), and its
    /// events carry them.
    pub fn try_out(&mut self, activation: &RuleActivated) {
        debug_assert_eq!((activation.rule, activation.mode), (RuleId::CANDIDATE, model::RuleMode::Shadow));
        self.rule_book.try_out(activation);
    }

    /// The activations that are in force or shadow, and are not suspended, in no particular order.
    pub fn active_rules(&self) -> impl Iterator<Item = &RuleActivated> {
        self.rule_book.iter().flat_map(|rule| [rule.enforced.asked(), rule.shadow.asked()]).flatten()
    }

    /// When the next timer is due. The sequencer puts an `AdvanceTime` before a command stamped at or after it.
    #[inline]
    pub fn next_timer(&self) -> Option<Timestamp> {
        self.timers.next()
    }
}
