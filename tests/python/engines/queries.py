"""Ten questions that four engines have to answer alike.

Each is SQL that DuckDB, Spark and ClickHouse understand word for word; `outcry sql` asks the same of the log itself. What
differs between them is kept out: sums are cast to BIGINT (each engine sums into a type of its own), there is no
division, every answer is ordered to the last row, and no column is nullable without being asked for as such.
"""

# name -> (tables, SQL)
QUERIES = {
    "how_many": (
        ["events", "commands", "trades", "order_events"],
        """
        SELECT what, rows_there, first, last FROM (
            SELECT 'commands' AS what, COUNT(*) AS rows_there, MIN(sequence) AS first, MAX(sequence) AS last FROM commands
            UNION ALL
            SELECT 'events' AS what, COUNT(*) AS rows_there, MIN(sequence) AS first, MAX(sequence) AS last FROM events
            UNION ALL
            SELECT 'order_events' AS what, COUNT(*) AS rows_there, MIN(sequence) AS first, MAX(sequence) AS last FROM order_events
            UNION ALL
            SELECT 'trades' AS what, COUNT(*) AS rows_there, MIN(sequence) AS first, MAX(sequence) AS last FROM trades
        ) counted ORDER BY what
        """,
    ),
    "volume_by_symbol": (
        ["trades"],
        """
        SELECT symbol, COUNT(*) AS trades, CAST(SUM(quantity_lots) AS BIGINT) AS lots,
               CAST(SUM(notional_minor) AS BIGINT) AS worth_minor,
               MIN(price_ticks) AS low, MAX(price_ticks) AS high
        FROM trades GROUP BY symbol ORDER BY symbol
        """,
    ),
    # Decimals to the last digit.
    "value_by_currency": (
        ["trades"],
        """
        SELECT currency, CAST(SUM(notional) AS DECIMAL(38, 8)) AS worth, MAX(price) AS highest,
               COUNT(DISTINCT price) AS prices
        FROM trades GROUP BY currency ORDER BY currency
        """,
    ),
    # Opening and closing prices need the order of the log, not of the clock.
    "candles": (
        ["trades"],
        """
        WITH numbered AS (
            SELECT symbol, time_ns - time_ns % 1000000000 AS start_ns, price_ticks, quantity_lots, sequence,
                   ROW_NUMBER() OVER (PARTITION BY symbol, time_ns - time_ns % 1000000000 ORDER BY sequence) AS from_first,
                   ROW_NUMBER() OVER (PARTITION BY symbol, time_ns - time_ns % 1000000000 ORDER BY sequence DESC) AS from_last
            FROM trades
        )
        SELECT symbol, start_ns, MAX(CASE WHEN from_first = 1 THEN price_ticks END) AS open, MAX(price_ticks) AS high,
               MIN(price_ticks) AS low, MAX(CASE WHEN from_last = 1 THEN price_ticks END) AS close,
               CAST(SUM(quantity_lots) AS BIGINT) AS volume, COUNT(*) AS trades
        FROM numbered GROUP BY symbol, start_ns ORDER BY symbol, start_ns
        """,
    ),
    # The same events, seen as what happened to orders and as what was traded.
    "fills_of_accounts": (
        ["order_events"],
        """
        SELECT account, side, liquidity, COUNT(*) AS fills, CAST(SUM(last_quantity_lots) AS BIGINT) AS lots,
               CAST(SUM(last_notional_minor) AS BIGINT) AS worth_minor
        FROM order_events WHERE exec_type = 'trade'
        GROUP BY account, side, liquidity ORDER BY account, side, liquidity
        """,
    ),
    "how_orders_ended": (
        ["order_events"],
        """
        SELECT exec_type, COALESCE(ord_status, '-') AS status, COALESCE(reason, '-') AS why, COUNT(*) AS steps,
               COUNT(DISTINCT order_id) AS orders
        FROM order_events GROUP BY exec_type, COALESCE(ord_status, '-'), COALESCE(reason, '-')
        ORDER BY exec_type, status, why
        """,
    ),
    "kinds_of_events": (
        ["events"],
        """
        SELECT kind, COUNT(*) AS events, COUNT(symbol) AS with_symbol, COUNT(DISTINCT command_sequence) AS commands,
               MAX(LENGTH(fields)) AS longest
        FROM events GROUP BY kind ORDER BY kind
        """,
    ),
    # Double entry: every asset sums to zero.
    "ledger_sums": (
        ["ledger", "assets"],
        """
        SELECT l.asset AS asset, a.decimals AS decimals, COUNT(*) AS entries, CAST(SUM(l.amount_minor) AS BIGINT) AS total,
               CAST(SUM(CASE WHEN l.account IS NULL THEN l.amount_minor ELSE 0 END) AS BIGINT) AS outside
        FROM ledger l JOIN assets a ON a.asset = l.asset
        GROUP BY l.asset, a.decimals ORDER BY l.asset
        """,
    ),
    # A join of what was asked with what came of it.
    "commands_and_their_trades": (
        ["commands", "trades", "instruments"],
        """
        SELECT c.kind AS kind, t.symbol AS symbol, i.currency AS currency, COUNT(DISTINCT c.sequence) AS commands, COUNT(*) AS trades,
               MIN(t.sequence - c.sequence) AS nearest
        FROM commands c JOIN trades t ON t.command_sequence = c.sequence JOIN instruments i ON i.symbol = t.symbol
        GROUP BY c.kind, t.symbol, i.currency ORDER BY c.kind, t.symbol
        """,
    ),
    # Timestamps, to the microsecond that all engines have; and the widest spread.
    "quotes_by_symbol": (
        ["quotes"],
        """
        SELECT symbol, COUNT(*) AS changes, MAX(ask_ticks - bid_ticks) AS widest,
               COUNT(CASE WHEN bid_ticks IS NULL OR ask_ticks IS NULL THEN 1 END) AS one_sided,
               CAST(SUM(SECOND(time)) AS BIGINT) AS seconds
        FROM quotes GROUP BY symbol ORDER BY symbol
        """,
    ),
}
