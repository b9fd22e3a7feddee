"""Codes about the remote side: buckets, objects, trainings and adapters."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, WARNING, Entry, Variant

_ADAPTERS = "https://docs.aws.amazon.com/rekognition/latest/dg/managing-adapters.html"
_TRAINING = "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/tm-debugging.html"

ENTRIES = (
    Entry(
        "bucket-region",
        ERROR,
        "The bucket is in another Region than the one that trains or moderates; Rekognition reads no other.",
        "bucket {bucket} is in {found}; Rekognition is called in {region}",
        "Call it in {found} (--region {found}), or use a bucket in {region}.",
        "https://docs.aws.amazon.com/rekognition/latest/APIReference/API_S3Object.html",
    ),
    Entry(
        "object-missing",
        ERROR,
        "A manifest names an object that is not in the bucket.",
        "there is no object {uri}",
        "Publish the images again, or remove the line.",
        "our own check",
    ),
    Entry(
        "object-changed",
        ERROR,
        "The object in the bucket is not the image that was checked.",
        "{uri} holds other bytes than the image that was checked",
        "Publish again with --replace if the local image is the right one.",
        "our own check",
        variants={
            "local": Variant(
                ERROR,
                "{uri} changed after it was checked",
                "Run 'manifest-tools prepare' again, then publish.",
            ),
            "manifest": Variant(
                ERROR,
                "{uri} is there already and says something else",
                "Publish again with --replace, or give this round a place of its own with --to.",
            ),
        },
    ),
    Entry(
        "access-denied",
        ERROR,
        "The credentials in use may not do what is needed.",
        "{operation} on {resource} is not allowed",
        "Ask for {permission}; 'manifest-tools publish --print-policy' prints the least policy.",
        "https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/su-console-policy.html",
    ),
    Entry(
        "adapter-expired",
        ERROR,
        "The adapter was trained on a base model that is gone. Asked for, it is left aside in silence.",
        "adapter {adapter} has expired",
        "Train again on today's base model.",
        _ADAPTERS,
        variants={
            "deprecated": Variant(
                WARNING,
                "adapter {adapter} is deprecated: it expires 60 to 90 days after the release of the new base model",
                "Train again on today's base model before it does.",
            ),
            "window": Variant(
                WARNING,
                "a newer base model is out, so adapter {adapter} expires between {first} and {last}: in {least} to {most} days",
                "Train again on today's base model before that; the day itself is shown in Amazon's console alone.",
            ),
        },
    ),
    Entry(
        "adapter-ignored",
        ERROR,
        "The answer does not name the adapter that was asked, so the base model answered in its place.",
        "the base model answered instead of {adapter}; its answers were not kept",
        "See 'manifest-tools adapters status'; train again if it has expired.",
        _ADAPTERS,
    ),
    Entry(
        "training-failed",
        ERROR,
        "Amazon ended the training without an adapter, or could not use a line that it was given.",
        "training failed: {reason}",
        "{advice} Then train again.",
        _TRAINING,
        variants={
            "set": Variant(ERROR, "Amazon could not use this set: {aws_code}: {reason}", "{advice}"),
            "line": Variant(ERROR, "Amazon could not use this line: {aws_code}: {reason}", "{advice}"),
            "line-used": Variant(WARNING, "Amazon remarks on this line: {aws_code}: {reason}", "{advice}"),
        },
    ),
    Entry(
        "base-model-changed",
        WARNING,
        "The base model is not the one that an earlier step asked or trained on.",
        "base model {found} answers; {expected} was used before",
        "Ask for predictions anew before you compare or train.",
        _ADAPTERS,
        variants={
            "canaries": Variant(
                WARNING,
                "base model {found} answers; {expected} did before. Of {asked} canaries {count} moved, by {middle} points in"
                " the median of all and {largest} at most: {examples}",
                "Ask for predictions anew (predict --fresh) before you compare or train; adapters of the old one will expire.",
            ),
        },
    ),
    Entry(
        "canary-moved",
        WARNING,
        "Locked images are answered otherwise than before, by more than answers of one moment differ, although the base"
        " model still goes by the same version.",
        "base model {model} answers otherwise than before under the same name: of {asked} canaries {count} moved, by {middle}"
        " points in the median of all and {largest} at most (by jitter alone: p = {p_value:.2g}): {examples}",
        "Ask for predictions anew (predict --fresh) before you compare, train, or rely on thresholds that were chosen on"
        " older answers.",
        "our own check",
    ),
)
