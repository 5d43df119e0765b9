"""What an engine says of a container is read the same each time."""

from stack.engines.docker.observe import container

MOUNTS = [
    {"Destination": "/b", "Name": "b" * 64},
    {"Destination": "/a", "Name": "a" * 64},
    {"Destination": "/named", "Name": "shop_db"},
    {"Destination": "/folder", "Source": "/home"},
]
SUMMARY = {
    "Id": "i",
    "Names": ["/shop-db-1"],
    "State": "running",
    "Status": "Up",
    "ImageID": "m",
    "Ports": [],
}


def test_the_order_of_mounts_changes_nothing() -> None:
    seen = [container({**SUMMARY, "Mounts": each}, "shop") for each in (MOUNTS, MOUNTS[::-1])]
    assert seen[0] == seen[1]
    assert seen[0].anonymous == (("/a", "a" * 64), ("/b", "b" * 64))
