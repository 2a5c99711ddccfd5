// Counts what was refused, by account and reason: a client that is refused again and again has a bug, or a question.

export const table = {
  name: "reject_summary",
  // A row for each account, message and reason: the first three columns are the key.
  key: 3,
  columns: [
    { name: "account", kind: "int64", comment: "Account id" },
    { name: "message", kind: "text", comment: "What was refused: order, replace or cancel" },
    { name: "reason", kind: "int64", comment: "The number of the reject reason" },
    { name: "refused", kind: "int64", comment: "How often" },
    { name: "last_time", kind: "timestamp", comment: "When last" },
    { name: "watch", kind: "boolean", comment: "Whether that is often" },
  ],
};

const MESSAGES = { "order-rejected": "order", "replace-rejected": "replace", "cancel-rejected": "cancel" };

// Looks at an event. `state` is an object of what JSON can hold, and BigInt, kept from one event to the next. Numbers of
// 64 bits are BigInt.
export function event(state, event, rows, parameters) {
  const message = MESSAGES[event.kind];
  if (message === undefined) return;
  const key = `${event.account} ${message} ${event.reason}`;
  const refused = (state[key] ?? 0n) + 1n;
  state[key] = refused;
  rows.push([event.account, message, event.reason, refused, event.time, refused >= parameters.watch_from]);
}
