"""One program on one state folder: its lock, its owner, and where its folders are."""
