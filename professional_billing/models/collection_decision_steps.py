"""The steps of the query that decides what is due, each a part of its WITH clause."""

# Which policy somebody's invoices have, by engagement and by tag.
POLICIES = """
engagement AS (
    SELECT DISTINCT ON (line.move_id) line.move_id, sale.collection_policy_id AS policy_id
      FROM sale_order sale
      JOIN sale_order_line ON sale_order_line.order_id = sale.id
      JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = sale_order_line.id
      JOIN account_move_line line ON line.id = rel.invoice_line_id
     WHERE sale.company_id = %(company)s AND sale.collection_policy_id IS NOT NULL
  ORDER BY line.move_id, sale.id
),
tag AS (
    SELECT DISTINCT ON (tagged.partner_id) tagged.partner_id, policy.id AS policy_id
      FROM collection_policy policy
      JOIN collection_policy_res_partner_category_rel rel ON rel.collection_policy_id = policy.id
      JOIN res_partner_res_partner_category_rel tagged
        ON tagged.category_id = rel.res_partner_category_id
     WHERE policy.active
       AND (policy.company_id IS NULL OR policy.company_id = ANY(%(family)s))
  ORDER BY tagged.partner_id, array_position(%(family)s, policy.company_id), policy.sequence,
           policy.id
)"""

POLICY = """COALESCE(move.collection_policy_id, engagement.policy_id,
                    (customer.collection_policy_id ->> %(company)s::text)::int,
                    tag.policy_id, %(default_policy)s)"""

# The open instalments, and what bars an invoice from follow-up in Odoo's own books. An invoice is
# in payment for Odoo when a payment without an entry is on its way, be it of a part: the rest is
# asked for after some days.
OPEN = f"""
paying AS (
    SELECT DISTINCT rel.invoice_id AS move_id
      FROM account_invoice_transaction_rel rel
      JOIN payment_transaction ON payment_transaction.id = rel.transaction_id
     WHERE payment_transaction.state IN ('pending', 'authorized')
),
processing AS (
    SELECT move.id AS move_id, sum(payment.amount) AS amount,
           sum(payment.amount) < move.amount_residual
           AND max(payment.date) + %(process_days)s <= %(on)s AS leaves_rest
      FROM account_payment payment
      JOIN account_move__account_payment rel ON rel.payment_id = payment.id
      JOIN account_move move ON move.id = rel.invoice_id AND move.currency_id = payment.currency_id
     WHERE payment.company_id = %(company)s AND payment.move_id IS NULL
       AND payment.state IN ('in_process', 'paid')
  GROUP BY move.id
),
open AS MATERIALIZED (
    SELECT line.id AS line_id, line.move_id, line.currency_id, customer.id AS partner_id,
           COALESCE(line.date_maturity, line.date) AS due_date,
           line.amount_currency AS amount,
           line.amount_residual_currency AS residual,
           line.amount_residual AS residual_company,
           line.collection_reopened_date AS reopened,
           line.collection_posted_date AS posted,
           line.amount_currency - line.discount_amount_currency AS discount, line.discount_date,
           CASE WHEN line.no_followup THEN 'no_followup'
                WHEN move.payment_state = 'blocked' THEN 'blocked'
                WHEN move.payment_state IN %(settled)s AND processing.leaves_rest IS NOT TRUE
                THEN 'in_payment'
                WHEN paying.move_id IS NOT NULL THEN 'payment_pending'
            END AS bar,
           {POLICY} AS policy_id
      FROM account_move_line line
      JOIN account_move move ON move.id = line.move_id
      JOIN account_account account ON account.id = line.account_id
      JOIN res_partner contact ON contact.id = line.partner_id
      JOIN res_partner customer ON customer.id = contact.commercial_partner_id
 LEFT JOIN engagement ON engagement.move_id = line.move_id
 LEFT JOIN tag ON tag.partner_id = customer.id
 LEFT JOIN paying ON paying.move_id = line.move_id
 LEFT JOIN processing ON processing.move_id = line.move_id
     WHERE line.company_id = %(company)s
       AND line.parent_state = 'posted'
       AND line.display_type = 'payment_term'
       AND line.reconciled IS NOT TRUE
       AND line.amount_residual_currency > 0
       AND move.move_type IN ('out_invoice', 'out_receipt')
       AND account.account_type = 'asset_receivable'
       %(scope)s
)"""

