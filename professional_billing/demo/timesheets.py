"""Who worked when on what: the same for the same day every time. Plain Python."""

import random
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from .calendar import Day, working_days
from .engagements import ENGAGEMENTS, TEAM
from .narratives import INTERNAL_WORK, NARRATIVES

SEED = 20
FIRST_DAY = Day(-4, 1)
HOURS_A_DAY = (6, 6.5, 7, 7, 7.5, 7.5, 8, 8)


class Entry(NamedTuple):
    """`engagement` is empty for internal work; `task` counts in the engagement's tasks."""

    person: str
    day: object
    engagement: str
    task: int
    hours: float
    text: str


def entries(today):
    """Return every time entry up to `today`, by day."""
    chance = random.Random(SEED)
    days = working_days(FIRST_DAY.on(today), today)
    away = {person: _away(chance, days) for person in TEAM}
    return [
        entry
        for day in days
        for person, shares in TEAM.items()
        if day not in away[person]
        for entry in _entries_of_day(chance, person, shares, day)
    ]


def _away(chance, days):
    """A week of holiday and a few single days."""
    start = chance.choice(days)
    week = {start + timedelta(days=count) for count in range(7)}
    return week | set(chance.sample(days, len(days) // 40))


def _entries_of_day(chance, person, shares, day):
    choices = {**shares, "": 100 - sum(shares.values())}
    hours = chance.choice(HOURS_A_DAY)
    wanted = chance.choices(list(choices), list(choices.values()), k=chance.choice((1, 2, 2, 3)))
    places = list(dict.fromkeys(wanted))
    for place, part in zip(places, _split(chance, hours, len(places)), strict=True):
        task = chance.randrange(_count_tasks(place))
        yield Entry(person, day, place, task, part, chance.choice(_texts(person, place, task)))


def _split(chance, hours, count):
    """Split into `count` parts of half hours, none below an hour."""
    cuts = sorted(chance.sample(range(2, int(hours * 2) - 1, 2), count - 1))
    edges = [0, *cuts, hours * 2]
    return [(end - start) / 2 for start, end in pairwise(edges)]


_TASKS = {engagement.key: engagement.tasks for engagement in ENGAGEMENTS}


def _count_tasks(place):
    return len(_TASKS[place]) if place else 1


def _texts(person, place, task):
    work = _TASKS[place][task].work if place else INTERNAL_WORK.get(person, "internal")
    return NARRATIVES[work]
