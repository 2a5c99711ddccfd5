"""Lists trades of a large value, with the share that they were of all that had traded in the instrument that day."""

NANOS_PER_DAY = 86_400_000_000_000

TABLE = {
    "name": "large_trades",
    # A row for each trade: the first column is the key.
    "key": 1,
    "columns": [
        ("trade_id", "int64", "The trade"),
        ("time", "timestamp", "When"),
        ("instrument", "int64", "Instrument id"),
        ("price", "int64", "In ticks"),
        ("quantity", "int64", "In lots"),
        ("notional", "int64", "Value in minor units of the currency"),
        ("maker", "int64", "Account id of the resting side"),
        ("taker", "int64", "Account id of the incoming side"),
        ("share", "float64", "Of the value traded in the instrument that day, this trade included"),
    ],
}


def event(state, event, rows, parameters):
    """Looks at an event. `state` is a dictionary of what JSON can hold, kept from one event to the next."""
    if event.kind == "trading-day-started":
        state.clear()
        state["day"] = event.reason
    if event.kind != "trade":
        return
    state.setdefault("day", event.time // NANOS_PER_DAY)
    traded = state.setdefault("traded", {})
    instrument = str(event.instrument)
    traded[instrument] = traded.get(instrument, 0) + event.notional
    if event.notional >= parameters["min_notional"]:
        rows.append(
            [
                event.trade_id,
                event.time,
                event.instrument,
                event.price,
                event.quantity,
                event.notional,
                event.maker_account,
                event.account,
                event.notional / traded[instrument],
            ]
        )
