-- What is kept in reports.duckdb beside the tables whose columns are declared in the code, and the views over them.
-- One row of `watermark`, moved in the transaction that adds the rows it speaks of.
CREATE TABLE watermark (
    store_id VARCHAR NOT NULL, schema_version INTEGER NOT NULL, sequence BIGINT NOT NULL, time_ns BIGINT NOT NULL, checksum BIGINT NOT NULL
);
COMMENT ON TABLE watermark IS 'How far the log is in this file: one row, moved in the transaction that adds the rows it speaks of.';
COMMENT ON COLUMN watermark.store_id IS 'The log''s own name.';
COMMENT ON COLUMN watermark.schema_version IS 'Counts changes to the tables of this file.';
COMMENT ON COLUMN watermark.sequence IS 'The last record that is in it. [record]';
COMMENT ON COLUMN watermark.time_ns IS 'When that record''s block was made: UNIX time. [ns]';
COMMENT ON COLUMN watermark.checksum IS 'The checksum of that block.';
CREATE TABLE facts (sequence BIGINT NOT NULL, time_ns BIGINT NOT NULL, kind INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL);
COMMENT ON TABLE facts IS 'Records kept as the log has them: what things are called and which rules are in force follows from them.';
-- A candle is closed when the log has passed its end: time never goes back there, so it changes no more.
CREATE VIEW candles AS SELECT *, true AS closed FROM closed_candles UNION ALL SELECT *, false FROM open_candles;
CREATE VIEW candles_1s AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '1s';
CREATE VIEW candles_1m AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '1m';
CREATE VIEW candles_5m AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '5m';
CREATE VIEW candles_15m AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '15m';
CREATE VIEW candles_1h AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '1h';
CREATE VIEW candles_1d AS SELECT * EXCLUDE ("interval") FROM candles WHERE "interval" = '1d';
CREATE TABLE reporting_rules (
    rule VARCHAR NOT NULL, rule_id BIGINT NOT NULL, rule_version BIGINT NOT NULL, component VARCHAR NOT NULL, activation BIGINT NOT NULL,
    table_name VARCHAR, status VARCHAR NOT NULL, sequence BIGINT NOT NULL, failures BIGINT NOT NULL, last_error VARCHAR,
    recipe VARCHAR NOT NULL, state BLOB NOT NULL
);
COMMENT ON TABLE reporting_rules IS 'The reporting rules that fill tables of this file, and how far each has read the log.';
COMMENT ON COLUMN reporting_rules.rule IS 'The rule''s name.';
COMMENT ON COLUMN reporting_rules.rule_id IS 'The exchange''s number for it.';
COMMENT ON COLUMN reporting_rules.rule_version IS 'Which of its components, from 1 in the order of loading.';
COMMENT ON COLUMN reporting_rules.component IS 'The component''s bytes. [SHA-256]';
COMMENT ON COLUMN reporting_rules.activation IS 'The activation that put it in force.';
COMMENT ON COLUMN reporting_rules.table_name IS 'The table it fills; null until the component has said which.';
COMMENT ON COLUMN reporting_rules.status IS '`current`; `building`: reads the log from its first record, into a table beside the one it will replace; `stopped`: failed too often, until it is activated again.';
COMMENT ON COLUMN reporting_rules.sequence IS 'The last record it has read. [record]';
COMMENT ON COLUMN reporting_rules.failures IS 'How often it failed.';
COMMENT ON COLUMN reporting_rules.last_error IS 'How it failed last.';
COMMENT ON COLUMN reporting_rules.recipe IS 'What runs it: parameters, fuel and memory. [JSON]';
COMMENT ON COLUMN reporting_rules.state IS 'What it remembers; its own bytes.';
