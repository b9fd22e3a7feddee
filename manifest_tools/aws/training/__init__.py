"""Train an adapter: plan, create, wait, and say why a training failed."""
