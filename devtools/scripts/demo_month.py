"""The main job in the demonstration's company: bill last month, then chase what is overdue.

Run by `./dev demo` in Odoo's shell. The billing officer bills and the collector chases, each with
their own rights. What it does is committed, so that the served database shows it.
"""

import sys
from collections import defaultdict

from odoo.exceptions import UserError

TOTALS = ("Billed", "Left to bill", "Chased", "Left alone")


def main(env):
    company = env.ref("professional_billing.company_demo")
    # No mail leaves a demonstration: the reminders stay in the queue.
    env.ref("mail.ir_cron_mail_scheduler_action").active = False
    env.cr.commit()
    totals = defaultdict(float)
    try:
        failed = bill(as_person(env, "grace", company), totals)
        failed += chase(as_person(env, "owen", company), totals)
    except UserError as error:
        env.cr.rollback()
        sys.exit(f"It did not work: {error}")
    show_totals(totals)
    if failed:
        sys.exit(f"\n{failed} of these could not be dealt with: see the reasons above.")


def as_person(env, name, company):
    user = env.ref(f"professional_billing.user_{name}")
    return env(user=user, context={"lang": "en_US", "allowed_company_ids": company.ids})


# -- billing ---------------------------------------------------------------------------------------


def bill(env, totals):
    """Bill what last month has earned; return how many engagements failed."""
    run = env["billing.run"].create({"mode": "post"})
    cutoff = run.cutoff_date
    heading(f"{env.company.name}: {env.user.name} bills the work up to {long_date(cutoff)}")
    run.action_preview()
    if run.line_ids.filtered("include"):
        run.action_start()
    failed = run.line_ids.filtered(lambda line: line.state == "failed")
    if billed := run.line_ids.filtered("move_ids"):
        show_bills(billed, totals)
    elif not failed:
        print(f"There is nothing left to bill up to {long_date(cutoff)}.")
    for line in failed:
        print(f"{engagement(line.order_id)} was not billed: {line.error}")
    count = len(failed)
    if billed or failed:
        env.cr.commit()
    else:
        env.cr.rollback()
    show_open(env, cutoff, totals)
    return count


def show_bills(lines, totals):
    rows = []
    for order, move in ((line.order_id, move) for line in lines for move in line.move_ids):
        currency = move.currency_id.name
        totals[currency, "Billed"] += move.amount_untaxed
        amounts = [money(move.amount_untaxed), money(move.amount_total), currency]
        rows.append([engagement(order), move.commercial_partner_id.name, move.name, *amounts])
    table(
        ["Engagement", "Customer", "Invoice", "Work", "With tax", ""],
        rows,
        widths=(29, 26, 14, 11, 11, 3),
        numbers=(3, 4),
    )


def show_open(env, cutoff, totals):
    """Say of all that is earned or agreed and not billed why it is not."""
    heading("Not billed, and why")
    labels = dict(env["billing.item"]._fields["blocked_reason"]._description_selection(env))
    amounts = defaultdict(float)
    for item in env["billing.item"].search([("is_open", "=", True)]):
        if item.prebill_id:
            reason = f"{item.prebill_id.name} waits for approval"
        else:
            reason = labels.get(item.blocked_reason) or f"Work after {long_date(cutoff)}"
        amounts[item.order_id, reason] += item.open_amount
    rows = []
    ordered = sorted(amounts.items(), key=lambda entry: (entry[0][0].name, entry[0][1]))
    for (order, reason), amount in ordered:
        currency = order.currency_id.name
        totals[currency, "Left to bill"] += amount
        rows.append([order.name, order.partner_id.name, reason, money(amount), currency])
    table(
        ["Order", "Customer", "Reason", "Amount", ""],
        rows,
        widths=(8, 28, 44, 11, 3),
        numbers=(3,),
    )


# -- collection ------------------------------------------------------------------------------------


def chase(env, totals):
    """Remind the customers who are late; return how many could not be reminded by an error."""
    run = env["collection.run"].create({})
    heading(f"{env.user.name} chases what is overdue on {long_date(run.date)}")
    run.action_propose()
    if run.line_ids.filtered("include"):
        run.action_approve()
        run.action_send()
    reminded = run.line_ids.filtered("event_id")
    if reminded:
        show_reminders(reminded, totals)
        print("The e-mails wait in the queue: a demonstration sends none.")
    else:
        print("There is nobody to chase today.")
    if left := run.line_ids - reminded:
        show_left_alone(left, totals)
    count = len(run.line_ids.filtered(lambda line: line.skip_reason == "error"))
    if reminded or count:
        env.cr.commit()
    else:
        env.cr.rollback()
    return count


def show_reminders(lines, totals):
    rows = []
    for line in lines:
        currency = line.currency_id.name
        totals[currency, "Chased"] += line.amount_residual
        reminder = [line.case_id.partner_id.name, line.level_id.name, line.move_id.name]
        rows.append([*reminder, str(line.days_late), money(line.amount_residual), currency])
    table(
        ["Customer", "Reminder", "Invoice", "Days late", "Open", ""],
        rows,
        widths=(28, 24, 15, 9, 13, 3),
        numbers=(3, 4),
    )


def show_left_alone(lines, totals):
    heading("Left alone, and why")
    reasons = dict(lines._fields["skip_reason"]._description_selection(lines.env))
    rows = []
    for line in lines:
        currency = line.currency_id.name
        totals[currency, "Left alone"] += line.amount_residual
        reason = line.skip_note or reasons[line.skip_reason]
        what = [line.case_id.partner_id.name, line.move_id.name, reason, str(line.days_late)]
        rows.append([*what, money(line.amount_residual), currency])
    table(
        ["Customer", "Invoice", "Reason", "Late", "Open", ""],
        rows,
        widths=(26, 14, 38, 4, 10, 3),
        numbers=(3, 4),
    )


# -- print -----------------------------------------------------------------------------------------


def show_totals(totals):
    heading("Totals")
    currencies = sorted({currency for currency, _column in totals}, reverse=True)
    rows = [
        [currency, *(money(totals[currency, column]) for column in TOTALS)]
        for currency in currencies
    ]
    table(["", *TOTALS], rows, widths=(8, 16, 16, 16, 16), numbers=(1, 2, 3, 4))


def heading(text):
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def table(titles, rows, widths, numbers):
    """Print rows in columns as wide as `widths`, those of `numbers` to the right."""

    def cells(row):
        for number, (text, width) in enumerate(zip(row, widths)):
            short = text if len(text) <= width else text[: width - 1] + "…"
            yield short.rjust(width) if number in numbers else short.ljust(width)

    for row in [titles, ["-" * width for width in widths], *rows]:
        print(" ".join(cells(row)).rstrip(), flush=True)


def engagement(order):
    """Return the order's number and its project's name, which officers need not see."""
    project = order.sudo().project_id.name or ""
    return f"{order.name} {project.partition(': ')[2] or project}"


def money(amount):
    return f"{amount:,.2f}"


def long_date(date):
    return f"{date.day} {date:%B %Y}"


main(env)
