-- The trades are folded where they are read, and what comes of that is put together here, in ticks and lots; decimals and names are given at
-- the end.
CREATE MACRO candles(interval_ns) AS TABLE
SELECT i.symbol,
       make_timestamp_ns(start_ns) AS start,
       CAST(make_timestamp_ns(start_ns) AS DATE) AS trade_date,
       CAST(open_ticks * i.tick_size AS DECIMAL(38,8)) AS open,
       CAST(high_ticks * i.tick_size AS DECIMAL(38,8)) AS high,
       CAST(low_ticks * i.tick_size AS DECIMAL(38,8)) AS low,
       CAST(close_ticks * i.tick_size AS DECIMAL(38,8)) AS close,
       CAST(volume_lots * i.lot_size AS DECIMAL(38,8)) AS volume,
       trades, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, first_sequence, last_sequence
FROM (
    SELECT instrument_id, start_ns,
           arg_min(open_ticks, first_sequence) AS open_ticks, max(high_ticks) AS high_ticks, min(low_ticks) AS low_ticks,
           arg_max(close_ticks, last_sequence) AS close_ticks, CAST(sum(volume_lots) AS BIGINT) AS volume_lots,
           CAST(sum(trades) AS BIGINT) AS trades, min(first_sequence) AS first_sequence, max(last_sequence) AS last_sequence
    FROM bars(interval_ns/*, part: time symbol*/) GROUP BY instrument_id, start_ns
) JOIN instruments i USING (instrument_id);

-- With an interval in which nothing traded at the last close before it, from an instrument's first candle to its last.
CREATE MACRO candles_filled(interval_ns) AS TABLE
WITH have AS MATERIALIZED (FROM candles(interval_ns)),
     every AS (
         SELECT symbol, unnest(range(CAST(epoch_ns(min(start)) // interval_ns AS BIGINT), CAST(epoch_ns(max(start)) // interval_ns + 1 AS BIGINT))) * interval_ns AS start_ns
         FROM have GROUP BY symbol
     )
SELECT e.symbol, make_timestamp_ns(start_ns) AS start, CAST(make_timestamp_ns(start_ns) AS DATE) AS trade_date,
       coalesce(h.open, last.close) AS open, coalesce(h.high, last.close) AS high, coalesce(h.low, last.close) AS low,
       coalesce(h.close, last.close) AS close, coalesce(h.volume, 0) AS volume, coalesce(h.trades, 0) AS trades,
       coalesce(h.open_ticks, last.close_ticks) AS open_ticks, coalesce(h.high_ticks, last.close_ticks) AS high_ticks,
       coalesce(h.low_ticks, last.close_ticks) AS low_ticks, coalesce(h.close_ticks, last.close_ticks) AS close_ticks,
       coalesce(h.volume_lots, 0) AS volume_lots, h.first_sequence, h.last_sequence
FROM every e
LEFT JOIN have h ON h.symbol = e.symbol AND epoch_ns(h.start) = e.start_ns
ASOF LEFT JOIN have last ON last.symbol = e.symbol AND e.start_ns >= epoch_ns(last.start);

CREATE VIEW candles_1s AS FROM candles(1000000000);
CREATE VIEW candles_1m AS FROM candles(60000000000);
CREATE VIEW candles_5m AS FROM candles(300000000000);
CREATE VIEW candles_15m AS FROM candles(900000000000);
CREATE VIEW candles_1h AS FROM candles(3600000000000);
CREATE VIEW candles_1d AS FROM candles(86400000000000);
