"""Stack → JSON Schema for editors (draft 2020-12), with the short forms. Checks nothing itself."""

import ast
import inspect
import json
from itertools import pairwise
from typing import Any

from stack.config.model import DURATION, Model, Stack

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> str:
    """Return the JSON Schema of stack.yaml as text. ``name`` is optional: the folder names it."""
    schema = Stack.model_json_schema()
    schema["required"].remove("name")
    for model in Model.__subclasses__():
        whole = schema["$defs"].get(model.__name__, schema)
        for name, text in descriptions(model).items():
            whole["properties"][name]["description"] = text
        if model.short:
            meant = whole["properties"][model.short]
            short = {key: meant[key] for key in meant.keys() & {"type", "enum", "minLength"}}
            schema["$defs"][model.__name__] = {"anyOf": [short, whole]}
    _complete(schema)
    return json.dumps({"$schema": DIALECT, **schema}, indent=2)


def descriptions(model: type[Model]) -> dict[str, str]:
    """Return the docstring below each field of a model, in one line."""
    (class_,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(class_, ast.ClassDef)  # noqa: S101 - getsource of a class is a class
    found = {}
    for field, below in pairwise(class_.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                found[name] = " ".join(str(text).split())
    return found


def _complete(node: Any) -> None:
    """Write what pydantic leaves out: durations as text, and that names must match."""
    if isinstance(node, list):
        for value in node:
            _complete(value)
    elif isinstance(node, dict):
        for value in node.values():
            _complete(value)
        if "patternProperties" in node:
            node["additionalProperties"] = False
        if node.get("type") == "number":
            # ``load`` turns ``1h`` into seconds before the type is checked. Behind a validator of
            # our own, pydantic leaves its limits untranslated.
            least, most = node.pop("gt"), node.pop("le")
            number = {"type": node.pop("type"), "exclusiveMinimum": least, "maximum": most}
            node["anyOf"] = [{"type": "string", "pattern": f"^{DURATION.pattern}$"}, number]
