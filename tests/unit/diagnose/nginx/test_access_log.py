import json

from stack.diagnose.nginx.access_log import Access, last_access


def line(path: str = "/ws", **more: object) -> str:
    return json.dumps({"path": path, "status": 404, "upstream": "", "upstream_status": ""} | more)


def test_the_last_request_for_the_path_counts() -> None:
    lines = [line(status=200), line(), line("/other", status=500), "starting", "[1]", "{"]
    assert last_access(lines, "/ws") == Access(404, ())
    assert last_access(lines, "/none") is None


def test_each_address_that_was_asked_is_given_with_its_answer() -> None:
    tried = line(status=200, upstream="1.2.3.4:80, 1.2.3.5:80", upstream_status="502, 200")
    found = last_access([tried], "/ws")
    assert found == Access(200, (("1.2.3.4:80", "502"), ("1.2.3.5:80", "200")))


def test_after_a_redirect_inside_the_tries_of_both_are_given() -> None:
    tried = line(upstream="1.2.3.4:80 : 1.2.3.5:80", upstream_status="502 : -")
    assert last_access([tried], "/ws") == Access(404, (("1.2.3.4:80", "502"),))


def test_a_record_without_a_status_is_no_answer() -> None:
    assert last_access(['{"path": "/ws"}'], "/ws") is None
