"""The gallery: a web page, opened from the disk, that shows all pictures. Owns its files; reads no ledger."""
