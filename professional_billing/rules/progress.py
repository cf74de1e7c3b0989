"""Billing by progress: what a percentage of completion makes due."""

from .rounding import decimal, money


def due(contract, percent, billed, decimals=2):
    """Return contract x percent - billed, negative where progress was taken back.

    What is earned to date is rounded, not the step, so however many claims there are, together
    they make the rounded contract at 100 %. Source: BQE, percent-complete billing.

    :param contract: agreed value in the currency, changes included
    :param percent: completion to date, 0-100
    :param billed: billed before, less credits
    :raise ValueError: on a percentage below 0 or above 100
    """
    percent = decimal(percent)
    if not 0 <= percent <= 100:
        raise ValueError(f"Completion must be between 0 and 100 percent, not {percent}.")
    return money(decimal(contract) * percent / 100, decimals) - money(billed, decimals)
