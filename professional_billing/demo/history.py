"""What became of the bills of the demonstration, by (engagement, month of the work).

Bills without a story are paid a few days before or after they are due. Days are counted from
today, so that the same invoices are late by the same days whenever the data is loaded.
"""

#: The months that are billed; the last month is left for the user to bill.
BILLED_MONTHS = (-4, -3, -2)

#: Due so many days ago, and nothing has been paid.
OVERDUE = {
    ("warehouse", -3): 43,
    ("warehouse", -2): 12,
    ("reporting", -3): 25,
    ("costing", -2): 10,
    ("treasury", -3): 3,
}

#: Due so many days ago, and half of it has been paid.
PARTLY_PAID = {("close", -2): 9}

#: The client disputes it, and it is left out of follow-up.
DISPUTED = {("selection", -3): 30}

#: Hours credited with a credit note, and why; the rest is paid.
CREDITED = {("rollout", -3): (6, "Workshop cancelled by us")}

#: How many hours the review writes off at least, and the reason.
WRITTEN_OFF = {
    ("support", -3): (3, "professional_billing.reason_rework"),
    ("warehouse", -2): (2, "professional_billing.reason_overrun"),
    ("reporting", -2): (2, "professional_billing.reason_goodwill"),
}

#: Waits in review for its project manager: all its work up to the end of last month.
IN_REVIEW = "transformation"

#: The collector's last follow-up run, so many days ago.
LAST_FOLLOW_UP = 14

#: Engagements of clients who promised to pay (in so many days), got a statement, and owe interest.
PROMISED, PROMISED_IN = "close", 6
STATEMENT = "reporting"
CHARGED = "warehouse"

#: Euro for one dollar on the first of each month, from five months ago on.
EUR_RATES = (0.9262, 0.9198, 0.9145, 0.9210, 0.9087, 0.9034)
