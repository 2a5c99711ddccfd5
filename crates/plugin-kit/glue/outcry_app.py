# Between a reporting rule in Python (rule.py: TABLE and event) and the contract. Part of the component, not of the rule.
import json
from types import SimpleNamespace

import rule
from outcry_parameters import PARAMETERS
from wit_world import exports
from wit_world.exports.reporting_rule import (
    Column,
    ColumnKind,
    EventKind,
    Report,
    Table,
    Value_Boolean,
    Value_Float64,
    Value_Int64,
    Value_Null,
    Value_Text,
)

KINDS = {
    "int64": (ColumnKind.INT64, Value_Int64, int),
    "text": (ColumnKind.TEXT, Value_Text, str),
    "timestamp": (ColumnKind.TIMESTAMP, Value_Int64, int),
    "float64": (ColumnKind.FLOAT64, Value_Float64, float),
    "boolean": (ColumnKind.BOOLEAN, Value_Boolean, bool),
}
EVENTS = {kind: kind.name.lower().replace("_", "-") for kind in EventKind}
COLUMNS = [KINDS[kind] for _, kind, _ in rule.TABLE["columns"]]
KEY = rule.TABLE["key"]
WRONG_PARAMETERS = 65535

parameters = {}


def text(words):
    raw = b"".join(word.to_bytes(8, "little", signed=True) for word in words)
    return raw.rstrip(b"\0").decode("ascii")


def read_parameters(words):
    read = {}
    for name, kind in PARAMETERS:
        if kind in ("int", "price-ticks"):
            read[name], words = words[0], words[1:]
        elif kind == "text":
            read[name], words = text(words[:2]), words[2:]
        elif kind == "list-int":
            read[name], words = list(words), []
        else:
            read[name], words = [text(words[at : at + 2]) for at in range(0, len(words), 2)], []
    if words:
        raise ValueError("more words than parameters")
    return read


def value(column, given):
    _, make, convert = column
    return Value_Null() if given is None else make(convert(given))


class ReportingRule(exports.ReportingRule):
    def configure(self, words):
        try:
            parameters.update(read_parameters(list(words)))
        except (IndexError, ValueError):
            return WRONG_PARAMETERS
        return 0

    def describe(self):
        columns = [Column(name, KINDS[kind][0], comment) for name, kind, comment in rule.TABLE["columns"]]
        return Table(rule.TABLE["name"], columns, KEY)

    def process(self, state, events):
        state = json.loads(state) if state else {}
        rows = []
        for event in events:
            fields = dict(vars(event), kind=EVENTS[event.kind])
            rule.event(state, SimpleNamespace(**fields), rows, parameters)
        if KEY:
            # Of rows with the same key the last one stays.
            rows = list({tuple(row[:KEY]): row for row in rows}.values())
        for row in rows:
            if len(row) != len(COLUMNS):
                raise ValueError("a row has a value for every column")
        report = [[value(column, given) for column, given in zip(COLUMNS, row)] for row in rows]
        return Report(json.dumps(state, separators=(",", ":")).encode(), report)
