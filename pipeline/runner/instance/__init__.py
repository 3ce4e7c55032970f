"""Lets one program at a time use a state folder. Owns its lock, and where the folders of a config are."""
