"""Serves the gallery over HTTP, read-only, with the state for monitors. Owns addresses, files, passwords and metrics.

Makes no picture and writes nothing; what it says of the work is decided by :mod:`pipeline.runner.status`.
"""
