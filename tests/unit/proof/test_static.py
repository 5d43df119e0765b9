"""A folder of files without a page is no success, unless a file of it is all that is wanted."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from stack.layout.topology import FrontRoute
from stack.proof import causes
from stack.proof.ready import Ready
from stack.proof.route import prove
from tests.unit.fake_engine import FakeEngine
from tests.unit.proof.test_route import front, http, ready

PAGE = "<center><h1>403 Forbidden</h1></center><hr><center>nginx</center>"
FORBIDDEN = http("403 Forbidden", PAGE)
SITE = FrontRoute("/", "web", "static", websocket=False, folder="./pub")
ASSETS = replace(SITE, path="/assets", folder="./my assets")


def with_files(at: Ready, *files: str) -> Ready:
    """Let the container of Nginx find these files in the folder."""
    return replace(at, engine=FakeEngine(said=[*files, 0]))


def test_a_site_without_an_index_is_no_success_and_is_told() -> None:
    with front({"/": FORBIDDEN, "/index.html": http("404 Not Found", PAGE)}) as (at, _):
        proof = prove(with_files(ready(at), "/srv/web/app.js"), SITE)
    assert proof.told
    assert proof.told.cause is causes.NO_INDEX
    assert proof.problem == "403 Forbidden: ./pub has no index.html"
    assert proof.warning.message == "/: ./pub has no index.html"
    assert proof.warning.hint.startswith("write ./pub/index.html, or correct stack.yaml: ")


def test_an_index_that_nginx_may_not_read_is_no_missing_one() -> None:
    with front({"/": FORBIDDEN, "/index.html": FORBIDDEN}) as (at, _):
        proof = prove(ready(at), SITE)
    assert proof.warning.message == "/: Nginx, in its container, may not read ./pub/index.html"
    assert proof.warning.hint == "chmod o+r ./pub/index.html"


@pytest.mark.parametrize("status", ["404 Not Found", "500 Internal Server Error"])
def test_any_other_error_of_nginx_is_no_success_either(status: str) -> None:
    with front({"/": http(status, PAGE)}) as (at, _):
        proof = prove(ready(at), SITE)
    assert (proof.problem, proof.warning.hint) == (status, "stack logs nginx")


def test_a_folder_of_assets_is_proved_by_a_file_of_it() -> None:
    answers = {"/assets/": FORBIDDEN, "/assets/a%20b/x.js": http("200 OK")}
    with front(answers) as (at, _):
        proof = prove(with_files(ready(at), "/srv/web/a b/x.js"), ASSETS)
    assert (proof.problem, proof.says) == ("", "/assets/a%20b/x.js: 200 OK")


@pytest.mark.parametrize(
    ("files", "answers"),
    [
        ([], {}),
        (["/srv/web/x.js"], {"/assets/x.js": FORBIDDEN}),
    ],
    ids=["an empty folder", "a closed file"],
)
def test_a_folder_of_which_nothing_can_be_had_is_told(
    files: list[str], answers: Mapping[str, str]
) -> None:
    pages = {"/assets/": FORBIDDEN, "/assets/index.html": http("404 Not Found", PAGE), **answers}
    with front(pages) as (at, _):
        proof = prove(with_files(ready(at), *files), ASSETS)
    assert proof.problem == "403 Forbidden: ./my assets has no index.html"
    assert proof.warning.hint.startswith("write './my assets/index.html'")


def test_a_page_below_a_path_is_asked_for_where_nginx_sends_the_browser() -> None:
    with front({"/assets/": http("200 OK")}) as (at, asked):
        assert prove(ready(at), ASSETS).says == "200 OK"
    assert asked[0].startswith("GET /assets/ ")
