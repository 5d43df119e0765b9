"""Who has a name, and the step that fits, wherever the command was typed."""

from stack.engines.running import Stranger
from stack.layout.labels import Owner
from stack.lifecycle.ownership import refusal, stop_command

OURS = Owner("shop", "/shop", "dev.yaml")


def hints(other: Owner, *folders: str) -> list[str]:
    return refusal(OURS, [Stranger("container", "1", "shop-a-1", other)], folders).hint.splitlines()


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
