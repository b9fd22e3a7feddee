"""Is a manifest what the service takes? Line by line, streamed."""
