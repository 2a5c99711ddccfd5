"""python3 -m unittest discover -s tests"""

import pathlib
import sys
import unittest
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import rule


def rows_of(*events):
    state, rows = {}, []
    for event in events:
        rule.event(state, event, rows, {"min_quantity": 5})
    assert all(len(row) == len(rule.TABLE["columns"]) for row in rows)
    return rows


class Takers(unittest.TestCase):
    def test_takers_are_counted(self):
        trades = [(7, 10), (8, 5), (7, 20), (7, 4)]
        rows = rows_of(*(SimpleNamespace(kind="trade", account=who, quantity=lots) for who, lots in trades))
        self.assertEqual(rows, [[7, 1, 10], [8, 1, 5], [7, 2, 30]])

    def test_other_events_are_nothing(self):
        self.assertEqual(rows_of(SimpleNamespace(kind="order-accepted")), [])


if __name__ == "__main__":
    unittest.main()
