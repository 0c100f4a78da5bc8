"""A day from which users need a second factor: moments around it, and the log entries of the account phase about it."""

import datetime


DAY = 86_400


def utc(*moment):
    return int(datetime.datetime(*moment, tzinfo=datetime.timezone.utc).timestamp())


def told_in_account(journal, account):
    """The log entries of the account phase, without the keys that are the same in all."""
    return [event for event in journal.events(account.name) if event["tag"].endswith(":account")]
