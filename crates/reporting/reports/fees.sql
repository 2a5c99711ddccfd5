-- Each trade is rounded up to the minor unit, a rebate towards zero: in the exchange's favour, by less than a cent.
CREATE VIEW fees AS
WITH done AS (
    SELECT CAST(time AS DATE) AS trade_date, account, symbol, liquidity, last_quantity_lots, last_notional_minor FROM executions/*part: time symbol account*/
), schedule AS (
    -- The schedule in force on each day on which there was a trade.
    SELECT d.trade_date, f.liquidity, max_by(f.version, (f.valid_from, f.version)) AS version, max_by(f.ppm, (f.valid_from, f.version)) AS ppm
    FROM (SELECT DISTINCT CAST(time AS DATE) AS trade_date FROM trades/*part: time*/) d JOIN fee_schedule f ON f.valid_from <= d.trade_date
    GROUP BY d.trade_date, f.liquidity
), charged AS (
    SELECT trade_date, account, symbol, liquidity, version, ppm, count(*) AS trades, sum(last_quantity_lots) AS lots, sum(last_notional_minor) AS notional_minor,
           sum(CASE WHEN ppm > 0 THEN (CAST(last_notional_minor AS HUGEINT) * ppm + 999999) // 1000000
                    ELSE CAST(last_notional_minor AS HUGEINT) * ppm // 1000000 END) AS fee_minor
    FROM done JOIN schedule USING (trade_date, liquidity)
    GROUP BY ALL
)
SELECT trade_date, account, symbol, currency, liquidity, version AS schedule_version, ppm, trades,
       CAST(lots * lot_size AS DECIMAL(38,8)) AS quantity, CAST(notional_minor * minor_unit AS DECIMAL(38,8)) AS notional,
       CAST(fee_minor * minor_unit AS DECIMAL(38,8)) AS fee, CAST(fee_minor AS BIGINT) AS fee_minor
FROM charged JOIN instruments USING (symbol) JOIN assets ON asset = currency;
