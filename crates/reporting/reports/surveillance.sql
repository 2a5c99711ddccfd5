-- Each alert names the records that are its evidence. It says what happened, not why: a person decides. What is looked through is a whole
-- day's orders, so nothing is compared with everything: numbers instead of names, and things that are near in time share a bucket.
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
), dealt AS (
    SELECT instrument_id, sequence, time_ns, quantity_lots, price_ticks, taker_account_id AS taker, taker_side = 'buy' AS taker_buys,
           CASE taker_side WHEN 'buy' THEN taker_account_id ELSE maker_account_id END AS buyer,
           CASE taker_side WHEN 'buy' THEN maker_account_id ELSE taker_account_id END AS seller
    FROM trades
), wash AS (
    -- With the first trade that undoes it.
    SELECT 'wash-trade' AS alert, a.instrument_id, a.buyer AS account_id, a.seller AS other_id, a.sequence AS first_sequence, b.sequence AS last_sequence,
           a.time_ns, CAST(a.quantity_lots AS DOUBLE) AS lots, CAST(NULL AS DOUBLE) AS measure, 'bought and sold back the same quantity' AS about
    FROM dealt a ASOF JOIN dealt b ON a.instrument_id = b.instrument_id AND a.buyer = b.seller AND a.seller = b.buyer
         AND a.quantity_lots = b.quantity_lots AND a.sequence < b.sequence
    WHERE b.time_ns - a.time_ns <= (SELECT wash_ns FROM limits)
), pulled AS MATERIALIZED (
    -- Orders that never traded and were canceled by hand, soon.
    SELECT instrument_id, account_id, side = 'buy' AS is_buy, accepted_sequence, last_sequence, accepted_time_ns, last_time_ns, price_ticks, quantity_lots
    FROM orders
    WHERE ord_status = 'canceled' AND cancel_reason IN ('user', 'mass') AND cum_lots = 0
      AND last_time_ns - accepted_time_ns <= (SELECT greatest(spoof_ns, layer_ns) FROM limits)
), average AS (
    SELECT accepted_time_ns // 86400000000000 AS day, instrument_id, avg(quantity_lots) AS lots FROM orders GROUP BY ALL
), large AS (
    SELECT p.*, p.quantity_lots / v.lots AS multiple
    FROM pulled p JOIN average v ON v.instrument_id = p.instrument_id AND v.day = p.accepted_time_ns // 86400000000000
    WHERE p.quantity_lots >= v.lots * (SELECT spoof_multiple FROM limits) AND p.last_time_ns - p.accepted_time_ns <= (SELECT spoof_ns FROM limits)
), spoof AS (
    SELECT 'spoofing', o.instrument_id, o.account_id, NULL, o.accepted_sequence, any_value(o.last_sequence), any_value(o.accepted_time_ns), NULL,
           round(any_value(o.multiple), 2), 'a large order canceled soon, while the account traded on the other side'
    FROM executions e JOIN large o ON e.account_id = o.account_id AND e.instrument_id = o.instrument_id AND (e.side = 'buy') <> o.is_buy
         AND e.sequence BETWEEN o.accepted_sequence AND o.last_sequence
    GROUP BY o.instrument_id, o.account_id, o.accepted_sequence
), spread AS (
    -- In each bucket of time that it was there: two at most, because a bucket is as long as such an order lives.
    SELECT *, unnest(range(accepted_time_ns // layer_ns, last_time_ns // layer_ns + 1)) AS bucket
    FROM pulled, limits WHERE last_time_ns - accepted_time_ns <= layer_ns
), crowded AS (
    -- Where there are fewer orders than prices are wanted there are too few prices.
    SELECT instrument_id, account_id, is_buy, bucket FROM spread GROUP BY ALL HAVING count(*) >= (SELECT layer_levels FROM limits)
), layer AS (
    SELECT 'layering', any_value(e.instrument_id), any_value(e.account_id), NULL, min(o.accepted_sequence), max(o.last_sequence), any_value(e.time_ns), NULL,
           CAST(count(DISTINCT o.price_ticks) AS DOUBLE), 'orders at several prices, all canceled, while the account traded on the other side'
    FROM executions e
    JOIN (FROM spread SEMI JOIN crowded USING (instrument_id, account_id, is_buy, bucket)) o
      ON e.account_id = o.account_id AND e.instrument_id = o.instrument_id AND (e.side <> 'buy') = o.is_buy
         AND e.time_ns // (SELECT layer_ns FROM limits) = o.bucket AND e.sequence BETWEEN o.accepted_sequence AND o.last_sequence
    GROUP BY e.exec_id
    HAVING count(DISTINCT o.price_ticks) >= (SELECT layer_levels FROM limits)
), closes AS (
    SELECT instrument_id, time_ns // 86400000000000 AS day, max(time_ns) AS at_ns FROM trades GROUP BY ALL
), ending AS MATERIALIZED (
    SELECT t.*, c.day FROM dealt t JOIN closes c ON c.instrument_id = t.instrument_id AND c.day = t.time_ns // 86400000000000
    WHERE c.at_ns - t.time_ns <= (SELECT close_ns FROM limits)
), whole AS (
    SELECT instrument_id, day, sum(quantity_lots) AS all_lots, arg_min(price_ticks, sequence) AS first_ticks, arg_max(price_ticks, sequence) AS last_ticks
    FROM ending GROUP BY ALL
), closing AS (
    SELECT instrument_id, day, taker, taker_buys, sum(quantity_lots) AS lots, min(sequence) AS first_sequence, max(sequence) AS last_sequence, max(time_ns) AS time_ns
    FROM ending GROUP BY ALL
), marking AS (
    SELECT 'marking-the-close', instrument_id, taker, NULL, first_sequence, last_sequence, time_ns, NULL, round(100.0 * lots / all_lots, 2),
           'took much of what traded at the end of the day, and the price went its way'
    FROM closing JOIN whole USING (instrument_id, day)
    WHERE 100 * lots >= all_lots * (SELECT close_pct FROM limits)
      AND 10000 * (last_ticks - first_ticks) * (CASE WHEN taker_buys THEN 1 ELSE -1 END) >= first_ticks * (SELECT close_bps FROM limits)
), stuffing AS (
    SELECT 'quote-stuffing', instrument_id, account_id, NULL, first_sequence, last_sequence, time_ns, NULL, CAST(messages AS DOUBLE),
           'many messages and few trades in one second'
    FROM activity
    WHERE messages >= (SELECT stuff_messages FROM limits) AND messages >= trades * (SELECT stuff_ratio FROM limits)
), ramps AS (
    SELECT instrument_id, taker, min(sequence) AS first_sequence, max(sequence) AS last_sequence, min(time_ns) AS time_ns, count(*) AS trades,
           bool_and(taker_buys) AS all_buy, bool_or(taker_buys) AS any_buy,
           arg_min(price_ticks, sequence) AS first_ticks, arg_max(price_ticks, sequence) AS last_ticks
    FROM dealt GROUP BY instrument_id, taker, time_ns // (SELECT ramp_ns FROM limits)
), ramping AS (
    SELECT 'ramping', instrument_id, taker, NULL, first_sequence, last_sequence, time_ns, NULL,
           round(10000.0 * (last_ticks - first_ticks) / first_ticks, 2), 'took again and again in one direction, and the price went that way'
    FROM ramps
    WHERE all_buy = any_buy AND trades >= (SELECT ramp_trades FROM limits)
      AND 10000 * (last_ticks - first_ticks) * (CASE WHEN all_buy THEN 1 ELSE -1 END) >= first_ticks * (SELECT ramp_bps FROM limits)
), alerts AS (
    FROM wash UNION ALL FROM spoof UNION ALL FROM layer UNION ALL FROM marking UNION ALL FROM stuffing UNION ALL FROM ramping
)
SELECT CAST(make_timestamp_ns(a.time_ns) AS DATE) AS trade_date, make_timestamp_ns(a.time_ns) AS time, alert, i.symbol, c.account, o.account AS other_account,
       coalesce(measure, CAST(lots * i.lot_size AS DOUBLE)) AS measure, about, first_sequence, last_sequence,
       (SELECT version FROM limits) AS thresholds_version
FROM alerts a
JOIN instruments i ON i.instrument_id = a.instrument_id
JOIN accounts c ON c.account_id = a.account_id
LEFT JOIN accounts o ON o.account_id = a.other_id;
