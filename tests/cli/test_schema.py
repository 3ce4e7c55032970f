"""``schema``: prints a JSON Schema that editors can follow."""

from __future__ import annotations

import json
from typing import Any

from pipeline.config import json_schema
from tests.cli.invocation import Invoke


def refs(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return own + [ref for value in schema.values() for ref in refs(value)]
    return [ref for value in schema for ref in refs(value)] if isinstance(schema, list) else []


def test_schema_is_a_json_schema_whose_references_all_lead_somewhere(invoke: Invoke) -> None:
    result = invoke("schema")
    schema = json.loads(result.out)
    assert result.code == 0
    assert schema == json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["type"] == "object"
    assert schema["required"] == ["styles"]
    assert schema["additionalProperties"] is False
    assert refs(schema)
    assert all(ref.removeprefix("#/$defs/") in schema["$defs"] for ref in refs(schema))
