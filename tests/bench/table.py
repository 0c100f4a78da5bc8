"""Prints the figures as text, with the targets that they should reach."""

from contenders import BY_KEY


# ---------------------------------------------------------------------------------------------------------- the targets


def targets(figures):
    """Returns each target that was measured: its name, the value, the bound, and whether it is met."""
    found = []

    def target(what, value, bound, unit=""):
        if value is not None:
            found.append({"what": what, "value": round(value, 3), "bound": bound, "unit": unit, "met": value <= bound})

    login, authenticate = (lambda place, key, of=of: median(figures, place, key, of) for of in ("login", "authenticate"))
    target("disk: pam_start to pam_end, relative to google-authenticator", ratio(login, "disk", "pam_otp", "google"), 0.10)
    target("disk: pam_start to pam_end, relative to pam_oath", ratio(login, "disk", "pam_otp", "oath"), 1.0)
    target("disk: pam_authenticate, relative to the floor", ratio(authenticate, "disk", "pam_otp", "floor"), 1.5)
    helper = ratio(login, "disk", "pam_otp-helper", "google-user")
    target("disk: by the helper, relative to google-authenticator as the user", helper, 0.5)
    target("tmpfs: pam_start to pam_end, relative to pam_oath", ratio(login, "tmpfs", "pam_otp", "oath"), 2.5)
    target("tmpfs: pam_authenticate, relative to pam_oath", ratio(authenticate, "tmpfs", "pam_otp", "oath"), 2.5)
    for place in ("disk", "tmpfs"):
        target(f"{place}: pam_start to pam_end with many users, relative to one", growth(figures, place), 1.10)
    target("disk: 64 users at once, relative to the time of disk and processors", crowding(figures), 1.5)
    target("instructions of a login", first(figures.get("instructions", []), "login", contender="pam_otp"), 250_000)
    target("memory added to the program, beyond pam_permit's", added_mebibytes(figures), 0.6, " MiB")
    return found


def median(figures, place, contender, of):
    row = first(figures.get("logins", []), of, place=place, contender=contender, verdict="accepted")
    return row and row["median"]


def added_mebibytes(figures):
    ours, nothing = (first(figures.get("memory", []), "resident_kib", contender=key) for key in ("pam_otp", "permit"))
    return None if ours is None else (ours - nothing) / 1024


def first(rows, of, **wanted):
    """Returns that column of the row with these values; None: it was not measured."""
    return next((row[of] for row in rows if all(row[key] == value for key, value in wanted.items())), None)


def ratio(value, place, ours, theirs):
    found = value(place, ours), value(place, theirs)
    return found[0] / found[1] if all(found) else None


def growth(figures, place):
    """Returns how many times longer a login takes with the most users than with one."""
    rows = [row for row in figures.get("users", []) if (row["place"], row["contender"]) == (place, "pam_otp")]
    if len(rows) < 2:
        return None
    return max(row["login"]["median"] for row in rows) / min(rows, key=lambda row: row["users"])["login"]["median"]


def crowding(figures):
    """Compares 64 different users at once on the disk with 64 of the floor there and 64 of ours on the tmpfs. A larger figure means
    that one user waits for another."""
    found = [
        first(figures.get("crowds", []), "all", place=place, contender=contender, at_once=64, who="different")
        for place, contender in (("disk", "pam_otp"), ("disk", "floor"), ("tmpfs", "pam_otp"))
    ]
    if not all(found):
        return None
    ours, disk, processors = (spread["median"] for spread in found)
    return ours / (disk + processors)


# ------------------------------------------------------------------------------------------------------------- the text


def of(figures):
    machine = figures["machine"]
    systems = ", ".join(f"{where} {kind}" for where, kind in machine["file_systems"].items())
    lines = [f"{machine['processor']}, {machine['processors']} processors, Linux {machine['kernel']}; {systems}"]
    lines += ["Medians [and quartiles] in microseconds, each contender once in every round."]
    for rows in (logins, crowds, users, memory, instructions):
        if rows.__name__ in figures:
            lines += ["", *rows(figures)]
    if figures["targets"]:
        lines += ["", *target_lines(figures["targets"])]
    return "\n".join(lines)


def logins(figures):
    for place in unique(row["place"] for row in figures["logins"]):
        rows = [row for row in figures["logins"] if row["place"] == place]
        number = rows[0]["login"]["number"]
        yield from columns(
            [f"Logins, {place}: {number} rounds", "pam_start to pam_end", "", "pam_authenticate", "", "pam_start",
             "pam_end"],
            [
                [f"{name(row)}, {row['verdict']}", *with_quartiles(row["login"]), *with_quartiles(row["authenticate"]),
                 number_of(row["start"]["median"]), number_of(row["end"]["median"])]
                for verdict in unique(row["verdict"] for row in rows) for row in rows if row["verdict"] == verdict
            ],
        )
        yield ""


def users(figures):
    for place in unique(row["place"] for row in figures["users"]):
        rows = [row for row in figures["users"] if row["place"] == place]
        yield from columns(
            [f"Enrolled users, {place}", "users", "rounds", "pam_start to pam_end", "", "pam_authenticate", ""],
            [
                [name(row), f"{row['users']:,}", str(row["login"]["number"]), *with_quartiles(row["login"]),
                 *with_quartiles(row["authenticate"])]
                for key in unique(row["contender"] for row in rows) for row in rows if row["contender"] == key
            ],
        )
        yield ""
    yield "There is no row of google-authenticator: it reads one file in one home, however many others there are."
    yield "Each stranger has a directory with a record; some thousand strangers share the same two files, which no login opens."


def crowds(figures):
    for place in unique(row["place"] for row in figures["crowds"]):
        rows = [row for row in figures["crowds"] if row["place"] == place]
        yield from columns(
            [f"At once, {place}", "users", "at once", "all of them", "", "one of them", "", "let in"],
            [
                [name(row), row["who"], str(row["at_once"]), *with_quartiles(row["all"]), *with_quartiles(row["each"]),
                 " to ".join(map(str, unique(row["accepted"])))]
                for who in unique(row["who"] for row in rows)
                for key in unique(row["contender"] for row in rows)
                for row in rows if (row["who"], row["contender"]) == (who, key)
            ],
        )
        yield ""
    yield "The same user has one code, which must let one login in. pam_authenticate alone, each in a process of its own."


def memory(figures):
    yield from columns(
        ["Memory added, KiB", "resident", "private and written to"],
        [[name(row), number_of(row["resident_kib"]), number_of(row["private_kib"])] for row in figures["memory"]],
    )


def instructions(figures):
    yield from columns(
        ["Instructions of a login", "pam_start to pam_end", "pam_authenticate"],
        [[name(row), f"{row['login']:,}", f"{row['authenticate']:,}"] for row in figures["instructions"]],
    )


def target_lines(found):
    yield from columns(
        ["To reach", "measured", "at most", ""],
        [
            [one["what"], short(one["value"]) + one["unit"], short(one["bound"]) + one["unit"],
             "met" if one["met"] else "MISSED"]
            for one in found
        ],
    )
    yield f"{sum(one['met'] for one in found)} of {len(found)} targets met"


def name(row):
    return BY_KEY[row["contender"]].name


def with_quartiles(spread):
    return [number_of(spread["median"]), f"[{number_of(spread['low'])} {number_of(spread['high'])}]"]


def number_of(value):
    return f"{value:,.0f}"


def short(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def unique(values):
    return list(dict.fromkeys(values))


def columns(head, rows):
    """Aligns the first column to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    for number, row in enumerate((head, *rows)):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "-" * len("  ".join(cells))
