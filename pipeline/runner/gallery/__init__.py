"""Brings the gallery's files up to date with the ledger. Owns what is written when; the files are the report's."""
