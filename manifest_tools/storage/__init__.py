"""Where bytes are: a local folder or S3."""
