"""Colors of finished pictures and of paintings: what ``color: photo`` and ``color: match`` do with them."""
