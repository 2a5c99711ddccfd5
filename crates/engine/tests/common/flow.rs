//! A random flow over few accounts, ids, prices and quantities, so that everything meets everything: duplicates, crossings,
//! self-trades, empty pockets, expiries, closings.

use super::{account, decimal, instrument};
use model::{
    AccountId, AccountLimitsChanged, AccountStatus, AdvanceTime, AssetCode, CancelAll, CancelOrder, ClOrdId,
    Command, Configure, DayNumber, Decimal, Deposit, InstrumentId, KillAccount, OrderType, Phase,
    ReplaceOrder, SelfTradePrevention, SetAccountLimits, SetAccountStatus, SetPhase, Side, StartTradingDay,
    SubmitOrder, TimeInForce, Timestamp, Withdraw,
};

/// What one step of the flow is made from. Any bytes make a step, and smaller bytes a plainer one.
pub type Dice = [u8; 10];

const ACCOUNTS: u8 = 5;
const IDS: u8 = 24;

/// The commands that every flow begins with: three instruments that differ in everything, five accounts.
pub fn opening() -> Vec<Command> {
    let mut beta = instrument("BETA", "0.5", "0.1");
    beta.self_trade_prevention = SelfTradePrevention::Decrement;
    beta.collar_percent = decimal("15");
    beta.max_quantity = decimal("0.5");
    let mut gamma = instrument("GAMMA", "1", "10");
    gamma.currency = AssetCode::new("EUR").expect("a code");
    gamma.max_notional = decimal("300");
    let mut commands: Vec<Command> = vec![
        Configure {
            max_order_ids: 60,
            max_working_orders: 18,
            max_accounts: u32::from(ACCOUNTS),
            max_instruments: 3,
            reserved: 0,
        }
        .into(),
        instrument("ALFA", "0.01", "1").into(),
        beta.into(),
        gamma.into(),
    ];
    for name in ["ann", "bob", "cy", "dee", "eve"] {
        let rich = [("USD", "300"), ("EUR", "900"), ("ALFA", "40"), ("BETA", "3"), ("GAMMA", "200")];
        commands.push(account(name, if name == "eve" { &rich[..1] } else { &rich }).into());
    }
    commands
}

fn pick<T: Copy>(from: &[T], die: u8) -> T {
    from[usize::from(die) % from.len()]
}

fn cl_ord_id(die: u8) -> ClOrdId {
    ClOrdId::new(&format!("o{}", die % IDS)).expect("an id")
}

/// One in `1 / of` picks something that does not exist.
fn account_id(die: u8) -> AccountId {
    AccountId(u32::from(if die > 250 { ACCOUNTS } else { die % ACCOUNTS }))
}

fn instrument_id(die: u8) -> InstrumentId {
    // Most of the flow is in one instrument, so that its book is deep.
    InstrumentId(match die {
        0..=139 => 0,
        140..=199 => 1,
        200..=251 => 2,
        _ => 3,
    })
}

fn quantity(instrument: InstrumentId, die: u8) -> Decimal {
    let steps = i64::from(die % 8) + i64::from(die % 8 != 7);
    match (die, instrument.0) {
        (255, _) => decimal("-1"),
        (254, _) => decimal("0.05"),
        (253, _) => decimal("922337203685477580"),
        (_, 1) => Decimal::new(steps, 1),
        (_, 2) => Decimal::new(steps * 10, 0),
        (_, _) => Decimal::new(steps, 0),
    }
}

fn price(instrument: InstrumentId, die: u8) -> Decimal {
    let step = i64::from(die % 7);
    match (die, instrument.0) {
        (255, _) => decimal("0"),
        (254, _) => decimal("10.0001"),
        (253, _) => decimal("92233720368547758"),
        (_, 1) => Decimal::new(85 + 5 * step, 1),
        (_, 2) => Decimal::new(5 + step, 0),
        (_, _) => Decimal::new(997 + step, 2),
    }
}

