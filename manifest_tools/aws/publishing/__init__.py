"""Bring images and manifests to S3: plan, preflight, apply, verify."""
