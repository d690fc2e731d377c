-- The same columns as crm_ml.features.write, written by hand for DuckDB.
CREATE TEMP TABLE orders AS
SELECT customer_id, ordered_at_epoch_s AS epoch, ({as_of} - 1 - ordered_at_epoch_s) // 86400 AS ago,
    sum(paid_cents)::BIGINT AS paid, sum(discount_cents)::BIGINT AS discount,
    sum(coupon_cents)::BIGINT AS coupon, count(*) AS lines
FROM '{folder}/order_lines.parquet'
WHERE ordered_at_epoch_s < {as_of}
GROUP BY customer_id, order_id, ordered_at_epoch_s;

COPY (
WITH sums AS MATERIALIZED (
    SELECT customer_id, count(*) AS n, min(ago) AS silence, max(ago) AS tenure, max(paid) AS max_paid,
        sum(paid) AS paid, sum(discount) AS discount, sum(coupon) AS coupon, sum(lines) AS lines,
        count(*) FILTER (ago < 7) AS n7, sum(paid) FILTER (ago < 7) AS paid7,
        count(*) FILTER (ago < 14) AS n14, sum(paid) FILTER (ago < 14) AS paid14,
        count(*) FILTER (ago < 28) AS n28, sum(paid) FILTER (ago < 28) AS paid28,
        count(*) FILTER (ago < 56) AS n56, sum(paid) FILTER (ago < 56) AS paid56,
        count(*) FILTER (ago < 84) AS n84, sum(paid) FILTER (ago < 84) AS paid84,
        count(*) FILTER (ago < 168) AS n168,
        count(*) FILTER (ago < 180) AS n180, sum(paid) FILTER (ago < 180) AS paid180,
        count(*) FILTER (ago < 365) AS n365, sum(paid) FILTER (ago < 365) AS paid365,
        sum(11 - 2 * (ago // 7)) FILTER (ago < 84) AS moment,
        bit_count(bit_or(CASE WHEN ago < 84 THEN 1 << (ago // 7) ELSE 0 END)) AS weeks,
        sum(lines) FILTER (ago < 28) AS lines28, sum(lines) FILTER (ago < 84) AS lines84,
        min(ago) FILTER (lines >= 10) AS large_ago,
        sum(discount) FILTER (ago < 84) AS discount84,
        sum(paid + discount + coupon) FILTER (ago < 84) AS shelf84,
        count(*) FILTER (coupon > 0) AS with_coupon, min(ago) FILTER (coupon > 0) AS coupon_ago,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 0) AS monday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 1) AS tuesday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 2) AS wednesday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 3) AS thursday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 4) AS friday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 5) AS saturday,
        count(*) FILTER ((epoch // 86400 + 3) % 7 = 6) AS sunday,
        count(*) FILTER (epoch % 86400 < 21600) AS night,
        count(*) FILTER (epoch % 86400 >= 21600 AND epoch % 86400 < 43200) AS morning,
        count(*) FILTER (epoch % 86400 >= 43200 AND epoch % 86400 < 64800) AS afternoon,
        count(*) FILTER (epoch % 86400 >= 64800) AS evening
    FROM orders
    GROUP BY customer_id
),
days AS MATERIALIZED (
    SELECT customer_id, ago, sum(paid) AS paid,
        lag(ago) OVER (PARTITION BY customer_id ORDER BY ago DESC) - ago AS gap,
        min(ago) OVER (PARTITION BY customer_id) AS silence,
        row_number() OVER (PARTITION BY customer_id ORDER BY ago) AS rank
    FROM orders
    GROUP BY customer_id, ago
),
cadence AS (
    SELECT customer_id, count(*) AS days, count(gap) AS gaps, sum(gap) AS gap_sum, max(gap) AS gap_max,
        sum(gap * gap) AS gap_squares, count(*) FILTER (gap > silence) AS longer,
        max(gap) FILTER (ago = silence) AS last_gap, sum(paid) FILTER (ago = silence) AS last_paid,
        sum(round(exp(ago * -(ln(2) / 7)) * 17592186044416)::BIGINT) AS d7,
        sum(round(exp(ago * -(ln(2) / 14)) * 17592186044416)::BIGINT) AS d14,
        sum(round(exp(ago * -(ln(2) / 28)) * 17592186044416)::BIGINT) AS d28,
        sum(round(exp(ago * -(ln(2) / 56)) * 17592186044416)::BIGINT) AS d56,
        count(*) FILTER (ago < 28) AS o28, count(*) FILTER (ago < 56) AS o56,
        count(*) FILTER (ago < 84) AS o84, count(*) FILTER (ago < 182) AS o182,
        count(*) FILTER (gap - silence BETWEEN 1 AND 28) AS returned,
        sum(least(gap - silence, 28)) FILTER (gap > silence) AS watched,
        sum(gap - 28) FILTER (gap > 28) AS over28, sum(gap - 14) FILTER (gap > 14) AS over14,
        min(ago) FILTER (rank = 3) AS third, min(ago) FILTER (rank = 10) AS tenth,
        sum(gap) FILTER (rank <= 5) AS recent_gap, count(gap) FILTER (rank <= 5) AS recent_gaps
    FROM days
    GROUP BY customer_id
),
weeks AS (
    SELECT customer_id, count(*) FILTER (block < 8) AS weeks8,
        sum(round(exp(block * -(ln(2) / 4)) * 17592186044416)::BIGINT) AS w4,
        sum(round(exp(block * -(ln(2) / 8)) * 17592186044416)::BIGINT) AS w8
    FROM (SELECT DISTINCT customer_id, ago // 7 AS block FROM days)
    GROUP BY customer_id
),
months AS (SELECT customer_id, count(DISTINCT ago // 28) AS months FROM days GROUP BY customer_id),
seen AS (SELECT max(ago) + 1 AS history FROM orders),
variety AS (
    SELECT customer_id, count(DISTINCT item_id) AS items
    FROM '{folder}/order_lines.parquet'
    WHERE ordered_at_epoch_s < {as_of}
    GROUP BY customer_id
),
numbered AS MATERIALIZED (
    SELECT item_id, department, (category IS NOT NULL)::INT AS named,
        dense_rank() OVER (ORDER BY department, category) AS place,
        dense_rank() OVER (ORDER BY department) AS number
    FROM '{folder}/items.parquet'
    WHERE department IS NOT NULL
),
names AS MATERIALIZED (SELECT DISTINCT place, number, named, department FROM numbered),
places AS (
    SELECT customer_id, place, count(*) AS lines
    FROM '{folder}/order_lines.parquet' JOIN numbered USING (item_id)
    WHERE ordered_at_epoch_s < {as_of}
    GROUP BY customer_id, place
),
departments AS (
    SELECT customer_id, number, sum(lines) AS lines, sum(named) AS categories
    FROM places JOIN names USING (place)
    GROUP BY customer_id, number
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY lines DESC, number) AS place
    FROM departments
),
preference AS (
    SELECT customer_id, max(number) FILTER (place = 1) AS number, max(lines) FILTER (place = 1) AS first,
        coalesce(max(lines) FILTER (place = 2), 0) AS second,
        coalesce(max(lines) FILTER (place = 3), 0) AS third,
        sum(lines) AS lines, sum(lines * lines) AS squares, count(*) AS departments,
        sum(categories) AS categories
    FROM ranked
    GROUP BY customer_id
)
SELECT customer_id,
    (s.paid / n)::DOUBLE AS basket_mean_paid_cents,
    s.max_paid::DOUBLE AS basket_max_paid_cents,
    s.lines / n AS basket_mean_lines,
    c.last_paid * n / nullif(s.paid, 0) AS basket_last_paid_share,
    v.items::DOUBLE AS basket_items,
    (s.lines - v.items) / s.lines AS basket_repeat_share,
    c.days::DOUBLE AS cadence_order_days,
    c.gap_sum / nullif(gaps, 0) AS cadence_gap_mean_days,
    c.gap_max::DOUBLE AS cadence_gap_max_days,
    CASE WHEN gaps > 1 THEN sqrt((gaps * gap_squares - gap_sum * gap_sum) / (gaps * gaps)) / (gap_sum / gaps) END
        AS cadence_gap_irregularity,
    c.last_gap::DOUBLE AS cadence_last_gap_days,
    s.silence * gaps / nullif(gap_sum, 0) AS cadence_gap_share,
    s.silence / nullif(gap_max, 0) AS cadence_gap_max_share,
    (longer + 1) / (gaps + 2) AS cadence_longer_gap_share,
    (c.d7 / 17592186044416 + 0.3) / ((1 - exp(history * -(ln(2) / 7))) / (ln(2) / 7) + 3) AS habit_day_rate_h7d,
    (c.d14 / 17592186044416 + 0.3) / ((1 - exp(history * -(ln(2) / 14))) / (ln(2) / 14) + 3) AS habit_day_rate_h14d,
    (c.d28 / 17592186044416 + 0.3) / ((1 - exp(history * -(ln(2) / 28))) / (ln(2) / 28) + 3) AS habit_day_rate_h28d,
    (c.d56 / 17592186044416 + 0.3) / ((1 - exp(history * -(ln(2) / 56))) / (ln(2) / 56) + 3) AS habit_day_rate_h56d,
    w.w4 / 17592186044416 / ((1 - exp((history + 6) // 7 * -(ln(2) / 4))) / (1 - exp(-ln(2) / 4)))
        AS habit_week_share_h4w,
    w.w8 / 17592186044416 / ((1 - exp((history + 6) // 7 * -(ln(2) / 8))) / (1 - exp(-ln(2) / 8)))
        AS habit_week_share_h8w,
    c.o28::DOUBLE AS habit_order_days_28d,
    c.o56::DOUBLE AS habit_order_days_56d,
    c.o84::DOUBLE AS habit_order_days_84d,
    c.o182::DOUBLE AS habit_order_days_182d,
    c.days / history AS habit_day_share,
    c.o182 / least(history, 182) AS habit_day_share_182d,
    w.weeks8::DOUBLE AS habit_weeks_56d,
    m.months / ((history + 27) // 28) AS habit_month_share,
    c.third::DOUBLE AS habit_days_since_third,
    c.tenth::DOUBLE AS habit_days_since_tenth,
    c.recent_gap / nullif(recent_gaps, 0) AS habit_recent_gap_days,
    s.silence * recent_gaps / nullif(recent_gap, 0) AS habit_recent_gap_share,
    (returned + 0.5) / (coalesce(watched, 0) + 43) AS habit_return_rate,
    (coalesce(over28, 0) + greatest(s.silence - 27, 0) + greatest(history - tenure - 1 - 28, 0)) / history
        AS habit_silent_28d_share,
    (coalesce(over14, 0) + greatest(s.silence - 13, 0)) / (tenure + 1) AS habit_silent_14d_share,
    (history - tenure - 1)::DOUBLE AS habit_unseen_days,
    CASE
        WHEN s.silence > 90 AND (gaps = 0 OR s.silence * gaps > 3 * gap_sum) THEN 'lost'
        WHEN s.silence > 30 THEN 'dormant'
        WHEN tenure < 28 THEN 'new'
        ELSE 'active'
    END AS lifecycle_stage,
    tenure::DOUBLE AS lifecycle_tenure_days,
    t.department AS preference_top_department,
    p.first / p.lines AS preference_top_share,
    p.second / p.lines AS preference_second_share,
    p.third / p.lines AS preference_third_share,
    p.squares / (p.lines * p.lines) AS preference_concentration,
    coalesce(p.departments, 0)::DOUBLE AS preference_departments,
    coalesce(p.categories, 0)::DOUBLE AS preference_categories,
    s.discount / nullif(s.paid + s.discount + s.coupon, 0) AS price_discount_share,
    s.coupon / nullif(s.paid + s.discount + s.coupon, 0) AS price_coupon_share,
    discount84 / nullif(shelf84, 0) AS price_discount_share_84d,
    with_coupon / n AS price_coupon_orders_share,
    coupon_ago::DOUBLE AS price_days_since_coupon,
    s.silence::DOUBLE AS rfm_days_since_order, large_ago::DOUBLE AS rfm_days_since_large_order,
    coalesce(lines28, 0)::DOUBLE AS rfm_lines_28d, coalesce(lines84, 0)::DOUBLE AS rfm_lines_84d,
    n::DOUBLE AS rfm_orders, s.paid::DOUBLE AS rfm_paid_cents,
    n7::DOUBLE AS rfm_orders_7d, coalesce(paid7, 0)::DOUBLE AS rfm_paid_cents_7d,
    n14::DOUBLE AS rfm_orders_14d, coalesce(paid14, 0)::DOUBLE AS rfm_paid_cents_14d,
    n28::DOUBLE AS rfm_orders_28d, coalesce(paid28, 0)::DOUBLE AS rfm_paid_cents_28d,
    n56::DOUBLE AS rfm_orders_56d, coalesce(paid56, 0)::DOUBLE AS rfm_paid_cents_56d,
    n84::DOUBLE AS rfm_orders_84d, coalesce(paid84, 0)::DOUBLE AS rfm_paid_cents_84d,
    n180::DOUBLE AS rfm_orders_180d, coalesce(paid180, 0)::DOUBLE AS rfm_paid_cents_180d,
    n365::DOUBLE AS rfm_orders_365d, coalesce(paid365, 0)::DOUBLE AS rfm_paid_cents_365d,
    monday / n AS timing_monday_share,
    tuesday / n AS timing_tuesday_share,
    wednesday / n AS timing_wednesday_share,
    thursday / n AS timing_thursday_share,
    friday / n AS timing_friday_share,
    saturday / n AS timing_saturday_share,
    sunday / n AS timing_sunday_share,
    night / n AS timing_night_share,
    morning / n AS timing_morning_share,
    afternoon / n AS timing_afternoon_share,
    evening / n AS timing_evening_share,
    n28 / nullif(n56, 0) AS trend_orders_28d,
    n84 / nullif(n168, 0) AS trend_orders_84d,
    coalesce(paid28, 0) / nullif(paid56, 0) AS trend_paid_28d,
    coalesce(moment, 0) / 286 AS trend_orders_slope,
    weeks::DOUBLE AS trend_active_weeks_12
FROM sums s
JOIN cadence c USING (customer_id)
JOIN weeks w USING (customer_id)
JOIN months m USING (customer_id)
JOIN variety v USING (customer_id)
CROSS JOIN seen
LEFT JOIN preference p USING (customer_id)
LEFT JOIN (SELECT DISTINCT number, department FROM names) t ON t.number = p.number
ORDER BY customer_id
) TO '{out}' (FORMAT parquet);