fn submit(now: Timestamp, dice: Dice) -> SubmitOrder {
    let [_, who, what, name, many, much, how, mode, when, post] = dice;
    let instrument = instrument_id(what);
    let order_type = if how % 8 == 7 { OrderType::Market } else { OrderType::Limit };
    let time_in_force = if order_type == OrderType::Market && how < 224 {
        pick(&[TimeInForce::Ioc, TimeInForce::Ioc, TimeInForce::Fok], when)
    } else {
        let all = [TimeInForce::Day, TimeInForce::Gtc, TimeInForce::Gtd, TimeInForce::Ioc, TimeInForce::Fok];
        pick(&all, how / 8)
    };
    let price = if order_type == OrderType::Market { Decimal::NONE } else { price(instrument, much) };
    let quantity = quantity(instrument, many);
    SubmitOrder {
        cl_ord_id: cl_ord_id(name),
        account: account_id(who),
        instrument,
        price_units: price.units,
        quantity_units: quantity.units,
        expire_at: if time_in_force == TimeInForce::Gtd {
            Timestamp(now.0 + (i64::from(when % 32) - 1) * 1_000_000)
        } else {
            Timestamp::NONE
        },
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        side: pick(&[Side::Buy, Side::Sell], post / 32),
        order_type,
        time_in_force,
        post_only: post % 32 > 24,
        self_trade_prevention: pick(SelfTradePrevention::ALL, mode),
        reserved: 0,
    }
}

fn replace(dice: Dice) -> ReplaceOrder {
    let [_, who, what, name, many, much, how, _, new, _] = dice;
    let instrument = instrument_id(what);
    let price = if how.is_multiple_of(3) { Decimal::NONE } else { price(instrument, much) };
    let quantity = if how % 3 == 1 { Decimal::NONE } else { quantity(instrument, many) };
    ReplaceOrder {
        cl_ord_id: cl_ord_id(name),
        new_cl_ord_id: cl_ord_id(new),
        price_units: price.units,
        quantity_units: quantity.units,
        account: account_id(who),
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        reserved: [0; 2],
    }
}

/// A step's command. `day` counts the trading days that began.
pub fn command(now: Timestamp, day: &mut i32, dice: Dice) -> Command {
    let [kind, who, what, name, many, much, how, mode, _, _] = dice;
    let account = account_id(who);
    let amount = quantity(InstrumentId(0), many);
    let asset = pick(&["USD", "EUR", "ALFA", "BETA", "GAMMA", "usd", "GBP"], what);
    let asset = AssetCode::new(asset).expect("a code");
    match kind {
        0..=149 => submit(now, dice).into(),
        150..=194 => replace(dice).into(),
        195..=217 => CancelOrder { cl_ord_id: cl_ord_id(name), account, reserved: 0 }.into(),
        218..=223 => {
            let instrument = if how < 128 { InstrumentId::ALL } else { instrument_id(what) };
            CancelAll { account, instrument }.into()
        }
        224..=231 => {
            // Mostly open: a closed market teaches little.
            let phase = match much {
                255 => Phase::Auction,
                0..=229 => Phase::Open,
                _ => pick(&[Phase::Halted, Phase::Closed], much),
            };
            SetPhase { instrument: instrument_id(what), phase, reserved: [0; 3] }.into()
        }
        232..=239 => Deposit { asset, amount, account, reserved: 0 }.into(),
        240..=243 => Withdraw { asset, amount, account, reserved: 0 }.into(),
        244..=246 => {
            *day += 1;
            StartTradingDay { day: DayNumber(*day), reserved: 0 }.into()
        }
        247 if mode < 8 => KillAccount { account, reserved: 0 }.into(),
        247..=250 => {
            let status = match much {
                0..=219 => AccountStatus::Verified,
                220..=239 => AccountStatus::Suspended,
                _ => AccountStatus::Opened,
            };
            SetAccountStatus { account, status, reserved: [0; 3] }.into()
        }
        251 => {
            let limits = AccountLimitsChanged {
                max_notional: pick(&[Decimal::NONE, Decimal::NONE, decimal("45.125"), decimal("0")], how),
                account,
                max_working_orders: pick(&[u32::MAX, u32::MAX, 4, 2], many),
            };
            SetAccountLimits {
                max_notional: limits.max_notional,
                account,
                max_working_orders: limits.max_working_orders,
            }
            .into()
        }
        252 => opening().swap_remove(usize::from(what) % 9),
        _ => AdvanceTime { now }.into(),
    }
}

/// Random numbers for the program without proptest (`SplitMix64`).
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub fn dice(&mut self) -> Dice {
        let (low, high) = (self.number().to_le_bytes(), self.number().to_le_bytes());
        std::array::from_fn(|at| if at < 8 { low[at] } else { high[at - 8] })
    }
}
