-- Each alert names the records that are its evidence. It says what happened, not why: a person decides.
CREATE VIEW surveillance AS
WITH threshold AS MATERIALIZED (
    SELECT alert, name, CAST(arg_max(value, version) AS BIGINT) AS value, max(version) AS version FROM surveillance_thresholds
    WHERE valid_from <= (SELECT last_date FROM log) GROUP BY ALL
), limits AS MATERIALIZED (
    SELECT max(value) FILTER (alert = 'wash-trade' AND name = 'window_s') * 1000000000 AS wash_ns,
           max(value) FILTER (alert = 'spoofing' AND name = 'lifetime_s') * 1000000000 AS spoof_ns,
           max(value) FILTER (alert = 'spoofing' AND name = 'size_multiple') AS spoof_multiple,
           max(value) FILTER (alert = 'layering' AND name = 'lifetime_s') * 1000000000 AS layer_ns,
           max(value) FILTER (alert = 'layering' AND name = 'levels') AS layer_levels,
           max(value) FILTER (alert = 'marking-the-close' AND name = 'window_s') * 1000000000 AS close_ns,
           max(value) FILTER (alert = 'marking-the-close' AND name = 'share_pct') AS close_pct,
           max(value) FILTER (alert = 'marking-the-close' AND name = 'move_bps') AS close_bps,
           max(value) FILTER (alert = 'quote-stuffing' AND name = 'messages_per_s') AS stuff_messages,
           max(value) FILTER (alert = 'quote-stuffing' AND name = 'messages_per_trade') AS stuff_ratio,
           max(value) FILTER (alert = 'ramping' AND name = 'window_s') * 1000000000 AS ramp_ns,
           max(value) FILTER (alert = 'ramping' AND name = 'trades') AS ramp_trades,
           max(value) FILTER (alert = 'ramping' AND name = 'move_bps') AS ramp_bps,
           max(version) AS version
    FROM threshold
), canceled AS MATERIALIZED (
    SELECT * FROM orders WHERE ord_status = 'canceled' AND cancel_reason IN ('user', 'mass') AND cum_lots = 0
), average AS (
    SELECT CAST(accepted_time AS DATE) AS day, symbol, avg(quantity_lots) AS lots FROM orders GROUP BY ALL
), wash AS (
    SELECT 'wash-trade' AS alert, a.symbol, a.buyer AS account, a.seller AS other_account, a.sequence AS first_sequence, b.sequence AS last_sequence,
           a.time, CAST(a.quantity AS DOUBLE) AS measure, 'bought and sold back the same quantity' AS about
    FROM trades a JOIN trades b ON a.symbol = b.symbol AND a.buyer = b.seller AND a.seller = b.buyer AND a.quantity_lots = b.quantity_lots
    WHERE b.sequence > a.sequence AND b.time_ns - a.time_ns <= (SELECT wash_ns FROM limits)
), spoof AS (
    SELECT 'spoofing', o.symbol, o.account, NULL, o.accepted_sequence, o.last_sequence, o.accepted_time, round(any_value(o.quantity_lots / v.lots), 2),
           'a large order canceled soon, while the account traded on the other side'
    FROM canceled o
    JOIN average v ON v.symbol = o.symbol AND v.day = CAST(o.accepted_time AS DATE)
    JOIN executions e ON e.account = o.account AND e.symbol = o.symbol AND e.side <> o.side
    WHERE e.sequence BETWEEN o.accepted_sequence AND o.last_sequence AND o.last_time_ns - o.accepted_time_ns <= (SELECT spoof_ns FROM limits)
      AND o.quantity_lots >= v.lots * (SELECT spoof_multiple FROM limits)
    GROUP BY o.symbol, o.account, o.accepted_sequence, o.last_sequence, o.accepted_time
), layer AS (
    SELECT 'layering', e.symbol, e.account, NULL, min(o.accepted_sequence), max(o.last_sequence), e.time, CAST(count(DISTINCT o.price_ticks) AS DOUBLE),
           'orders at several prices, all canceled, while the account traded on the other side'
    FROM executions e JOIN canceled o ON e.account = o.account AND e.symbol = o.symbol AND e.side <> o.side
    WHERE e.sequence BETWEEN o.accepted_sequence AND o.last_sequence AND o.last_time_ns - o.accepted_time_ns <= (SELECT layer_ns FROM limits)
    GROUP BY e.symbol, e.account, e.exec_id, e.time
    HAVING count(DISTINCT o.price_ticks) >= (SELECT layer_levels FROM limits)
), final AS (
    SELECT t.*, CAST(t.time AS DATE) AS day, max(t.time_ns) OVER (PARTITION BY t.symbol, CAST(t.time AS DATE)) AS close_ns FROM trades t
), ending AS MATERIALIZED (
    SELECT * FROM final WHERE close_ns - time_ns <= (SELECT close_ns FROM limits)
), whole AS (
    SELECT symbol, day, sum(quantity_lots) AS all_lots, arg_min(price_ticks, sequence) AS first_ticks, arg_max(price_ticks, sequence) AS last_ticks
    FROM ending GROUP BY ALL
), closing AS (
    SELECT symbol, day, taker, taker_side, sum(quantity_lots) AS lots, min(sequence) AS first_sequence, max(sequence) AS last_sequence, max(time) AS time
    FROM ending GROUP BY ALL
), marking AS (
    SELECT 'marking-the-close', symbol, taker, NULL, first_sequence, last_sequence, time, round(100.0 * lots / all_lots, 2),
           'took much of what traded at the end of the day, and the price went its way'
    FROM closing JOIN whole USING (symbol, day)
    WHERE 100 * lots >= all_lots * (SELECT close_pct FROM limits)
      AND 10000 * (last_ticks - first_ticks) * (CASE taker_side WHEN 'buy' THEN 1 ELSE -1 END) >= first_ticks * (SELECT close_bps FROM limits)
), stuffing AS (
    SELECT 'quote-stuffing', symbol, account, NULL, min(sequence), max(sequence), min(time), CAST(count(*) FILTER (exec_type IN ('new', 'replaced', 'canceled')) AS DOUBLE),
           'many messages and few trades in one second'
    FROM order_events WHERE order_id IS NOT NULL GROUP BY symbol, account, time_ns // 1000000000
    HAVING count(*) FILTER (exec_type IN ('new', 'replaced', 'canceled')) >= (SELECT stuff_messages FROM limits)
       AND count(*) FILTER (exec_type IN ('new', 'replaced', 'canceled')) >= count(*) FILTER (exec_type = 'trade') * (SELECT stuff_ratio FROM limits)
), ramps AS (
    SELECT symbol, taker, min(sequence) AS first_sequence, max(sequence) AS last_sequence, min(time) AS time, count(*) AS trades,
           count(DISTINCT taker_side) AS sides, any_value(taker_side) AS side,
           arg_min(price_ticks, sequence) AS first_ticks, arg_max(price_ticks, sequence) AS last_ticks
    FROM trades GROUP BY symbol, taker, time_ns // (SELECT ramp_ns FROM limits)
), ramping AS (
    SELECT 'ramping', symbol, taker, NULL, first_sequence, last_sequence, time,
           round(10000.0 * (last_ticks - first_ticks) / first_ticks, 2), 'took again and again in one direction, and the price went that way'
    FROM ramps
    WHERE sides = 1 AND trades >= (SELECT ramp_trades FROM limits)
      AND 10000 * (last_ticks - first_ticks) * (CASE side WHEN 'buy' THEN 1 ELSE -1 END) >= first_ticks * (SELECT ramp_bps FROM limits)
), alerts AS (
    FROM wash UNION ALL FROM spoof UNION ALL FROM layer UNION ALL FROM marking UNION ALL FROM stuffing UNION ALL FROM ramping
)
SELECT CAST(time AS DATE) AS trade_date, time, alert, symbol, account, other_account, measure, about, first_sequence, last_sequence,
       (SELECT version FROM limits) AS thresholds_version
FROM alerts;
