-- Multilateral netting: what an account owes or is owed of an instrument, and of cash against it, over all its trades of a day. Both legs
-- move with the trade (everything is paid for in advance), so a leg is due on its day and cannot fail.
CREATE VIEW settlement AS
SELECT trade_date, b.next_day AS settlement_date,
       CASE WHEN b.next_day <= (SELECT last_date FROM log) THEN 'settled' ELSE 'due' END AS status,
       account, symbol, currency, trades, bought, sold, bought - sold AS net_quantity, sold_for - bought_for AS net_cash,
       CASE WHEN bought_lots > sold_lots THEN 'receive-versus-payment' WHEN bought_lots < sold_lots THEN 'deliver-versus-payment'
            ELSE 'payment-only' END AS leg,
       bought_lots - sold_lots AS net_lots, sold_for_minor - bought_for_minor AS net_cash_minor,
       first_sequence, last_sequence
FROM (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol, currency, count(*) AS trades,
           coalesce(sum(quantity) FILTER (is_buy), 0) AS bought, coalesce(sum(quantity) FILTER (NOT is_buy), 0) AS sold,
           coalesce(sum(notional) FILTER (is_buy), 0) AS bought_for, coalesce(sum(notional) FILTER (NOT is_buy), 0) AS sold_for,
           CAST(coalesce(sum(quantity_lots) FILTER (is_buy), 0) AS BIGINT) AS bought_lots,
           CAST(coalesce(sum(quantity_lots) FILTER (NOT is_buy), 0) AS BIGINT) AS sold_lots,
           CAST(coalesce(sum(notional_minor) FILTER (is_buy), 0) AS BIGINT) AS bought_for_minor,
           CAST(coalesce(sum(notional_minor) FILTER (NOT is_buy), 0) AS BIGINT) AS sold_for_minor,
           min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM (
        SELECT time, sequence, symbol, currency, quantity, notional, quantity_lots, notional_minor, unnest([buyer, seller]) AS account, unnest([true, false]) AS is_buy
        FROM trades
    ) GROUP BY ALL
) LEFT JOIN LATERAL (SELECT min(day) AS next_day FROM business_calendar WHERE day > trade_date) b ON true;
