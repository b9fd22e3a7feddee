"""The jobs, each a sequence of steps: prepare, inspect, check a pair, split, select."""
