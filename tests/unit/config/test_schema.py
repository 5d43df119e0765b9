"""The JSON Schema is valid and agrees with load about shapes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from stack.config.schema import json_schema
from stack.errors import ConfigError
from stack.project.load import load
from stack.project.starter import STARTER

SCHEMA: dict[str, Any] = json.loads(json_schema())
VALIDATOR = Draft202012Validator(SCHEMA)
ROOT = Path(__file__).parents[3]
DESIGN = """
name: shop
front: {port: 8080}
services:
  app:      { host: 3000 }
  api:      { build: ./api, port: 8000, ready: { http: /healthz }, needs: [postgres] }
  ws:       { preset: realtime, port: 3002, replicas: 2 }
  site:     { static: ./public }
  redis:    { preset: redis }
  postgres: { preset: postgres, init: ./db }
routes:
  /:    app
  /api: { to: api, strip_prefix: true }
  /ws:  { to: ws, websocket: true, idle_timeout: 1h }
deploy:
  host: shop.example.com
  tls: { certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key }
"""
BASE = "services: {app: {host: 3000}}\nroutes: {/: app}\n"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "text",
    [
        DESIGN,
        STARTER,
        (ROOT / "stack.yaml").read_text(),
        BASE,
        f"{BASE}front: {{port: 1}}",
        "services: {app: {image: x, port: 1}}\nroutes: {/: {to: app, idle_timeout: 90}}",
        "services: {app: {image: x, port: 1}}\nroutes: {/: {to: app, idle_timeout: 1.5}}",
        "services: {app: {build: {context: .}, port: 1}}\nroutes: {/: app}",
    ],
    ids=["design", "starter", "ours", "base", "front", "seconds", "half seconds", "build"],
)
def test_it_accepts_what_load_accepts(tmp_path: Path, text: str) -> None:
    for folder in ("api", "public", "db", "services/web/public"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in (".", "api"):
        (tmp_path / folder / "Dockerfile").touch()
    (tmp_path / "stack.yaml").write_text(text)
    load(tmp_path / "stack.yaml", {})
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text))) == []


@pytest.mark.parametrize(
    "text",
    [
        "routes: {/: app}",
        "services: {app: {host: 3000}}",
        f"{BASE}frobs: 1",
        f"{BASE}front: {{prot: 1}}",
        f"{BASE}front: {{port: '80'}}",
        f"{BASE}front: {{port: 0}}",
        f"{BASE}front: {{port: 70000}}",
        f"{BASE}front: x",
        f"{BASE}name: Shop",
        f"{BASE}images: debain",
        "services: {}\nroutes: {/: app}",
        "services: {App: {host: 1}}\nroutes: {/: App}",
        "services: {app: redis}\nroutes: {/: app}",
        "services: {app: {preset: Redis}}\nroutes: {/: app}",
        "services: {app: {image: ''}}\nroutes: {/: app}",
        "services: {app: {image: x, replicas: 51}}\nroutes: {/: app}",
        "services: {app: {image: x, needs: b}}\nroutes: {/: app}",
        "services: {app: {image: x, env: {A-B: c}}}\nroutes: {/: app}",
        "services: {app: {image: x, ready: http}}\nroutes: {/: app}",
        "services: {app: {host: 1}}\nroutes: {/: {to: app, websocket: 'yes'}}",
        "services: {app: {host: 1}}\nroutes: {/: {to: app, idle_timeout: soon}}",
        "services: {app: {host: 1}}\nroutes: {/: {to: app, idle_timeout: true}}",
        "services: {app: {host: 1}}\nroutes: {/: {to: app, idle_timeout: 0}}",
        f"{BASE}deploy: {{host: Shop, tls: {{certificate: /c, key: /k}}}}",
        f"{BASE}deploy: {{host: a.b, tls: {{}}}}",
    ],
)
def test_it_rejects_by_shape_what_load_rejects(tmp_path: Path, text: str) -> None:
    (tmp_path / "stack.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load(tmp_path / "stack.yaml", {})
    assert list(VALIDATOR.iter_errors(yaml.safe_load(text)))


def test_every_key_is_described() -> None:
    for name, model in [("", SCHEMA), *SCHEMA["$defs"].items()]:
        whole = model if "properties" in model else model["anyOf"][1]
        missing = [
            key for key, value in whole["properties"].items() if not value.get("description")
        ]
        assert not missing, name
