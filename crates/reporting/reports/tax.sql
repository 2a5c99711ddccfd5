-- First in, first out. Everything an account ever received of an instrument is laid end to end in the order of the log, everything it gave
-- likewise; a disposal takes the lots that lie under it. The ends of both cut the whole into pieces, each of one lot and one disposal at
-- most, so that nothing need be compared with everything. What came by deposit has no cost here. A loss is a wash sale when the account
-- bought the same instrument within thirty days, before or after, besides the lot itself.
CREATE VIEW tax AS
WITH moves AS MATERIALIZED (
    SELECT account, asset, sequence, time_ns, entry, amount_minor, trade_id,
           CAST(sum(greatest(amount_minor, 0)) OVER w AS BIGINT) AS received, CAST(sum(greatest(-amount_minor, 0)) OVER w AS BIGINT) AS given
    FROM ledger
    WHERE account IS NOT NULL AND amount_minor <> 0 AND asset IN (SELECT symbol FROM instruments)
    WINDOW w AS (PARTITION BY account, asset ORDER BY sequence)
), lots AS (
    SELECT account, asset, sequence, time_ns, entry, trade_id, received AS ends FROM moves WHERE amount_minor > 0
), disposals AS (
    SELECT account, asset, sequence, time_ns, entry, trade_id, given AS ends FROM moves WHERE amount_minor < 0
), cuts AS (
    SELECT account, asset, ends FROM lots UNION SELECT account, asset, ends FROM disposals
), pieces AS (
    SELECT account, asset, ends, coalesce(lag(ends) OVER (PARTITION BY account, asset ORDER BY ends), 0) AS begins FROM cuts
), matched AS (
    SELECT p.account, p.asset, p.ends - p.begins AS lots, d.sequence AS disposed_sequence, d.time_ns AS disposed_ns, d.trade_id AS sold_in,
           l.sequence AS acquired_sequence, l.time_ns AS acquired_ns, l.entry AS acquired_by, l.trade_id AS bought_in
    FROM pieces p
    ASOF JOIN disposals d ON d.account = p.account AND d.asset = p.asset AND p.ends <= d.ends
    ASOF JOIN lots l ON l.account = p.account AND l.asset = p.asset AND p.ends <= l.ends
    WHERE d.entry = 'trade'
), priced AS (
    SELECT m.*, i.currency, i.lot_size, CAST(lots AS HUGEINT) * s.price_ticks * i.tick_value_minor AS proceeds_minor,
           CAST(lots AS HUGEINT) * b.price_ticks * i.tick_value_minor AS basis_minor,
           disposed_ns - 2592000000000000 AS from_ns, disposed_ns + 2592000000000000 AS to_ns
    FROM matched m
    JOIN instruments i ON i.symbol = m.asset
    JOIN (SELECT trade_id, price_ticks FROM trades) s ON s.trade_id = m.sold_in
    LEFT JOIN (SELECT trade_id, price_ticks FROM trades) b ON b.trade_id = m.bought_in
), bought AS (
    -- How many purchases there were up to each moment at which there was one.
    SELECT account, asset, time_ns, max(number) AS number
    FROM (SELECT account, asset, time_ns, row_number() OVER (PARTITION BY account, asset ORDER BY sequence) AS number FROM lots WHERE entry = 'trade')
    GROUP BY account, asset, time_ns
), counted AS (
    SELECT p.*, coalesce(u.number, 0) - coalesce(f.number, 0) AS near,
           CASE WHEN p.acquired_by = 'trade' AND p.acquired_ns BETWEEN from_ns AND to_ns THEN 1 ELSE 0 END AS itself
    FROM priced p
    ASOF LEFT JOIN bought u ON u.account = p.account AND u.asset = p.asset AND p.to_ns >= u.time_ns
    ASOF LEFT JOIN bought f ON f.account = p.account AND f.asset = p.asset AND p.from_ns > f.time_ns
)
SELECT CAST(make_timestamp_ns(disposed_ns) AS DATE) AS trade_date, n.account, n.asset AS symbol, n.currency,
       acquired_by, CAST(make_timestamp_ns(acquired_ns) AS DATE) AS acquired_date, make_timestamp_ns(acquired_ns) AS acquired_time,
       make_timestamp_ns(disposed_ns) AS disposed_time,
       CAST(lots * lot_size AS DECIMAL(38,8)) AS quantity,
       CAST(proceeds_minor * c.minor_unit AS DECIMAL(38,8)) AS proceeds, CAST(basis_minor * c.minor_unit AS DECIMAL(38,8)) AS basis,
       CAST((proceeds_minor - basis_minor) * c.minor_unit AS DECIMAL(38,8)) AS gain,
       CASE WHEN make_timestamp_ns(disposed_ns) > make_timestamp_ns(acquired_ns) + INTERVAL 1 year THEN 'long' ELSE 'short' END AS term,
       coalesce(proceeds_minor < basis_minor, false) AND near > itself AS wash_sale,
       lots AS quantity_lots, proceeds_minor, basis_minor, proceeds_minor - basis_minor AS gain_minor, acquired_sequence, disposed_sequence
FROM counted n
JOIN assets c ON c.asset = n.currency;
