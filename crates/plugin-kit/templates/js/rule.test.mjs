// node --test tests/
import assert from "node:assert/strict";
import test from "node:test";
import { event, table } from "../rule.js";

function rowsOf(...events) {
  const state = {};
  const rows = [];
  for (const one of events) event(state, one, rows, { min_quantity: 5n });
  for (const row of rows) assert.equal(row.length, table.columns.length);
  return rows;
}

test("takers are counted", () => {
  const trade = (account, quantity) => ({ kind: "trade", account, quantity });
  const rows = rowsOf(trade(7, 10n), trade(8, 5n), trade(7, 20n), trade(7, 4n));
  assert.deepEqual(rows, [
    [7, 1, 10n],
    [8, 1, 5n],
    [7, 2, 30n],
  ]);
});

test("other events are nothing", () => {
  assert.deepEqual(rowsOf({ kind: "order-accepted" }), []);
});
