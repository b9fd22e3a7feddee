"""From image files to facts.

``facts``: one image's bytes -> facts, by way of ``sniff``, ``jpeg``, ``png`` and ``raster``. ``inspection``: the
map over a data set, by way of ``pool`` (workers that may die) and ``cache``. Nothing is imported here, because
worker processes need no tables.
"""
