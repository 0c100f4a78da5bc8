"""Several people at several doors at the same moment."""

from concurrent.futures import ThreadPoolExecutor


def together(attempts):
    """Makes all the attempts at once and returns their results, in the order given."""
    with ThreadPoolExecutor(max_workers=len(attempts)) as pool:
        return [each.result() for each in [pool.submit(attempt) for attempt in attempts]]
