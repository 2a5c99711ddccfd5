// node --test tests/
import assert from "node:assert/strict";
import test from "node:test";
import { event, table } from "../rule.js";

function rowsOf(...events) {
  const state = {};
  const rows = [];
  for (const one of events) event(state, one, rows, { watch_from: 2n });
  for (const row of rows) assert.equal(row.length, table.columns.length);
  return rows;
}

const refusal = (kind, account, reason, time) => ({ kind, account, reason, time });

test("refusals are counted by account, message and reason", () => {
  const rows = rowsOf(
    refusal("order-rejected", 7, 5, 1n),
    refusal("order-rejected", 7, 5, 2n),
    refusal("order-rejected", 7, 6, 3n),
    refusal("order-rejected", 8, 5, 4n),
    refusal("cancel-rejected", 7, 5, 5n),
  );
  assert.deepEqual(
    rows.map((row) => [row[0], row[1], row[2], row[3], row[5]]),
    [
      [7, "order", 5, 1n, false],
      [7, "order", 5, 2n, true],
      [7, "order", 6, 1n, false],
      [8, "order", 5, 1n, false],
      [7, "cancel", 5, 1n, false],
    ],
  );
});

test("what was not refused is not counted", () => {
  assert.deepEqual(rowsOf({ kind: "trade", account: 7 }, { kind: "order-accepted", account: 7 }), []);
});
