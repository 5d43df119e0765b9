"""Who has a name is counted once, and consent names every volume, also an anonymous one."""

from stack.engines.running import AnonymousVolume, Stranger
from stack.layout.labels import Owner
from stack.lifecycle.ownership import consequences, refusal, stop_command

OURS = Owner("shop", "/shop", "stack.yaml")
DEV = Owner("shop", "/shop", "dev.yaml")
COMPOSE = Owner("shop", "/theirs")
UNPLACED = Owner("shop")  # Compose writes its folder on containers only
HASH = "a" * 64
DB = Stranger(
    "container",
    "shop-db-1",
    "1",
    COMPOSE,
    is_running=True,
    anonymous=(AnonymousVolume("db", 1, "/anon", HASH),),
)
NETWORK = Stranger("network", "shop_default", "2", UNPLACED)
VOLUME = Stranger("volume", "shop_named", "3", UNPLACED)
BY_HAND = Stranger("volume", "shop_db", "4", Owner(""))


def test_what_one_compose_project_made_is_of_one_owner() -> None:
    for order in ([DB, NETWORK, VOLUME], [VOLUME, NETWORK, DB]):
        said = refusal(OURS, order, ())
        assert said.message == (
            "stack.yaml: name: shop is in use by the Docker Compose project shop of /theirs: "
            "container shop-db-1, network shop_default, volume shop_named"
        )
        assert said.hint.startswith("docker compose --project-name shop down\n")


def test_what_others_made_is_still_counted() -> None:
    assert refusal(OURS, [DB, BY_HAND], ()).message.endswith("shop-db-1; and 1 more of others")
    elsewhere = Stranger("container", "shop-x-1", "5", Owner("shop", "/elsewhere"))
    assert refusal(OURS, [DB, elsewhere], ()).message.endswith("; and 1 more of others")


def test_no_volume_without_a_name_is_said_to_be_used() -> None:
    for strangers in ([DB], [BY_HAND]):
        assert "volumes with a name are kept and used" in refusal(OURS, strangers, ()).hint


def test_consent_names_the_volumes_that_nobody_named() -> None:
    assert consequences("shop", [DB, VOLUME], {"shop_named"}) == [
        "remove container shop-db-1 (made by Docker Compose in /theirs)",
        f"leave alone volume {HASH} (no name, /anon of shop-db-1)",
        "keep and use volume shop_named (made by Docker Compose)",
    ]


def test_a_stack_that_moved_goes_on_with_its_own() -> None:
    moved = Stranger(
        "container", "shop-db-1", "1", Owner("shop", "/old", "stack.yaml"), anonymous=DB.anonymous
    )
    assert f"keep and use volume {HASH} (no name, /anon of shop-db-1)" in consequences(
        "shop", [moved], ()
    )


def hints(other: Owner, *folders: str) -> list[str]:
    return refusal(DEV, [Stranger("container", "shop-a-1", "1", other)], folders).hint.splitlines()


def test_another_file_of_the_folder_is_named_with_the_folder() -> None:
    other = Owner("shop", "/shop", "other.yaml")
    assert hints(other, "/shop")[0] == "cd /shop && stack down --file other.yaml"


def test_a_stack_of_another_folder_is_stopped_there() -> None:
    assert hints(Owner("shop", "/b", "stack.yaml"), "/b")[0] == "cd /b && stack down"
    assert stop_command(Owner("shop", "/b", "x y")) == "cd /b && stack down --file 'x y'"


def test_what_is_adopted_is_for_the_file_that_the_report_names() -> None:
    assert hints(Owner("shop", "/gone", "stack.yaml"))[0].endswith(": stack adopt")
    assert hints(Owner("shop"))[1].endswith(": stack adopt")
    assert hints(Owner(""))[0].endswith(": stack adopt")
