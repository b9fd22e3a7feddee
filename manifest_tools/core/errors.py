"""The few exceptions. Problems in the user's data are findings, never exceptions."""

from __future__ import annotations


class ManifestToolsError(Exception):
    """Base of every error that the package raises on purpose: misuse, or broken surroundings.

    Examples
    --------
    >>> from manifest_tools import ManifestToolsError, read_images
    >>> try:
    ...     read_images("sample_data/nowhere")
    ... except ManifestToolsError as error:
    ...     print(error)
    sample_data/nowhere does not exist; expected a folder of images, a manifest, or s3://bucket/prefix
    """


class InputError(ManifestToolsError, ValueError):
    """An argument, option or input file cannot be used as it is."""


class OutputError(ManifestToolsError, OSError):
    """A result cannot be written where it should go."""


class MissingExtraError(ManifestToolsError, ImportError):
    """An optional part is not installed; the message names the command that installs it."""


class RemoteError(ManifestToolsError, RuntimeError):
    """The remote side refused or failed; the message says what to do about it."""


class UnavailableError(RemoteError):
    """The remote side cannot be used now: it does not answer, is too busy, or the credentials have expired."""


class DeniedError(RemoteError):
    """The remote side does not let these credentials do it."""


class SurroundingsWarning(RuntimeWarning):
    """Something around the work is not as it should be, and the work goes on without it."""
