-- What reports are computed with. A change adds rows with a greater version; what an old report said can be computed again.
-- The version in force on a day is the greatest whose valid_from is not after it.

CREATE VIEW fee_schedule AS
SELECT * FROM (VALUES
    (1, DATE '1970-01-01', 'maker', -20),
    (1, DATE '1970-01-01', 'taker', 30)
) AS fees(version, valid_from, liquidity, ppm);
COMMENT ON VIEW fee_schedule IS 'Fees in millionths of the notional; negative for a rebate.';

CREATE VIEW surveillance_thresholds AS
SELECT * FROM (VALUES
    (1, DATE '1970-01-01', 'wash-trade', 'window_s', 60, 's', 'Two accounts trade the same quantity back within this.'),
    (1, DATE '1970-01-01', 'spoofing', 'lifetime_s', 5, 's', 'The large order is canceled within this.'),
    (1, DATE '1970-01-01', 'spoofing', 'size_multiple', 5, 'x', 'It is so many times the average order of the instrument and day.'),
    (1, DATE '1970-01-01', 'layering', 'lifetime_s', 30, 's', 'The orders are canceled within this.'),
    (1, DATE '1970-01-01', 'layering', 'levels', 4, 'prices', 'They stand at so many prices while the other side trades.'),
    (1, DATE '1970-01-01', 'marking-the-close', 'window_s', 300, 's', 'The end of the day: so long before its last trade.'),
    (1, DATE '1970-01-01', 'marking-the-close', 'share_pct', 30, '%', 'The account is taker of this much of what trades then.'),
    (1, DATE '1970-01-01', 'marking-the-close', 'move_bps', 50, 'bps', 'And the price moves this far in its direction.'),
    (1, DATE '1970-01-01', 'quote-stuffing', 'messages_per_s', 100, '1/s', 'New orders, replaces and cancels in one second.'),
    (1, DATE '1970-01-01', 'quote-stuffing', 'messages_per_trade', 50, 'x', 'And so many of them for each trade in it.'),
    (1, DATE '1970-01-01', 'ramping', 'window_s', 60, 's', 'One account takes within this, always in one direction.'),
    (1, DATE '1970-01-01', 'ramping', 'trades', 5, 'trades', 'At least so often.'),
    (1, DATE '1970-01-01', 'ramping', 'move_bps', 50, 'bps', 'And the price moves this far in that direction.')
) AS thresholds(version, valid_from, alert, name, value, unit, about);
COMMENT ON VIEW surveillance_thresholds IS 'What makes an alert.';

CREATE VIEW business_calendar AS
SELECT day, lead(day) OVER (ORDER BY day) AS next_day FROM business_days WHERE calendar = 'XNYS';
COMMENT ON VIEW business_calendar IS 'The settlement calendar, with the business day after each.';
