"""The model: durations, short forms, and values that cannot be changed."""

import pytest
from pydantic import ValidationError

from stack.config.document import Interpolated
from stack.config.model import Route, Service, parse_duration, parse_filled


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90),
        ("90", 90),
        ("5m", 300),
        ("1h", 3600),
        ("2d", 172800),
        (90, 90),
        (" 1h ", 3600),
        (1.5, 1.5),
    ],
)
def test_a_duration(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "1w", "1 h", "-1s", "1.5s", "h", "²s", "1h\n1", "9" * 10])
def test_what_is_no_duration(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (Interpolated("81"), 81),
        (Interpolated("0"), 0),
        (Interpolated("true"), True),
        (Interpolated("false"), False),
        (Interpolated("yes"), "yes"),
        (Interpolated("-1"), "-1"),
        (Interpolated("²"), "²"),
        (Interpolated("9" * 10), "9" * 10),
        ("81", "81"),
        (None, None),
    ],
)
def test_what_a_variable_gave_counts_as_what_it_spells(given: object, wanted: object) -> None:
    assert parse_filled(given) == wanted
    assert isinstance(parse_filled(given), bool) == isinstance(wanted, bool)


def test_short_forms_are_expanded() -> None:
    assert Route.model_validate("app") == Route(to="app")
    build = Service.model_validate({"build": "./api"}).build
    assert build
    assert (build.context, build.dockerfile) == ("./api", "Dockerfile")


@pytest.mark.parametrize("kind", ["preset", "image", "build", "host", "static"])
def test_the_source_of_a_service(kind: str) -> None:
    value: object = {"preset": "redis", "host": 1}.get(kind, "x")
    service = Service.model_validate({kind: value})
    assert service.source == kind
    assert service.is_container == (kind in {"preset", "image", "build"})


def test_a_model_cannot_be_changed() -> None:
    route = Route(to="app")
    with pytest.raises(ValidationError):
        route.to = "other"
