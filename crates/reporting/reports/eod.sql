-- The day's closing: what different tables say about the same things must be the same. `differs` is how many units they are apart. Each
-- table is gone through once, up to the record $last. (A macro cannot hand a parameter on to a table function.)
WITH dealt AS MATERIALIZED (
    SELECT count(*) AS trades, coalesce(sum(quantity_lots), 0) AS lots, coalesce(sum(notional_minor), 0) AS minor FROM trades(to_seq := $last)
), executed AS MATERIALIZED (
    SELECT count(*) AS executions, coalesce(sum(last_quantity_lots), 0) AS lots FROM executions(to_seq := $last)
), ordered AS MATERIALIZED (
    SELECT symbol, side, count(*) AS orders, sum(cum_lots) AS cum, sum(leaves_lots) AS leaves,
           sum(CAST(leaves_lots AS HUGEINT) * coalesce(price_ticks, 0)) AS worth
    FROM orders(to_seq := $last) GROUP BY ALL
), accepted AS MATERIALIZED (
    SELECT count(*) AS orders FROM events(to_seq := $last) WHERE kind = 'OrderAccepted'
), booked AS MATERIALIZED (
    SELECT account, asset, entry, CAST(time AS DATE) AS trade_date, symbol, sum(amount_minor) AS minor, sum(greatest(amount_minor, 0)) AS gained
    FROM ledger(to_seq := $last) WHERE amount_minor <> 0 GROUP BY ALL
), owned AS MATERIALIZED (
    SELECT account, asset, is_instrument, total_minor, held_minor FROM balances(to_seq := $last)
), obliged AS MATERIALIZED (
    SELECT trade_date, account, symbol, sum(lots) AS lots, sum(minor) AS minor FROM (
        SELECT CAST(time AS DATE) AS trade_date, symbol, unnest([buyer, seller]) AS account, unnest([quantity_lots, -quantity_lots]) AS lots,
               unnest([-notional_minor, notional_minor]) AS minor
        FROM trades(to_seq := $last)
    ) GROUP BY ALL
), moved AS (
    SELECT trade_date, account, symbol, coalesce(sum(minor) FILTER (asset = symbol), 0) AS lots, coalesce(sum(minor) FILTER (asset <> symbol), 0) AS minor
    FROM booked WHERE entry = 'trade' GROUP BY ALL
), held AS (
    SELECT coalesce(sum(leaves) FILTER (side = 'sell'), 0) AS lots,
           coalesce(sum(worth * i.tick_value_minor) FILTER (side = 'buy'), 0) AS minor
    FROM ordered JOIN instruments i USING (symbol)
), checks AS (
    SELECT 1 AS number, 'executions are two for each trade' AS what, (SELECT 2 * trades FROM dealt) AS expected, (SELECT executions FROM executed) AS found
    UNION ALL SELECT 2, 'lots executed are twice the lots traded', (SELECT 2 * lots FROM dealt), (SELECT lots FROM executed)
    UNION ALL SELECT 3, 'lots that orders got are the lots executed', (SELECT lots FROM executed), (SELECT coalesce(sum(cum), 0) FROM ordered)
    UNION ALL SELECT 4, 'orders accepted are orders over and orders working', (SELECT orders FROM accepted), (SELECT coalesce(sum(orders), 0) FROM ordered)
    UNION ALL SELECT 5, 'assets whose ledger does not sum to zero', 0, (SELECT count(*) FROM (SELECT asset FROM booked GROUP BY asset HAVING sum(minor) <> 0))
    UNION ALL SELECT 6, 'balances that the ledger does not come to', 0,
        (SELECT count(*) FROM (SELECT account, asset, sum(minor) AS minor FROM booked WHERE account IS NOT NULL GROUP BY ALL) l
         FULL JOIN owned b ON l.account = b.account AND l.asset = b.asset WHERE coalesce(l.minor, 0) <> coalesce(b.total_minor, 0))
    UNION ALL SELECT 7, 'cash that changed hands is what trades were worth', (SELECT minor FROM dealt),
        (SELECT coalesce(sum(gained), 0) FROM booked WHERE entry = 'trade' AND asset <> symbol)
    UNION ALL SELECT 8, 'settlement nets that do not sum to zero', 0,
        (SELECT count(*) FROM (SELECT trade_date, symbol FROM obliged GROUP BY ALL HAVING sum(lots) <> 0 OR sum(minor) <> 0))
    UNION ALL SELECT 9, 'obligations that the ledger has not moved in full', 0,
        (SELECT count(*) FROM obliged o FULL JOIN moved m ON o.trade_date = m.trade_date AND o.account = m.account AND o.symbol = m.symbol
         WHERE coalesce(o.lots, 0) <> coalesce(m.lots, 0) OR coalesce(o.minor, 0) <> coalesce(m.minor, 0))
    UNION ALL SELECT 10, 'lots that sells hold are lots that working sells have left',
        (SELECT lots FROM held), (SELECT coalesce(sum(held_minor), 0) FROM owned WHERE is_instrument)
    UNION ALL SELECT 11, 'cash that buys hold is what working buys may pay',
        (SELECT minor FROM held), (SELECT coalesce(sum(held_minor), 0) FROM owned WHERE NOT is_instrument)
)
SELECT (SELECT last_date FROM log(to_seq := $last)) AS trade_date, number, what, CAST(expected AS HUGEINT) AS expected, CAST(found AS HUGEINT) AS found,
       CAST(found - expected AS HUGEINT) AS differs, found = expected AS ok, (SELECT last_sequence FROM log(to_seq := $last)) AS last_sequence
FROM checks ORDER BY number
