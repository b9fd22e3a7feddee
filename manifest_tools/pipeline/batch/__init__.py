"""Runs over more images than one table holds: planned, done batch by batch on any engine, resumed, collected.

``folder``: what stands where. ``listing`` and ``planning``: from a place of images to batches. ``inspecting``: the
batches. ``collecting``: finished batches to a data set. ``progress``: how far a run is, for whoever asks.
"""
