"""A report for people and for programs: as text, as JSON, and as one self-contained page."""
