"""The local Rekognition: protocol, state, trainings, and the server around them."""

from __future__ import annotations

from manifest_tools.testing.rekognition.answers import Answer, Picture, by_content, from_predictions
from manifest_tools.testing.rekognition.server import LocalRekognition, local_rekognition

__all__ = ["Answer", "LocalRekognition", "Picture", "by_content", "from_predictions", "local_rekognition"]
