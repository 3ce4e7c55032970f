"""Which pictures are worked on at once, and what happens when one ends or memory runs out."""