# What people put on hold: all of an instalment, or the amount of its invoice that is in dispute.
# That amount is taken from the instalments due last, and so is a payment on its way.
HOLDS = """
hold AS MATERIALIZED (
    SELECT hold.id, kase.partner_id, kase.currency_id, rel.account_move_id AS move_id,
           hold.kind, hold.everywhere, NULLIF(hold.disputed_amount, 0) AS amount, hold.state,
           CASE WHEN hold.kind = 'promise' THEN GREATEST(hold.date_until, %(on)s::date)
                ELSE hold.date_until END AS until,
           hold.resume_date
      FROM collection_hold hold
      JOIN collection_case kase ON kase.id = hold.case_id
 LEFT JOIN account_move_collection_hold_rel rel ON rel.collection_hold_id = hold.id
     WHERE kase.company_id = %(company)s
       AND hold.date_from <= %(on)s
       AND hold.pauses AND (hold.state = 'active' OR hold.resume_date IS NOT NULL)
),
touched AS (
    SELECT open.line_id, hold.*
      FROM open
      JOIN hold ON hold.partner_id = open.partner_id
       AND (hold.currency_id = open.currency_id OR hold.everywhere)
       AND (hold.move_id IS NULL OR hold.move_id = open.move_id)
),
held AS (
    SELECT DISTINCT ON (line_id) line_id, kind, until
      FROM touched
     WHERE state = 'active' AND amount IS NULL AND COALESCE(until >= %(on)s, TRUE)
  ORDER BY line_id, until DESC NULLS FIRST, id
),
resumed AS (
    SELECT line_id, max(resume_date) AS date FROM touched WHERE state <> 'active' GROUP BY line_id
),
disputed AS (
    SELECT move_id, sum(amount) AS amount
      FROM (SELECT move_id, amount
              FROM hold
             WHERE state = 'active' AND amount IS NOT NULL AND COALESCE(until >= %(on)s, TRUE)
         UNION ALL
            SELECT move_id, amount FROM processing WHERE leaves_rest) part
  GROUP BY move_id
),
share AS (
    SELECT open.line_id,
           LEAST(open.residual, GREATEST(0, disputed.amount + open.residual
               - sum(open.residual) OVER (PARTITION BY open.move_id
                                              ORDER BY open.due_date DESC, open.line_id DESC)
           )) AS amount
      FROM open
      JOIN disputed ON disputed.move_id = open.move_id
)"""

# What is asked, and from which day on. Whoever took an early-payment discount late, but not too
# late, is not reminded of it.
ITEMS = """
item AS MATERIALIZED (
    SELECT open.line_id, open.move_id, open.currency_id, open.partner_id, open.due_date,
           open.amount, open.policy_id, open.residual_company AS open_company,
           open.residual - COALESCE(share.amount, 0) AS asked,
           CASE WHEN share.amount IS NULL THEN open.residual_company
                ELSE round(open.residual_company * (1 - share.amount / open.residual), 2)
            END AS asked_company,
           GREATEST(open.reopened, resumed.date) AS last_contact,
           open.posted + NULLIF(policy.posting_days, 0) AS not_before,
           COALESCE(open.bar, held.kind,
                    CASE WHEN share.amount >= open.residual THEN 'dispute' END,
                    CASE WHEN open.residual <= open.discount AND open.residual < open.amount
                          AND EXISTS (SELECT FROM account_partial_reconcile partial
                                       WHERE partial.debit_move_id = open.line_id
                                         AND partial.max_date
                                             <= open.discount_date + policy.discount_days)
                         THEN 'discount' END) AS hold,
           CASE WHEN open.bar IS NULL THEN held.until END AS hold_until
      FROM open
 LEFT JOIN held ON held.line_id = open.line_id
 LEFT JOIN resumed ON resumed.line_id = open.line_id
 LEFT JOIN share ON share.line_id = open.line_id
 LEFT JOIN collection_policy policy ON policy.id = open.policy_id
)"""

