"""Turns the user's YAML file into plain settings. Owns keys, bounds, defaults and the messages about mistakes.

Uses neither torch nor Pillow. The stages get small settings objects, which :class:`Config` makes.
``yaml_source`` reads YAML with the line of every value; ``field_types`` and the sections in ``models``, ``recipes``,
``styles``, ``pairing``, ``schedule`` and ``hooks`` define what is allowed (a new setting is one line there, and one
in ``configs/reference.yaml``); ``error_messages`` turns errors into sentences; ``mistakes`` leaves
one problem of each mistake; ``imports`` takes in the recipes of other files, ``variants`` finds settings that list
values to compare; ``loading`` joins all of that.
"""

from pipeline.config.imports import imported_files
from pipeline.config.loading import load_config, load_variants
from pipeline.config.models import Config
from pipeline.config.variants import ConfigWithVariants, json_schema

__all__ = ["Config", "ConfigWithVariants", "imported_files", "json_schema", "load_config", "load_variants"]
