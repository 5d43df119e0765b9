"""What of the host the wheel container gets to see: proxies, pip's index, the CA bundle."""

from pathlib import Path

import pytest

from stack.engines.docker import wheels


@pytest.mark.parametrize("name", wheels.BUNDLES)
def test_the_ca_bundle_that_a_variable_names_is_used(tmp_path: Path, name: str) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(b"PEM")
    assert wheels.ca_bundle({name: str(bundle)}) == b"PEM"


def test_a_variable_that_names_nothing_falls_through(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(b"PEM")
    environ = {"SSL_CERT_FILE": str(tmp_path / "gone"), "PIP_CERT": str(bundle)}
    assert wheels.ca_bundle(environ) == b"PEM"


def test_pip_is_pointed_at_the_bundle_inside() -> None:
    assert wheels.settings({}, has_bundle=True) == dict.fromkeys(wheels.BUNDLES, "/tmp/ca.pem")


def test_a_machine_without_proxy_and_bundle_passes_nothing() -> None:
    assert wheels.settings({"HOME": "/root", "http_proxy": ""}, has_bundle=False) == {}


def test_proxies_and_index_are_passed() -> None:
    environ = {
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "localhost",
        "PIP_INDEX_URL": "https://pypi.example.com/simple",
        "PIP_CERT": "/host/path.pem",
    }
    passed = wheels.settings(environ, has_bundle=False)
    assert passed == {key: environ[key] for key in ("HTTPS_PROXY", "no_proxy", "PIP_INDEX_URL")}


@pytest.mark.parametrize(
    ("url", "network"),
    [
        ("http://127.0.0.1:3128", "host"),
        ("localhost:3128", "host"),
        ("http://proxy.example.com:3128", None),
    ],
)
def test_a_proxy_on_loopback_needs_the_hosts_network(url: str, network: str | None) -> None:
    assert wheels.network({"https_proxy": url, "no_proxy": "127.0.0.1"}) == network


def test_no_proxy_needs_no_special_network() -> None:
    assert wheels.network({}) is None
