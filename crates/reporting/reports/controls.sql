-- What the controls of the market did, from one pass over the events and one over what accounts sent. Refusals before the core (a full
-- ring, a request that cannot be read) are answered by the gateway and leave no record, so no report has them.
CREATE VIEW controls AS
WITH seen AS MATERIALIZED (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol,
           CASE kind WHEN 'PhaseChanged' THEN 'phase' WHEN 'AccountKilled' THEN 'kill-switch' ELSE 'reject' END AS control,
           coalesce(phase, reason) AS detail, count(*) AS count, CAST(NULL AS DOUBLE) AS ratio,
           min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM events/*part: time*/
    WHERE kind IN ('OrderRejected', 'ReplaceRejected', 'CancelRejected', 'CommandRejected', 'PhaseChanged', 'AccountKilled')
    GROUP BY ALL
), ratios AS (
    SELECT CAST(time AS DATE) AS trade_date, account, CAST(NULL AS VARCHAR), 'order-to-trade', NULL, CAST(sum(messages) AS BIGINT),
           round(sum(messages) / nullif(sum(trades), 0), 4), min(first_sequence), max(last_sequence)
    FROM activity/*part: time*/ GROUP BY CAST(time AS DATE), account
)
FROM seen UNION ALL FROM ratios;
