"""Splits into train and test: multi-label, grouped, minimum-aware. The main job never loads scikit-learn."""
