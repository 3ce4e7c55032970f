"""The base of every section of a config: which keys it takes, and what an empty section means."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A mapping of known keys. An empty one (``log:`` with nothing below) means all defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)

    @model_validator(mode="before")
    @classmethod
    def _none_to_defaults(cls, data: Any) -> Any:
        return {} if data is None else data
