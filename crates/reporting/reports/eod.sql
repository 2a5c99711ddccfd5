-- The day's closing: what different tables say about the same things must be the same. `differs` is how many units they are apart.
CREATE VIEW eod AS
WITH bought AS (
    SELECT account, asset, sum(amount_minor) AS minor FROM ledger WHERE account IS NOT NULL GROUP BY ALL
), checks AS (
    SELECT 1 AS number, 'executions are two for each trade' AS what, (SELECT 2 * count(*) FROM trades) AS expected, (SELECT count(*) FROM executions) AS found
    UNION ALL SELECT 2, 'lots executed are twice the lots traded', (SELECT 2 * coalesce(sum(quantity_lots), 0) FROM trades), (SELECT coalesce(sum(last_quantity_lots), 0) FROM executions)
    UNION ALL SELECT 3, 'lots that orders got are the lots executed', (SELECT coalesce(sum(last_quantity_lots), 0) FROM executions), (SELECT coalesce(sum(cum_lots), 0) FROM orders)
    UNION ALL SELECT 4, 'orders accepted are orders over and orders working', (SELECT count(*) FROM events WHERE kind = 'OrderAccepted'),
        (SELECT count(*) FROM orders)
    UNION ALL SELECT 5, 'assets whose ledger does not sum to zero', 0, (SELECT count(*) FROM (SELECT asset FROM ledger GROUP BY asset HAVING sum(amount_minor) <> 0))
    UNION ALL SELECT 6, 'balances that the ledger does not come to', 0,
        (SELECT count(*) FROM bought l FULL JOIN balances b ON l.account = b.account AND l.asset = b.asset WHERE coalesce(l.minor, 0) <> coalesce(b.total_minor, 0))
    UNION ALL SELECT 7, 'cash that changed hands is what trades were worth', (SELECT coalesce(sum(notional_minor), 0) FROM trades),
        (SELECT coalesce(sum(amount_minor), 0) FROM ledger JOIN assets USING (asset) WHERE entry = 'trade' AND NOT is_instrument AND amount_minor > 0)
    UNION ALL SELECT 8, 'settlement nets that do not sum to zero', 0,
        (SELECT count(*) FROM (SELECT trade_date, symbol FROM settlement GROUP BY ALL HAVING sum(net_lots) <> 0 OR sum(net_cash_minor) <> 0))
    UNION ALL SELECT 9, 'lots that sells hold are lots that working sells have left',
        (SELECT coalesce(sum(leaves_lots), 0) FROM orders WHERE side = 'sell'), (SELECT coalesce(sum(held_minor), 0) FROM balances WHERE is_instrument)
)
SELECT (SELECT last_date FROM log) AS trade_date, number, what, expected, found, found - expected AS differs, found = expected AS ok,
       (SELECT last_sequence FROM log) AS last_sequence
FROM checks ORDER BY number;
