"""Manifests: their kinds, reading, writing, validating, converting, comparing and repairing them."""
