"""Figures beside a peer or a limit of the same run; each file is a script."""