# What each instalment was reminded of, less what reached nobody.
HISTORY = """
undelivered AS (
    SELECT letter.id, bool_or(notification.notification_status = 'exception'
               AND COALESCE(notification.failure_type, '') NOT IN
                   ('mail_bounce', 'mail_email_invalid', 'mail_email_missing', 'mail_bl',
                    'mail_optout')) AS stuck
      FROM collection_letter letter
      JOIN mail_notification notification
        ON notification.mail_message_id = letter.mail_message_id
       AND notification.notification_type = 'email'
     WHERE letter.company_id = %(company)s
  GROUP BY letter.id
    HAVING NOT bool_or(notification.notification_status IN ('ready', 'process', 'pending', 'sent'))
),
told AS (
    SELECT item.line_id, item.policy_id, event.id
      FROM collection_event event
      JOIN item ON item.move_id = event.move_ref AND item.due_date = event.due_date
       AND item.amount = event.amount
     WHERE NOT event.move_ref = ANY(%(odd_moves)s::int[])
     UNION ALL
    SELECT item.line_id, item.policy_id, odd.event_id
      FROM unnest(%(odd_events)s::int[], %(odd_lines)s::int[]) odd (event_id, line_id)
      JOIN item ON item.line_id = odd.line_id
),
history AS (
    SELECT told.line_id, max(event.date) AS last_date,
           bool_or(event.date > event.due_date) AS after_due,
           COALESCE(bool_or(undelivered.stuck), FALSE) AS stuck,
           max(ARRAY[COALESCE(level.sequence, event.level_sequence), event.level_ref]) AS place
      FROM told
      JOIN collection_event event ON event.id = told.id
      JOIN collection_letter letter ON letter.id = event.letter_id
 LEFT JOIN collection_withdrawal withdrawal ON withdrawal.event_id = event.id
 LEFT JOIN undelivered ON undelivered.id = letter.id
 LEFT JOIN collection_level level
        ON level.id = event.level_ref AND level.policy_id = told.policy_id
     WHERE withdrawal.id IS NULL AND letter.state <> 'failed'
       AND COALESCE(undelivered.stuck, TRUE)
  GROUP BY told.line_id
),
stranger AS (
    SELECT event.move_ref AS move_id, max(event.date) AS date
      FROM unnest(%(odd_events)s::int[], %(odd_lines)s::int[]) odd (event_id, line_id)
      JOIN collection_event event ON event.id = odd.event_id
     WHERE odd.line_id IS NULL
  GROUP BY event.move_ref
)"""

BALANCES = """
credit AS (
    SELECT contact.commercial_partner_id AS partner_id, line.currency_id,
           -sum(line.amount_residual_currency) AS amount,
           -sum(line.amount_residual) AS amount_company
      FROM account_move_line line
      JOIN account_account account ON account.id = line.account_id
      JOIN res_partner contact ON contact.id = line.partner_id
     WHERE line.company_id = %(company)s
       AND line.parent_state = 'posted'
       AND line.reconciled IS NOT TRUE
       AND line.amount_residual_currency < 0
       AND account.account_type = 'asset_receivable'
  GROUP BY contact.commercial_partner_id, line.currency_id
),
balance AS (
    SELECT partner_id, currency_id, sum(open_company) AS open_company,
           COALESCE(sum(asked) FILTER (WHERE late), 0) AS overdue,
           COALESCE(sum(asked_company) FILTER (WHERE late), 0) AS overdue_company
      FROM (SELECT *, due_date < %(on)s AND hold IS NULL AS late FROM item) item
  GROUP BY partner_id, currency_id
),
contact AS (
    SELECT kase.partner_id, max(letter.date) AS date
      FROM collection_letter letter
      JOIN collection_case kase ON kase.id = letter.case_id
     WHERE letter.company_id = %(company)s
       AND letter.channel IN ('email', 'letter')
       AND letter.state NOT IN ('failed', 'cancelled')
  GROUP BY kase.partner_id
)"""

