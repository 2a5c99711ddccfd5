CREATE VIEW controls AS
WITH refused AS (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol, 'reject' AS control, reason AS detail, count(*) AS count,
           CAST(NULL AS DOUBLE) AS ratio, min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM events WHERE kind IN ('OrderRejected', 'ReplaceRejected', 'CancelRejected', 'CommandRejected') GROUP BY ALL
), switches AS (
    SELECT CAST(time AS DATE), account, symbol, 'kill-switch', NULL, count(*), NULL, min(sequence), max(sequence)
    FROM events WHERE kind = 'AccountKilled' GROUP BY ALL
), phases AS (
    SELECT CAST(time AS DATE), account, symbol, 'phase', fields ->> 'phase', count(*), NULL, min(sequence), max(sequence)
    FROM events WHERE kind = 'PhaseChanged' GROUP BY ALL
), messages AS (
    SELECT CAST(time AS DATE) AS trade_date, account, count(*) FILTER (exec_type IN ('new', 'replaced', 'canceled')) AS sent,
           count(*) FILTER (exec_type = 'trade') AS traded, min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM order_events GROUP BY ALL
), ratios AS (
    SELECT trade_date, account, CAST(NULL AS VARCHAR), 'order-to-trade', NULL, sent, round(sent / nullif(traded, 0), 4), first_sequence, last_sequence FROM messages
)
FROM refused UNION ALL FROM switches UNION ALL FROM phases UNION ALL FROM ratios;
