"""Videos: which files are some, what one is, and single frames of it as upright pictures. Decoded by FFmpeg (PyAV)."""
