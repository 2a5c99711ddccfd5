CREATE VIEW trade_history AS
SELECT CAST(time AS DATE) AS trade_date, time, sequence, trade_id, account, symbol, side, liquidity, order_id, cl_ord_id,
       last_price AS price, last_quantity AS quantity, last_notional AS notional, cum, leaves, ord_status, last_notional_minor AS notional_minor
FROM executions/*part: time symbol account*/;

CREATE VIEW order_audit AS
SELECT CAST(time AS DATE) AS trade_date, time, sequence, exec_id, account AS member, account, cl_ord_id, orig_cl_ord_id, order_id, symbol,
       exec_type AS event, ord_status, side, order_type, time_in_force AS validity, expire_time,
       make_timestamp_ns(priority_time_ns) AS priority_time, priority_sequence,
       currency, price, quantity, leaves AS remaining_quantity,
       -- There are no hidden orders: what remains is what is displayed, once it rests.
       CASE WHEN leaves > 0 AND time_in_force NOT IN ('ioc', 'fok') AND order_type = 'limit' THEN leaves ELSE 0 END AS displayed_quantity,
       last_price AS traded_price, last_quantity AS traded_quantity, trade_id,
       CASE liquidity WHEN 'maker' THEN 'passive' WHEN 'taker' THEN 'aggressive' END AS passive_or_aggressive,
       post_only AS passive_only, self_trade_prevention, reason, rule, rule_code, command_sequence
FROM order_events/*part: time symbol account*/;

-- Event types after the CAT technical specifications for plan participants.
CREATE VIEW cat AS
SELECT CAST(time AS DATE) AS trade_date, time, sequence, exec_id,
       CASE exec_type WHEN 'new' THEN 'OA' WHEN 'trade' THEN 'OT' WHEN 'replaced' THEN 'OM' WHEN 'reduced' THEN 'OMR'
            WHEN 'canceled' THEN 'OC' WHEN 'expired' THEN 'OX' WHEN 'rejected' THEN 'OJ' END AS type,
       account, symbol, order_id, cl_ord_id, orig_cl_ord_id, side, order_type, time_in_force, price, quantity, leaves, cum,
       trade_id, last_price, last_quantity, liquidity, ord_status, reason
FROM order_events/*part: time symbol account*/ WHERE exec_type NOT IN ('booked', 'cancel-rejected', 'replace-rejected');
