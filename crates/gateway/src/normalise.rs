//! From the words of the API to commands: names become ids, texts become words and exact decimals. A name the exchange does not
//! know becomes an `UNKNOWN` id, so that the refusal is a sequenced fact like any other.

use engine::State;
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, CancelOrder, ClOrdId,
    CreateInstrument, Decimal, Deposit, InitialBalance, InstrumentId, KillAccount, MAX_INITIAL_BALANCES,
    OpenAccount, OrderType, ReplaceOrder, SelfTradePrevention, SetAccountLimits, SetAccountStatus, SetPhase,
    SubmitOrder, Symbol, TextError, TimeInForce, Timestamp, Withdraw,
};
use order_book::Book;

use crate::api;
use crate::api::Problem;

/// The decimals of a currency nobody described: cents.
const CURRENCY_DECIMALS: u8 = engine::DEFAULT_CURRENCY_DECIMALS;

/// A name of the right form, or the problem with it.
fn text<T: std::str::FromStr<Err = TextError>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: TextError| Problem::bad_field(field, error.to_string()))
}

fn decimal(field: &str, number: api::Number) -> Result<Decimal, Problem> {
    number.decimal().ok_or_else(|| Problem::bad_field(field, api::NumberError::TooLong.to_string()))
}

fn optional(field: &str, number: Option<api::Number>) -> Result<Decimal, Problem> {
    number.map_or(Ok(Decimal::NONE), |number| decimal(field, number))
}

/// The account of a name.
pub fn account(state: &State<Book>, name: &str) -> Result<AccountId, Problem> {
    let name: AccountName = text("account", name)?;
    Ok(state.account_by_name(&name).map_or(AccountId::UNKNOWN, |account| account.id))
}

/// The instrument of a symbol.
pub fn instrument(state: &State<Book>, symbol: &str) -> Result<InstrumentId, Problem> {
    let symbol: Symbol = text("symbol", symbol)?;
    Ok(state.instrument_by_symbol(&symbol).map_or(InstrumentId::UNKNOWN, |it| it.terms.instrument))
}

/// A client's id, or a made one where it left the choice.
pub fn cl_ord_id(field: &str, id: Option<&str>, make: impl FnOnce() -> ClOrdId) -> Result<ClOrdId, Problem> {
    id.map_or_else(|| Ok(make()), |id| text(field, id))
}

/// A new order.
pub fn submit(state: &State<Book>, order: &api::NewOrder, id: ClOrdId) -> Result<SubmitOrder, Problem> {
    let order_type = match (order.ord_type, order.price) {
        (Some(word), _) => word.0,
        (None, Some(_)) => OrderType::Limit,
        (None, None) => OrderType::Market,
    };
    let price = match (order_type, order.price) {
        (OrderType::Limit, None) => return Err(Problem::bad_field("price", "a limit order needs a price")),
        (OrderType::Market, Some(_)) => {
            return Err(Problem::bad_field("price", "a market order takes no price"));
        }
        (_, price) => optional("price", price)?,
    };
    let time_in_force = order
        .time_in_force
        .map_or(if order_type == OrderType::Market { TimeInForce::Ioc } else { TimeInForce::Day }, |word| {
            word.0
        });
    let expire_at = match (time_in_force, order.expire_time) {
        (TimeInForce::Gtd, None) => {
            return Err(Problem::bad_field("expire_time", "a gtd order needs a time to expire"));
        }
        (TimeInForce::Gtd, Some(time)) => time.0,
        (_, Some(_)) => {
            return Err(Problem::bad_field("expire_time", "only a gtd order takes a time to expire"));
        }
        (_, None) => Timestamp::NONE,
    };
    let quantity = decimal("order_qty", order.order_qty)?;
    Ok(SubmitOrder {
        cl_ord_id: id,
        account: account(state, &order.account)?,
        instrument: instrument(state, &order.symbol)?,
        price_units: price.units,
        quantity_units: quantity.units,
        expire_at,
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        side: order.side.0,
        order_type,
        time_in_force,
        post_only: order.post_only,
        self_trade_prevention: order
            .self_trade_prevention
            .map_or(SelfTradePrevention::Default, |word| word.0),
        reserved: 0,
    })
}

/// A change of a working order.
pub fn replace(
    state: &State<Book>,
    account_name: &str,
    id: &str,
    change: &api::ReplaceRequest,
    new_id: ClOrdId,
) -> Result<ReplaceOrder, Problem> {
    let price = optional("price", change.price)?;
    let quantity = optional("order_qty", change.order_qty)?;
    Ok(ReplaceOrder {
        cl_ord_id: text("cl_ord_id", id)?,
        new_cl_ord_id: new_id,
        price_units: price.units,
        quantity_units: quantity.units,
        account: account(state, account_name)?,
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        reserved: [0; 2],
    })
}

/// Taking a working order out.
pub fn cancel(state: &State<Book>, account_name: &str, id: &str) -> Result<CancelOrder, Problem> {
    Ok(CancelOrder { cl_ord_id: text("cl_ord_id", id)?, account: account(state, account_name)?, reserved: 0 })
}

