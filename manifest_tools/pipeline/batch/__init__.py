"""Runs over more images than one table holds: planned, done batch by batch on any engine, resumed, collected.

``run``: a run from beginning to end. ``run_folder``: what stands where. ``listing`` and ``plan``: from a place of images
to batches. ``inspect`` and ``predict``: the batches. ``collect`` and ``answers``: finished batches to a data set.
``settle``: what is done with images that a run set aside. ``progress``: how far a run is, for whoever asks.
"""
