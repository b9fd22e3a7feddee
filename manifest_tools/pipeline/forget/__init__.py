"""Erasing images from everything of ours: folders, caches and the bucket."""
