"""Where pixels meet files: decoding, encoding, metadata, atomic publishing. Refuses torch."""
