"""From answers about frames to what is said of videos: segments in which a label is seen, and one decision each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from manifest_tools.aws.moderation.decision_policy import Action, Decisions
from manifest_tools.core.csv_cells import write_csv
from manifest_tools.core.files import replacing
from manifest_tools.manifests.writing import write_lines
from manifest_tools.sources.videos.times import clock

SEGMENTS, VIDEOS = "segments.csv", "videos.jsonl"
# two sightings this many sampling steps apart are one segment: one frame without is bridged
BRIDGED_STEPS = 2.0
_UNNAMED = 50.0  # per cent from which a label that the policy does not name makes a segment
_COLUMNS = ("video", "start", "end", "label", "confidence")


class SampledFrame(NamedTuple):
    """A frame by its image key; from `moment` to `until` (thousandths of a second) the video looks like it."""

    image: str
    video: str
    moment: int
    until: int


class Segment(NamedTuple):
    """A stretch of a video in which a label is seen, with the highest confidence; times in thousandths."""

    video: str
    start: int
    end: int
    label: str
    confidence: float


def segments(
    frames: Iterable[SampledFrame],
    labels_of: Mapping[str, Sequence[Mapping[str, Any]]],
    decisions: Decisions,
    *,
    step: float,
) -> list[Segment]:
    """Join the frames in which a label is seen into segments, sorted by video, start and label.

    A label is seen in a frame from the lowest confidence on from which the policy reviews or blocks it, or from 50
    where the policy does not name it. Sightings at most `BRIDGED_STEPS` steps apart belong together; a segment reaches
    from the first frame to the time up to which the video looks like its last.

    Parameters
    ----------
    frames : iterable of SampledFrame
        By video and time.
    labels_of : mapping of str to list of dict
        ``ModerationLabels`` by image key; without the frames that have no answer.
    decisions : Decisions
        The policy.
    step : float
        Seconds between two samples.
    """
    found: defaultdict[tuple[str, str], list[Segment]] = defaultdict(list)
    reach = round(step * BRIDGED_STEPS * 1000)
    for frame in frames:
        for told in labels_of.get(frame.image, ()):
            name, confidence = str(told["Name"]), float(told["Confidence"])
            if confidence < _seen_from(decisions, name):
                continue
            runs = found[frame.video, name]
            last = runs[-1] if runs else None
            if last is not None and frame.moment - last.end <= reach:
                runs[-1] = last._replace(
                    end=max(last.end, frame.until), confidence=max(last.confidence, confidence)
                )
            else:
                runs.append(Segment(frame.video, frame.moment, frame.until, name, confidence))
    return sorted(segment for runs in found.values() for segment in runs)


def decide_videos(
    frames: Iterable[SampledFrame],
    rows: Mapping[str, Mapping[str, Any]],
    decisions: Decisions,
    unreadable: Iterable[str],
) -> Iterator[dict[str, Any]]:
    """Yield what is decided on each video: the severest decision on any of its frames.

    Parameters
    ----------
    frames : iterable of SampledFrame
        By video and time.
    rows : mapping of str to dict
        Lines of ``moderation.jsonl`` by image.
    decisions : Decisions
        The policy; its ``failed`` is decided where there is no answer.
    unreadable : iterable of str
        Videos without a frame.
    """
    of: defaultdict[str, list[SampledFrame]] = defaultdict(list)
    for frame in frames:
        of[frame.video].append(frame)
    for video in sorted({*of, *unreadable}):
        taken = of.get(video, [])
        if not taken:
            yield {"video": video, "decision": str(decisions.failed), "reasons": [], "frames": 0, "failed": 0}
            continue
        told = [(frame, rows[frame.image]) for frame in taken]
        worst = max((Action(row["decision"]) for _, row in told), key=lambda action: action.rank)
        reasons: dict[str, tuple[float, int]] = {}
        for frame, row in told:
            for why in row.get("reasons", ()) if row["decision"] == worst else ():
                if why["confidence"] > reasons.get(why["label"], (-1.0, 0))[0]:
                    reasons[why["label"]] = (why["confidence"], frame.moment)
        yield {
            "video": video,
            "decision": str(worst),
            "reasons": [
                {"label": label, "confidence": confidence, "time": clock(moment)}
                for label, (confidence, moment) in sorted(
                    reasons.items(), key=lambda item: (-item[1][0], item[0])
                )
            ],
            "frames": len(taken),
            "failed": sum("failure" in row for _, row in told),
        }


def write_video_results(
    out: Path,
    frames: Sequence[SampledFrame],
    rows: Iterable[Mapping[str, Any]],
    decisions: Decisions,
    *,
    step: float,
    unreadable: Iterable[str] = (),
) -> dict[str, int]:
    """Write ``segments.csv`` and ``videos.jsonl`` beside the answers on the frames; return videos by decision."""
    by_image = {row["image"]: row for row in rows}
    labels_of = {image: row["labels"] for image, row in by_image.items() if "labels" in row}
    with replacing(out / SEGMENTS) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        found = segments(frames, labels_of, decisions, step=step)
        write_csv(stream, [_COLUMNS, *map(_cells, found)])
    decided = list(decide_videos(frames, by_image, decisions, unreadable))
    write_lines(out / VIDEOS, decided)
    counts = Counter(line["decision"] for line in decided)
    return {str(action): counts[str(action)] for action in Action}


def _cells(segment: Segment) -> tuple[str, ...]:
    return segment.video, clock(segment.start), clock(segment.end), segment.label, f"{segment.confidence:g}"


def _seen_from(decisions: Decisions, label: str) -> float:
    named = [value for action, value in decisions.labels.get(label, {}).items() if action is not Action.ALLOW]
    return min(named, default=_UNNAMED)
