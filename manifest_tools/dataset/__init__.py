"""The two tables, and what follows from them."""
