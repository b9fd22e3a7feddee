"""Use an adapter: answers, and what is decided on them."""
