-- First in, first out. Everything an account ever received of an instrument is laid end to end in the order of the log, everything it gave
-- likewise; a disposal takes the lots that lie under it. What came by deposit has no cost here. A loss is a wash sale when the account bought
-- the same instrument within thirty days, before or after, besides the lot itself.
CREATE VIEW tax AS
WITH moves AS MATERIALIZED (
    SELECT l.sequence, l.time, l.account, l.asset, l.entry, l.amount_minor, t.price_ticks,
           sum(greatest(l.amount_minor, 0)) OVER w AS received, sum(greatest(-l.amount_minor, 0)) OVER w AS given
    FROM ledger l
    JOIN assets a ON a.asset = l.asset AND a.is_instrument
    LEFT JOIN trades t ON t.sequence = l.sequence
    WHERE l.account IS NOT NULL AND l.amount_minor <> 0
    WINDOW w AS (PARTITION BY l.account, l.asset ORDER BY l.sequence)
), lots AS (
    SELECT *, received - amount_minor AS begins, received AS ends FROM moves WHERE amount_minor > 0
), disposals AS (
    SELECT *, given + amount_minor AS begins, given AS ends FROM moves WHERE amount_minor < 0 AND entry = 'trade'
), matched AS (
    SELECT d.account, d.asset, d.sequence AS disposed_sequence, d.time AS disposed_time, l.sequence AS acquired_sequence, l.time AS acquired_time, l.entry AS acquired_by,
           CAST(least(d.ends, l.ends) - greatest(d.begins, l.begins) AS BIGINT) AS lots,
           d.price_ticks AS sold_ticks, l.price_ticks AS bought_ticks
    FROM disposals d JOIN lots l ON l.account = d.account AND l.asset = d.asset AND l.begins < d.ends AND l.ends > d.begins
)
SELECT CAST(disposed_time AS DATE) AS trade_date, m.account, m.asset AS symbol, i.currency,
       acquired_by, CAST(acquired_time AS DATE) AS acquired_date, acquired_time, disposed_time,
       CAST(lots * i.lot_size AS DECIMAL(38,8)) AS quantity,
       CAST(proceeds_minor * c.minor_unit AS DECIMAL(38,8)) AS proceeds, CAST(basis_minor * c.minor_unit AS DECIMAL(38,8)) AS basis,
       CAST((proceeds_minor - basis_minor) * c.minor_unit AS DECIMAL(38,8)) AS gain,
       CASE WHEN disposed_time > acquired_time + INTERVAL 1 year THEN 'long' ELSE 'short' END AS term,
       coalesce(proceeds_minor < basis_minor, false) AND EXISTS (
           SELECT 1 FROM lots other WHERE other.account = m.account AND other.asset = m.asset AND other.entry = 'trade'
             AND other.sequence <> m.acquired_sequence
             AND other.time BETWEEN m.disposed_time - INTERVAL 30 day AND m.disposed_time + INTERVAL 30 day
       ) AS wash_sale,
       lots AS quantity_lots, proceeds_minor, basis_minor, proceeds_minor - basis_minor AS gain_minor, acquired_sequence, disposed_sequence
FROM (
    SELECT *, CAST(lots AS HUGEINT) * sold_ticks * (SELECT tick_value_minor FROM instruments WHERE symbol = asset) AS proceeds_minor,
           CAST(lots AS HUGEINT) * bought_ticks * (SELECT tick_value_minor FROM instruments WHERE symbol = asset) AS basis_minor
    FROM matched
) m
JOIN instruments i ON i.symbol = m.asset
JOIN assets c ON c.asset = i.currency;
