"""Reads photos and writes pictures: decoding, encoding, metadata, final names. Knows no torch."""
