#!/usr/bin/env python3
"""Plots one-minute candles of an instrument, from the log of an exchange that may be trading.

    outcry sql extension
    python3 examples/candles.py data/dev AAPL candles.svg

Needs the package duckdb (pip install duckdb) and nothing else. With the package matplotlib, the file may also be a .png or
a .pdf.
"""

import argparse
import html
import os
from decimal import Decimal

import duckdb

# Sequence orders everything, time does not: the first price of a minute is that of the least sequence number.
CANDLES = """
    SELECT time_bucket(to_seconds($seconds), time) AS start,
           arg_min(price, sequence) AS open, max(price) AS high, min(price) AS low, arg_max(price, sequence) AS close,
           sum(quantity) AS volume, count(*) AS trades
    FROM trades(store := $store, symbol := $symbol) GROUP BY ALL ORDER BY start
"""

GREEN, RED, GREY = "#2a9d5c", "#c8443c", "#888888"


def read(extension, store, symbol, seconds):
    """The candles, oldest first."""
    # The extension is not signed by DuckDB's makers, so loading it must be allowed.
    con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    con.load_extension(os.path.abspath(extension))
    return con.execute(CANDLES, {"store": store, "symbol": symbol, "seconds": seconds}).fetchall()


def svg(candles, title):
    """The picture, in nothing but text."""
    width, height, left, top, bottom = 960, 480, 72, 40, 40
    least, most = min(candle[3] for candle in candles), max(candle[2] for candle in candles)
    span = (most - least) or Decimal(1)
    step = (width - left - 16) / len(candles)

    def x(number):
        return left + (number + 0.5) * step

    def y(price):
        return top + float((most - price) / span) * (height - top - bottom)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/><text x="{left}" y="24" font-size="16">{html.escape(title)}</text>',
    ]
    for line in range(5):
        price = least + span * line / 4
        parts.append(
            f'<path d="M{left} {y(price):.1f}H{width - 16}" stroke="#dddddd"/>'
            f'<text x="{left - 8}" y="{y(price) + 4:.1f}" text-anchor="end">{price:.2f}</text>'
        )
    for number, (start, opening, high, low, close, volume, trades) in enumerate(candles):
        colour = GREEN if close > opening else RED if close < opening else GREY
        body = max(abs(y(opening) - y(close)), 1)
        parts.append(
            f'<g class="candle" stroke="{colour}" fill="{colour}"><path d="M{x(number):.1f} {y(high):.1f}V{y(low):.1f}"/>'
            f'<rect x="{x(number) - step * 0.35:.1f}" y="{min(y(opening), y(close)):.1f}" width="{step * 0.7:.1f}" height="{body:.1f}"/>'
            f"<title>{start} UTC: {opening} {high} {low} {close}, {volume} in {trades} trades</title></g>"
        )
    for number in range(0, len(candles), max(len(candles) // 8, 1)):
        parts.append(
            f'<text x="{x(number):.1f}" y="{height - 14}" text-anchor="middle">{candles[number][0]:%H:%M}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def plot(candles, title, file):
    """The picture, in whatever format matplotlib writes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(12, 6))
    for number, (_, opening, high, low, close, _, _) in enumerate(candles):
        colour = GREEN if close > opening else RED if close < opening else GREY
        axes.vlines(number, float(low), float(high), color=colour)
        axes.bar(number, float(close - opening), bottom=float(opening), color=colour, edgecolor=colour, width=0.7)
    ticks = range(0, len(candles), max(len(candles) // 8, 1))
    axes.set_xticks(ticks, [f"{candles[tick][0]:%H:%M}" for tick in ticks])
    axes.set_title(title)
    figure.savefig(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", help="the directory of the store")
    parser.add_argument("symbol", help="the instrument")
    parser.add_argument("file", help="the picture: .svg, or what matplotlib writes")
    parser.add_argument("--seconds", type=int, default=60, help="how long a candle is (60)")
    parser.add_argument("--extension", default="outcry.duckdb_extension", help='what "outcry sql extension" wrote')
    args = parser.parse_args()
    try:
        candles = read(args.extension, args.store, args.symbol, args.seconds)
    except duckdb.Error as error:
        raise SystemExit(f"error: {error}")
    if not candles:
        raise SystemExit(f"error: there are no trades in {args.symbol}")
    title = f"{args.symbol}, {len(candles)} candles of {args.seconds} s from {candles[0][0]:%Y-%m-%d %H:%M} UTC"
    if args.file.endswith(".svg"):
        with open(args.file, "w", encoding="utf-8") as file:
            file.write(svg(candles, title))
    else:
        plot(candles, title, args.file)
    print(f"{sum(candle[6] for candle in candles)} trades in {len(candles)} candles: {args.file}")


main()
