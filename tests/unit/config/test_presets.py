"""A preset is one file and one line in the registry; the model and the images name the same."""

from typing import get_args

from stack.config.model import Service
from stack.config.presets import NGINX, PRESETS, of
from stack.layout.images import NAMES


def test_the_model_the_registry_and_the_images_name_the_same() -> None:
    (written, _) = get_args(Service.model_fields["preset"].annotation)
    assert {*get_args(written)} == PRESETS.keys() - {NGINX}
    assert {*NAMES} == {preset.image for preset in PRESETS.values()}


def test_stores_are_told_by_what_they_give() -> None:
    stores = {name: preset.address for name, preset in PRESETS.items() if preset.is_store}
    given = {name: address("db", 1, "a b") for name, address in stores.items() if address}
    assert given == {
        "redis": "redis://db:1/0",
        "postgres": "postgresql://postgres@db:1/a%20b",
    }
    assert of(None) is None
