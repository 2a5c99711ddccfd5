"""Asks a DuckDB that has loaded the extension. Standard input is a JSON object: the path of the `extension`, the `queries`,
how many `threads` ask them all and how many `times`. Standard output is an array, one element an asking thread, each with an
element a query and time: {"rows": [{column: value}]} or {"error": text}.
"""

import datetime
import decimal
import json
import sys
import threading

import duckdb


def plain(value):
    if isinstance(value, (decimal.Decimal, datetime.date, datetime.datetime)):
        return str(value)
    return value


def ask(con, query):
    try:
        answer = con.execute(query)
        names = [column[0] for column in answer.description]
        return {"rows": [dict(zip(names, map(plain, row))) for row in answer.fetchall()]}
    except duckdb.Error as error:
        return {"error": str(error)}


def main():
    asked = json.load(sys.stdin)
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.load_extension(asked["extension"])
    threads, times = asked.get("threads", 1), asked.get("times", 1)
    answers = [[] for _ in range(threads)]

    def run(mine):
        own = con.cursor()
        for _ in range(times):
            mine.extend(ask(own, query) for query in asked["queries"])

    running = [threading.Thread(target=run, args=(mine,)) for mine in answers]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(json.dumps({"duckdb": duckdb.__version__, "answers": answers}))


main()