# For each instalment the levels that come into question, and the one that is taken.
CHOICE = """
place AS (
    SELECT DISTINCT item.policy_id, COALESCE(history.place, '{}') AS place
      FROM item
 LEFT JOIN history ON history.line_id = item.line_id
),
ladder AS (
    SELECT place.place, level.*, policy.catch_up, policy.contact_gap_days,
           row_number() OVER (PARTITION BY place.policy_id, place.place, level.delay_days >= 0
                                  ORDER BY level.sequence, level.id) = 1 AS next
      FROM place
      JOIN collection_policy policy ON policy.id = place.policy_id
      JOIN collection_level level ON level.policy_id = place.policy_id
     WHERE ARRAY[level.sequence, level.id] > place.place
),
step AS (
    SELECT item.line_id, item.due_date, item.asked, item.asked_company,
           level.id AS level_id, level.sequence, level.delay_days,
           level.min_amount, level.min_percent, level.catch_up,
           item.due_date >= %(on)s AS early,
           item.due_date + level.delay_days AS reached, item.not_before,
           GREATEST(
               item.due_date + level.delay_days, item.not_before,
               GREATEST(history.last_date, item.last_contact, stranger.date)
                   + GREATEST(level.min_gap_days, 1),
               contact.date + level.contact_gap_days
           ) AS start,
           COALESCE(history.after_due, FALSE) AS after_due,
           COALESCE(history.stuck, FALSE) AS stuck,
           balance.overdue,
           balance.overdue_company - COALESCE(credit.amount_company, 0) AS overdue_company,
           balance.open_company AS all_open,
           COALESCE(credit.amount, 0) AS credit
      FROM item
 LEFT JOIN history ON history.line_id = item.line_id
      JOIN ladder level
        ON level.policy_id = item.policy_id AND level.place = COALESCE(history.place, '{}')
       AND CASE WHEN item.due_date >= %(on)s THEN TRUE
                WHEN level.catch_up = 'by_age' THEN level.delay_days >= 0
                ELSE level.next AND level.delay_days >= 0 END
      JOIN balance
        ON balance.partner_id = item.partner_id AND balance.currency_id = item.currency_id
 LEFT JOIN credit
        ON credit.partner_id = item.partner_id AND credit.currency_id = item.currency_id
 LEFT JOIN stranger ON stranger.move_id = item.move_id
 LEFT JOIN contact ON contact.partner_id = item.partner_id
     WHERE item.hold IS NULL
),
judged AS (
    SELECT step.*, CASE
               WHEN start > %(on)s
               THEN CASE WHEN GREATEST(reached, not_before) > %(on)s THEN 'not_yet' ELSE 'gap' END
               WHEN stuck THEN 'stuck'
               WHEN credit >= overdue + CASE WHEN early THEN asked ELSE 0 END THEN 'credit_covers'
               WHEN overdue_company + CASE WHEN early THEN asked_company ELSE 0 END < min_amount
                 OR (overdue_company + CASE WHEN early THEN asked_company ELSE 0 END) * 100
                    < min_percent * all_open
               THEN 'below_minimum'
               ELSE 'due'
           END AS reason
      FROM step
     WHERE NOT early OR NOT after_due AND start <= due_date
),
chosen AS (
    SELECT DISTINCT ON (line_id) line_id, level_id, reason, start
      FROM judged
  ORDER BY line_id,
           CASE WHEN early THEN start > %(on)s
                WHEN catch_up = 'by_age' THEN reached > %(on)s END,
           CASE WHEN early THEN NULL
                WHEN catch_up = 'by_age' AND reached <= %(on)s THEN reason = 'below_minimum' END,
           CASE WHEN early AND start <= %(on)s THEN -delay_days
                WHEN early THEN start - %(on)s::date
                WHEN catch_up = 'by_age' AND reached > %(on)s THEN delay_days END,
           CASE WHEN NOT early AND catch_up = 'by_age' AND reached <= %(on)s THEN -sequence END,
           CASE WHEN NOT early AND catch_up = 'by_age' AND reached <= %(on)s THEN -level_id END,
           sequence, level_id
)"""

DECISION = """
decision AS (
    SELECT item.line_id, item.move_id, item.partner_id, item.currency_id, item.due_date,
           item.asked, item.asked_company,
           CASE WHEN chosen.reason = 'due' THEN chosen.level_id END AS level_id,
           CASE WHEN item.hold IS NOT NULL THEN item.hold
                WHEN chosen.reason IS NOT NULL THEN chosen.reason
                WHEN item.due_date >= %(on)s THEN 'not_overdue'
                WHEN EXISTS (SELECT FROM collection_level level
                              WHERE level.policy_id = item.policy_id) THEN 'all_sent'
                ELSE 'no_policy'
            END AS reason,
           CASE WHEN item.hold IS NOT NULL THEN item.hold_until
                WHEN chosen.reason IN ('due', 'not_yet', 'gap') THEN chosen.start
                WHEN chosen.reason IS NULL AND item.due_date >= %(on)s THEN item.due_date + 1
            END AS date,
           chosen.level_id AS upcoming_id,
           balance.overdue, COALESCE(credit.amount, 0) AS credit
      FROM item
      JOIN balance
        ON balance.partner_id = item.partner_id AND balance.currency_id = item.currency_id
 LEFT JOIN credit
        ON credit.partner_id = item.partner_id AND credit.currency_id = item.currency_id
 LEFT JOIN chosen ON chosen.line_id = item.line_id
)"""

STEPS = (POLICIES, OPEN, HOLDS, ITEMS, HISTORY, BALANCES, CHOICE, DECISION)
