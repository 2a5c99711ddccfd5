"""Asks one engine the ten questions of an export: `ask.py ENGINE DIR`. Answers JSON: {name: {columns, rows}}.

The engine reads the files that the manifest names and nothing else, and gets no help with their types. `ask.py questions` prints the
questions themselves, for whoever asks the log.
"""

import json
import os
import re
import sys

from queries import QUERIES


def files(directory):
    """The files of each table."""
    with open(os.path.join(directory, "manifest.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    tables = {}
    for entry in manifest["parts"] + manifest["reference"]:
        tables.setdefault(entry["table"], []).append(os.path.join(directory, entry["path"]))
    return tables


def duckdb(directory):
    import duckdb

    connection = duckdb.connect()
    for table, paths in files(directory).items():
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({paths}, hive_partitioning = true)")

    def ask(sql):
        cursor = connection.execute(sql)
        return [column[0] for column in cursor.description], cursor.fetchall()

    return ask


def spark(directory):
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("outcry")
    for key, value in {
        "spark.driver.memory": "512m",
        # Ten small questions: what takes time is the Java that has to warm up.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.default.parallelism": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": os.path.join(os.environ.get("TMPDIR", "/tmp"), "outcry-no-warehouse"),
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for table, paths in files(directory).items():
        base = os.path.join(directory, table)
        session.read.option("basePath", base).parquet(*paths).createOrReplaceTempView(table)

    def ask(sql):
        frame = session.sql(sql)
        return frame.columns, [tuple(row) for row in frame.collect()]

    return ask


def chdb(directory):
    import chdb

    tables = files(directory)

    def ask(sql):
        ctes = []
        for table in QUERIES_TABLES[sql]:
            # A brace lists the files: each engine has its own way to say that.
            paths = ",".join(os.path.relpath(path, directory) for path in tables[table])
            pattern = paths if "," not in paths else "{" + paths + "}"
            source = f"file('{os.path.join(directory, pattern)}', Parquet)"
            ctes.append(f"{table} AS (SELECT * FROM {source})")
        sql = sql.strip()
        head = "WITH " + ", ".join(ctes)
        sql = head + ", " + sql.removeprefix("WITH ") if sql.startswith("WITH ") else head + " " + sql
        answer = json.loads(str(chdb.query(sql, "JSONCompact")), parse_float=str)
        return [column["name"] for column in answer["meta"]], answer["data"]

    return ask


QUERIES_TABLES = {sql: tables for tables, sql in QUERIES.values()}


def plain(value):
    """A value as all engines can say it. Zeros at the end of a decimal number are a matter of taste."""
    if value is None:
        return None
    text = str(value)
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text


def main():
    if sys.argv[1] == "questions":
        json.dump({name: " ".join(sql.split()) for name, (_, sql) in QUERIES.items()}, sys.stdout)
        return
    engine, directory = sys.argv[1], os.path.abspath(sys.argv[2])
    ask = {"duckdb": duckdb, "spark": spark, "chdb": chdb}[engine](directory)
    answers = {}
    for name, (_, sql) in QUERIES.items():
        columns, rows = ask(sql)
        answers[name] = {"columns": list(columns), "rows": [[plain(value) for value in row] for row in rows]}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