/// Taking all of an account's working orders out, or those in one instrument.
pub fn cancel_all(
    state: &State<Book>,
    account_name: &str,
    symbol: Option<&str>,
) -> Result<CancelAll, Problem> {
    let instrument = symbol.map_or(Ok(InstrumentId::ALL), |symbol| instrument(state, symbol))?;
    Ok(CancelAll { account: account(state, account_name)?, instrument })
}

/// The kill switch.
pub fn kill(state: &State<Book>, account_name: &str) -> Result<KillAccount, Problem> {
    Ok(KillAccount { account: account(state, account_name)?, reserved: 0 })
}

/// A new account.
pub fn open_account(request: &api::NewAccount) -> Result<OpenAccount, Problem> {
    if request.balances.len() > MAX_INITIAL_BALANCES {
        let detail =
            format!("an account is opened with at most {MAX_INITIAL_BALANCES} balances; deposit the others");
        return Err(Problem::bad_field("balances", detail));
    }
    let mut balances = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
    for (at, (place, given)) in balances.iter_mut().zip(&request.balances).enumerate() {
        if request.balances[..at].iter().any(|earlier| earlier.asset == given.asset) {
            let detail = format!("{} is named twice", given.asset);
            return Err(Problem::bad_field(format!("balances[{at}].asset"), detail));
        }
        *place = InitialBalance {
            asset: text(&format!("balances[{at}].asset"), &given.asset)?,
            amount: decimal(&format!("balances[{at}].amount"), given.amount)?,
        };
    }
    let status = request.status.map_or(AccountStatus::Verified, |word| word.0);
    if !matches!(status, AccountStatus::Verified | AccountStatus::Opened) {
        return Err(Problem::bad_field("status", "an account is opened as verified or as opened"));
    }
    Ok(OpenAccount { name: text("account", &request.account)?, balances, status, reserved: [0; 7] })
}

/// Bringing something in.
pub fn deposit(state: &State<Book>, account_name: &str, request: &api::Amount) -> Result<Deposit, Problem> {
    let account = account(state, account_name)?;
    let (asset, amount): (AssetCode, _) =
        (text("asset", &request.asset)?, decimal("amount", request.amount)?);
    Ok(Deposit { asset, amount, account, reserved: 0 })
}

/// Taking something out.
pub fn withdraw(state: &State<Book>, account_name: &str, request: &api::Amount) -> Result<Withdraw, Problem> {
    let Deposit { asset, amount, account, reserved } = deposit(state, account_name, request)?;
    Ok(Withdraw { asset, amount, account, reserved })
}

/// A change of an account's status.
pub fn set_account_status(
    state: &State<Book>,
    account_name: &str,
    request: api::StatusRequest,
) -> Result<SetAccountStatus, Problem> {
    let status = request.status.0;
    if status == AccountStatus::Killed {
        let problem = Problem::bad_field("status", "killed is not a status to set");
        return Err(problem.with_hint("the kill switch is POST /v1/accounts/{account}/kill"));
    }
    Ok(SetAccountStatus { account: account(state, account_name)?, status, reserved: [0; 3] })
}

/// An account's own limits.
pub fn set_account_limits(
    state: &State<Book>,
    account_name: &str,
    limits: api::AccountLimits,
) -> Result<SetAccountLimits, Problem> {
    Ok(SetAccountLimits {
        max_notional: optional("max_notional", limits.max_notional)?,
        account: account(state, account_name)?,
        max_working_orders: limits.max_working_orders.unwrap_or(u32::MAX),
    })
}

/// A new instrument.
pub fn create_instrument(request: &api::NewInstrument) -> Result<CreateInstrument, Problem> {
    let calendar =
        request.calendar.as_deref().map_or(Ok(CalendarName::EMPTY), |name| text("calendar", name))?;
    let mode = request.self_trade_prevention.map_or(SelfTradePrevention::CancelNewest, |word| word.0);
    if mode == SelfTradePrevention::Default {
        return Err(Problem::bad_field("self_trade_prevention", "an instrument needs a mode of its own"));
    }
    Ok(CreateInstrument {
        symbol: text("symbol", &request.symbol)?,
        currency: text("currency", request.currency.as_deref().unwrap_or("USD"))?,
        calendar,
        tick_size: decimal("tick_size", request.tick_size)?,
        lot_size: decimal("lot_size", request.lot_size)?,
        max_quantity: optional("max_qty", request.max_qty)?,
        max_notional: optional("max_notional", request.max_notional)?,
        collar_percent: optional("collar_percent", request.collar_percent)?,
        self_trade_prevention: mode,
        currency_decimals: request.currency_decimals.unwrap_or(CURRENCY_DECIMALS),
        reserved: [0; 6],
    })
}

/// A change of trading phase.
pub fn set_phase(state: &State<Book>, symbol: &str, request: api::PhaseRequest) -> Result<SetPhase, Problem> {
    Ok(SetPhase { instrument: instrument(state, symbol)?, phase: request.phase.0, reserved: [0; 3] })
}
