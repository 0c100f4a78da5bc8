"""A day on which a second factor becomes due: moments, and what the log of the account phase says of them."""

import datetime


DAY = 86_400


def utc(*moment):
    return int(datetime.datetime(*moment, tzinfo=datetime.timezone.utc).timestamp())


def told_in_account(journal, account):
    """The lines of the account phase, without what is the same in all."""
    return [event for event in journal.events(account.name) if event["tag"].endswith(":account")]
