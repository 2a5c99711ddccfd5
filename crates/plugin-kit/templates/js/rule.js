// {{description}}.

export const table = {
  name: "{{table}}",
  // A row for each account: the first column is the key.
  key: 1,
  // Kinds: int64, text, timestamp, float64, boolean.
  columns: [
    { name: "account", kind: "int64", comment: "Account id" },
    { name: "trades", kind: "int64", comment: "Trades that it was the taker of" },
    { name: "quantity", kind: "int64", comment: "What it took, in lots" },
  ],
};

// Looks at an event. `state` is an object of what JSON can hold, and BigInt, kept from one event to the next. Numbers of
// 64 bits are BigInt.
export function event(state, event, rows, parameters) {
  if (event.kind !== "trade" || event.quantity < parameters.min_quantity) return;
  const account = (state[event.account] ??= { trades: 0, quantity: 0n });
  account.trades += 1;
  account.quantity += event.quantity;
  rows.push([event.account, account.trades, account.quantity]);
}
