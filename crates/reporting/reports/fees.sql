-- Each trade is rounded up to the minor unit, a rebate towards zero: in the exchange's favour, by less than a cent.
CREATE VIEW fees AS
SELECT trade_date, account, symbol, asset AS currency, liquidity, version AS schedule_version, ppm, count(*) AS trades,
       sum(last_quantity) AS quantity, sum(last_notional) AS notional,
       CAST(sum(fee_minor) * minor_unit AS DECIMAL(38,8)) AS fee, CAST(sum(fee_minor) AS BIGINT) AS fee_minor
FROM (
    SELECT CAST(e.time AS DATE) AS trade_date, e.account, e.symbol, e.last_quantity, e.last_notional, e.liquidity, s.version, s.ppm, a.asset, a.minor_unit,
           CASE WHEN s.ppm > 0 THEN (CAST(e.last_notional_minor AS HUGEINT) * s.ppm + 999999) // 1000000
                ELSE CAST(e.last_notional_minor AS HUGEINT) * s.ppm // 1000000 END AS fee_minor
    FROM executions e
    JOIN instruments i ON i.symbol = e.symbol
    JOIN assets a ON a.asset = i.currency
    JOIN LATERAL (
        SELECT version, ppm FROM fee_schedule f WHERE f.liquidity = e.liquidity AND f.valid_from <= CAST(e.time AS DATE)
        ORDER BY valid_from DESC, version DESC LIMIT 1
    ) s ON true
) GROUP BY trade_date, account, symbol, asset, liquidity, version, ppm, minor_unit;
