"""Reads each format with the library that reads most of it. One file a format; ``opened.py`` chooses among them."""
