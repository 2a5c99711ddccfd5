-- The average is rounded half up to a ten-thousandth of a tick.
CREATE VIEW vwap AS
SELECT trade_date, i.symbol, i.currency, trades, CAST(lots * i.lot_size AS DECIMAL(38,8)) AS volume,
       CAST(notional_minor * c.minor_unit AS DECIMAL(38,8)) AS notional,
       CAST((2 * weighted * 10000 + lots) // (2 * lots) * i.tick_size * 0.0001 AS DECIMAL(38,8)) AS vwap,
       CAST(low_ticks * i.tick_size AS DECIMAL(38,8)) AS low, CAST(high_ticks * i.tick_size AS DECIMAL(38,8)) AS high,
       CAST(lots AS BIGINT) AS volume_lots, first_sequence, last_sequence
FROM (
    SELECT CAST(time AS DATE) AS trade_date, instrument_id, count(*) AS trades, sum(quantity_lots) AS lots,
           sum(CAST(price_ticks AS HUGEINT) * quantity_lots) AS weighted, sum(notional_minor) AS notional_minor,
           min(price_ticks) AS low_ticks, max(price_ticks) AS high_ticks, min(sequence) AS first_sequence, max(sequence) AS last_sequence
    FROM trades/*part: time symbol*/ GROUP BY ALL
) JOIN instruments i USING (instrument_id) JOIN assets c ON c.asset = i.currency;

-- Quotes count for as long as they stand while the instrument is open; the last one of a log has no end and does not count.
CREATE VIEW market_quality AS
WITH spreads AS (
    SELECT CAST(time AS DATE) AS trade_date, symbol, count(*) FILTER (is_change) AS quotes,
           sum((ask_ticks - bid_ticks) * CAST(lasted_ns AS HUGEINT)) FILTER (is_two_sided) AS spread_time,
           sum(20000 * CAST(ask_ticks - bid_ticks AS HUGEINT) * lasted_ns / (ask_ticks + bid_ticks)) FILTER (is_two_sided) AS bps_time,
           sum((bid_lots + ask_lots) * CAST(lasted_ns AS HUGEINT)) FILTER (is_two_sided) AS depth_time,
           sum(lasted_ns) FILTER (is_two_sided) AS two_sided, sum(lasted_ns) FILTER (phase = 'open') AS total
    FROM (SELECT *, phase = 'open' AND bid_ticks IS NOT NULL AND ask_ticks IS NOT NULL AS is_two_sided FROM quote_spans) GROUP BY ALL
), entered AS (
    SELECT CAST(accepted_time AS DATE) AS trade_date, symbol, count(*) AS orders, count(*) FILTER (trades > 0) AS orders_traded,
           count(*) FILTER (ord_status = 'filled') AS orders_filled, sum(quantity_lots) AS lots, sum(cum_lots) AS lots_traded
    FROM orders GROUP BY ALL
)
SELECT trade_date, symbol, quotes, round(spread_time / two_sided, 4) AS spread_ticks, round(bps_time / two_sided, 4) AS spread_bps,
       round(depth_time / two_sided, 2) AS depth_lots, round(100.0 * two_sided / total, 2) AS two_sided_pct,
       orders, orders_traded, orders_filled, round(100.0 * orders_traded / orders, 2) AS fill_rate_pct, round(100.0 * lots_traded / lots, 2) AS volume_filled_pct
FROM spreads FULL JOIN entered USING (trade_date, symbol);
