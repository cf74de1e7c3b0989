"""What was open on a day: what is open now, and what was matched since. Few matches are looked at."""

# A row for each journal item of a match that is younger than the day, with what it took from the
# item. An item is as old as its entry, a match as the younger of the two items it joins.
MATCHED_SINCE = """
    SELECT debit_move_id AS line_id, amount, debit_amount_currency AS amount_currency
      FROM account_partial_reconcile
     WHERE max_date > %(on)s
 UNION ALL
    SELECT credit_move_id, -amount, -credit_amount_currency
      FROM account_partial_reconcile
     WHERE max_date > %(on)s
"""
