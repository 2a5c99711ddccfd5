"""python3 -m unittest discover -s tests"""

import pathlib
import sys
import unittest
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import rule


def trade(trade_id, notional, instrument=1):
    return SimpleNamespace(
        kind="trade",
        trade_id=trade_id,
        time=trade_id,
        instrument=instrument,
        price=100,
        quantity=10,
        notional=notional,
        maker_account=7,
        account=8,
    )


def rows_of(*events):
    state, rows = {}, []
    for event in events:
        rule.event(state, event, rows, {"min_notional": 1000})
    assert all(len(row) == len(rule.TABLE["columns"]) for row in rows)
    return rows


class LargeTrades(unittest.TestCase):
    def test_only_large_trades_are_listed(self):
        rows = rows_of(trade(1, 999), trade(2, 1000))
        self.assertEqual([row[0] for row in rows], [2])
        self.assertEqual(rows[0][5:8], [1000, 7, 8])

    def test_the_share_is_of_the_instrument_and_the_day(self):
        day = SimpleNamespace(kind="trading-day-started", reason=20_000)
        rows = rows_of(trade(1, 1000), trade(2, 9000, instrument=2), trade(3, 3000), day, trade(4, 1000))
        self.assertEqual([row[8] for row in rows], [1.0, 1.0, 0.75, 1.0])

    def test_other_events_are_nothing(self):
        self.assertEqual(rows_of(SimpleNamespace(kind="order-accepted")), [])


if __name__ == "__main__":
    unittest.main()
