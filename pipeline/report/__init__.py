"""Readers of the one stream of events: log, journal, CSV and JSON report. Refuses torch."""
