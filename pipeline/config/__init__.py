"""The user's YAML file → plain settings. Owns keys, bounds, defaults and what to say about mistakes in them.

Refuses torch, Pillow and every other room: other rooms get plain values, never the config itself.
``yaml_source`` reads YAML with the line of every value; ``fields``, ``recipes`` and ``models`` say what is allowed
(a new setting is one line there, and one in ``configs/reference.yaml``); ``wording`` puts faults into sentences;
``loading`` joins them.
"""

from pipeline.config.loading import load_config
from pipeline.config.models import Config, json_schema

__all__ = ["Config", "json_schema", "load_config"]
