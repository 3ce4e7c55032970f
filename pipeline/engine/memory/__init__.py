"""How much memory a picture takes, how much there is, and which pictures may use it at once."""
