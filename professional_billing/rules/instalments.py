"""Instalments of an invoice, known again after accounting has renumbered them."""


def share_history(instalments, reminders):
    """Give every reminder of one invoice to the instalment it spoke of.

    Accounting renumbers and merges instalments when an invoice is corrected, so they are known
    by due date and original amount: both equal, else the amount (the due date was moved), else
    the due date (the amount was changed), earliest first.

    :param instalments: sequence of (due_date, amount), as they are today
    :param reminders: Reminders of the invoice
    :return: (tuple of Reminders per instalment, in the order given; the Reminders left over)
    """
    spoken = {}
    for reminder in reminders:
        spoken.setdefault((reminder.due_date, reminder.amount), []).append(reminder)
    shares = [()] * len(instalments)
    free = sorted(range(len(instalments)), key=lambda index: instalments[index])
    for same in (lambda key: key, lambda key: key[1], lambda key: key[0]):
        for key in sorted(spoken):
            index = next((i for i in free if same(instalments[i]) == same(key)), None)
            if index is not None:
                shares[index] = tuple(spoken.pop(key))
                free.remove(index)
    left = [reminder for group in spoken.values() for reminder in group]
    return shares, left
