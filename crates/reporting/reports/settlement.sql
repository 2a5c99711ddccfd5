-- Multilateral netting: what an account owes or is owed of an instrument, and of cash against it, over all its trades of a day. Both legs
-- move with the trade, because everything is paid for in advance; so an obligation is held against what the ledger has moved for it. What
-- has not moved when the settlement date comes is a fail.
CREATE VIEW settlement AS
WITH obligations AS (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol, currency, count(*) AS trades,
           CAST(coalesce(sum(quantity_lots) FILTER (is_buy), 0) AS BIGINT) AS bought_lots,
           CAST(coalesce(sum(quantity_lots) FILTER (NOT is_buy), 0) AS BIGINT) AS sold_lots,
           CAST(coalesce(sum(notional_minor) FILTER (is_buy), 0) AS BIGINT) AS bought_for_minor,
           CAST(coalesce(sum(notional_minor) FILTER (NOT is_buy), 0) AS BIGINT) AS sold_for_minor,
           min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM (
        SELECT time, sequence, symbol, currency, quantity_lots, notional_minor, unnest([buyer, seller]) AS account, unnest([true, false]) AS is_buy
        FROM trades/*part: time symbol account*/
    ) GROUP BY ALL
), moved AS (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol,
           CAST(coalesce(sum(amount_minor) FILTER (asset = symbol), 0) AS BIGINT) AS lots,
           CAST(coalesce(sum(amount_minor) FILTER (asset <> symbol), 0) AS BIGINT) AS cash_minor
    FROM ledger/*part: time account*/ WHERE entry = 'trade' GROUP BY ALL
), netted AS (
    SELECT o.*, bought_lots - sold_lots AS net_lots, sold_for_minor - bought_for_minor AS net_cash_minor,
           bought_lots - sold_lots - coalesce(m.lots, 0) AS missing_lots,
           sold_for_minor - bought_for_minor - coalesce(m.cash_minor, 0) AS missing_cash_minor,
           i.lot_size, c.minor_unit, b.next_day AS settlement_date, coalesce(b.next_day <= (SELECT last_date FROM log), false) AS has_come
    FROM obligations o
    LEFT JOIN moved m ON m.trade_date = o.trade_date AND m.account = o.account AND m.symbol = o.symbol
    JOIN instruments i ON i.symbol = o.symbol
    JOIN assets c ON c.asset = o.currency
    LEFT JOIN LATERAL (SELECT min(day) AS next_day FROM business_calendar WHERE day > o.trade_date) b ON true
)
SELECT trade_date, settlement_date,
       CASE WHEN NOT has_come THEN 'due' WHEN missing_lots = 0 AND missing_cash_minor = 0 THEN 'settled' ELSE 'failed' END AS status,
       account, symbol, currency, trades,
       CAST(bought_lots * lot_size AS DECIMAL(38,8)) AS bought, CAST(sold_lots * lot_size AS DECIMAL(38,8)) AS sold,
       CAST(net_lots * lot_size AS DECIMAL(38,8)) AS net_quantity, CAST(net_cash_minor * minor_unit AS DECIMAL(38,8)) AS net_cash,
       CASE WHEN net_lots > 0 THEN 'receive-versus-payment' WHEN net_lots < 0 THEN 'deliver-versus-payment' ELSE 'payment-only' END AS leg,
       CAST(CASE WHEN has_come THEN missing_lots * lot_size ELSE 0 END AS DECIMAL(38,8)) AS failed_quantity,
       CAST(CASE WHEN has_come THEN missing_cash_minor * minor_unit ELSE 0 END AS DECIMAL(38,8)) AS failed_cash,
       CASE WHEN has_come AND (missing_lots <> 0 OR missing_cash_minor <> 0) THEN
           (SELECT count(*) FROM business_calendar WHERE day > settlement_date AND day <= (SELECT last_date FROM log)) END AS fail_age_days,
       net_lots, net_cash_minor, first_sequence, last_sequence
FROM netted;
