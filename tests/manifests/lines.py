"""Lines of the common kinds, for the tests."""

from __future__ import annotations

import json


def as_bytes(*lines):
    return "\n".join(json.dumps(line) for line in lines).encode()


def moderation(image, *labels, **more):
    truth = {"ModerationLabels": [{"Name": label} for label in labels]}
    return {"source-ref": image, "content-moderation-groundtruth": truth, **more}


def single(image, name, attribute="drink", **more):
    metadata = {"class-name": name, "type": "groundtruth/image-classification", **more}
    return {"source-ref": image, attribute: 1, attribute + "-metadata": metadata}


def multi(image, ids, confidences=None):
    metadata = {
        "class-map": {"0": "Alcohol", "3": "Violence"},
        "confidence-map": confidences or {str(i): 1 for i in ids},
        "type": "groundtruth/image-classification-multilabel",
    }
    return {"source-ref": image, "unsafe": ids, "unsafe-metadata": metadata}


def answer(*scores, **more):
    labels = [{"Name": name, "Confidence": score, "ParentName": ""} for name, score in scores]
    return {"ModerationLabels": labels, "ModerationModelVersion": "7.0", **more}
