"""{{description}}."""

TABLE = {
    "name": "{{table}}",
    # A row for each account: the first column is the key.
    "key": 1,
    # Kinds: int64, text, timestamp, float64, boolean.
    "columns": [
        ("account", "int64", "Account id"),
        ("trades", "int64", "Trades that it was the taker of"),
        ("quantity", "int64", "What it took, in lots"),
    ],
}


def event(state, event, rows, parameters):
    """Looks at an event. `state` is a dictionary of what JSON can hold, kept from one event to the next."""
    if event.kind != "trade" or event.quantity < parameters["min_quantity"]:
        return
    account = state.setdefault(str(event.account), {"trades": 0, "quantity": 0})
    account["trades"] += 1
    account["quantity"] += event.quantity
    rows.append([event.account, account["trades"], account["quantity"]])
