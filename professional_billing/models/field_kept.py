from .field_unchecked import Many2oneUnchecked


class Many2oneKept(Many2oneUnchecked):
    """A link that the database keeps as by a foreign key, at the cost of one look-up for each target.

    A foreign key looks its target up for every row, 5 to 8 microseconds each: for rows by the hundred
    thousand with six links that is most of what they cost. This one is looked up once for each target
    of a statement, and locked as a foreign key locks it (`billing_bulk_links.py`). When a target goes,
    `ondelete` is done as usual.

    One thing a foreign key can do, it cannot: see a row that another transaction commits after a
    deleting one has begun. So it is not for links to what people delete while work is being billed.
    """
