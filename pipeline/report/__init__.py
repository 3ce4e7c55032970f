"""Readers of the one stream of events: log, journal, heartbeat, CSV and JSON report. Does not import torch."""
