-- What is kept in reports.duckdb, and how far it has come. One row of `watermark`, moved in the transaction that adds the rows it speaks of.
CREATE TABLE watermark (store_id VARCHAR NOT NULL, schema_version INTEGER NOT NULL, sequence BIGINT NOT NULL, time_ns BIGINT NOT NULL);
CREATE TABLE trades AS FROM trades() LIMIT 0;
CREATE TABLE rule_verdicts AS FROM rule_verdicts() LIMIT 0;
CREATE TABLE rule_changes AS FROM rule_changes() LIMIT 0;
CREATE TABLE candles_1m (
    instrument_id BIGINT NOT NULL, symbol VARCHAR NOT NULL, start_ns BIGINT NOT NULL,
    open_ticks BIGINT NOT NULL, high_ticks BIGINT NOT NULL, low_ticks BIGINT NOT NULL, close_ticks BIGINT NOT NULL,
    volume_lots BIGINT NOT NULL, trades BIGINT NOT NULL, first_sequence BIGINT NOT NULL, last_sequence BIGINT NOT NULL,
    PRIMARY KEY (instrument_id, start_ns)
);
-- A candle is closed when the log has passed its end: time never goes back there, so it changes no more.
CREATE VIEW closed_candles_1m AS
SELECT * FROM candles_1m WHERE start_ns + 60000000000 <= (SELECT time_ns FROM watermark);
