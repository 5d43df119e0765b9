"""Messages that are too large: whether it is their size, and from which size on."""

from dataclasses import replace

from stack.diagnose.doctor.conclude import conclude
from stack.diagnose.doctor.evidence import Evidence
from stack.diagnose.doctor.measured import Sizes
from stack.probe.exchange import Ending
from tests.unit.diagnose.seen import answered, evidence, failed
from tests.unit.diagnose.tables import concluded, table, told

BIG, OTHER = Ending(1009, "", 0.1), Ending(1006, "", 0.1)
OPENED = answered(101)


def sized(sizes: Sizes | None, base: int = 101) -> Evidence:
    return evidence(answered(base), sizes=sizes)


TOO_BIG = "end the connection with 1009 (message too big)"
TOO_BIG_ALONE = "ends the connection with 1009 (message too big)"
LIMITED = Sizes(4096, 4096, BIG, 1024, 1025)


@table(
    {
        "it ends over the message": (sized(LIMITED), "WS185 error"),
        "a byte ends it in another way": (sized(replace(LIMITED, small=OTHER)), "WS185 error"),
        "a byte ends it as well": (sized(replace(LIMITED, small=BIG)), "WS178 info"),
        "time runs out": (sized(Sizes(4096, 4095)), "WS178 info"),
        "the message passes": (sized(Sizes(4096, 4096)), ""),
        "all is sent, and it ends": (sized(Sizes(4096, 4096, BIG, 0, 4096)), "WS185 error"),
        "nobody measured": (sized(None), ""),
        "it does not open at all": (sized(LIMITED, base=404), "WS142 error"),
        "it opens, and a hop that is out of reach does not": (
            replace(sized(LIMITED), bases=(OPENED, failed("refused")), suspect=1),
            "WS101 info, WS185 error",
        ),
    }
)
def test_a_message_that_is_too_large(seen: Evidence, expected: str) -> None:
    assert concluded(seen) == expected


@table(
    {
        "the limit is known": (
            sized(LIMITED),
            "messages larger than 1,024 bytes end the connection with 1009 (message too big)",
        ),
        "the limit is known roughly": (
            sized(replace(LIMITED, failed=1026)),
            f"messages {TOO_BIG} from a size between 1,024 and 1,026 bytes",
        ),
        "no size passed": (
            sized(replace(LIMITED, passed=0)),
            "a message of 1,025 bytes ends the connection with 1009 (message too big)",
        ),
        "time ran out": (
            sized(Sizes(4096, 2048)),
            "accepts only 2,048 of 4,096 bytes before the time limit",
        ),
        "a byte ends it as well": (
            sized(replace(LIMITED, small=BIG)),
            f"a message of 1 byte {TOO_BIG_ALONE} as well: not a size limit",
        ),
    }
)
def test_the_message_names_the_limit(seen: Evidence, expected: str) -> None:
    assert told(seen) == expected


def test_the_sizes_that_were_tried_are_shown() -> None:
    end = ("1,025 bytes", "close 1009")
    cases = {
        LIMITED: (("1 byte", "stays open"), ("1,024 bytes", "stays open"), end),
        replace(LIMITED, passed=1): (("1 byte", "stays open"), end),
        replace(LIMITED, passed=0): (end,),
        replace(LIMITED, passed=0, small=OTHER): (("1 byte", "close 1006"), end),
    }
    for sizes, rows in cases.items():
        (found,) = conclude(sized(sizes))
        assert found.seen == rows


def test_a_size_limit_is_reported_for_the_url_and_no_hop() -> None:
    hop = replace(OPENED, question=replace(OPENED.question, label="server"))
    (found,) = conclude(replace(sized(LIMITED), bases=(OPENED, hop), suspect=1))
    assert found.answers == (OPENED,)
