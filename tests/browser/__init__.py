"""The gallery's page in a real browser."""
