"""Errors that our own code tells apart."""

from odoo.exceptions import UserError


class BusyError(UserError):
    """Somebody else is at the same work right now: in a moment it may well be free."""
