"""Codes about readiness: the minimum samples, the split, and what would make the result better."""

from __future__ import annotations

from manifest_tools.findings.catalogue.entry import ERROR, NOTE, WARNING, Entry, Variant

_BEST = "https://docs.aws.amazon.com/rekognition/latest/dg/using-adapters-best-practices.html"
_DETECT = "https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectModerationLabels.html"
_SPLIT = "our own check: a label that is missing from a side can be neither learnt nor measured"

ENTRIES = (
    Entry(
        "too-few-false-positives",
        ERROR,
        "Training has fewer false positives than the service asks for.",
        "{label}: {count} false positives in training, at least {limit} needed: {missing} more",
        "Add images that the base model flags wrongly as {label}, labelled as free of it.",
        _BEST,
        variants={
            "shortfall": Variant(
                WARNING,
                "{label}: {missing} more false positives ({count} of {limit} in training)",
                "Add images that the base model flags wrongly as {label}, or let this label go.",
            ),
            "bound": Variant(
                ERROR,
                "{label}: false positives possible in training: at most {count}; needed: {limit}",
                "Add images that the base model flags wrongly as {label}, labelled as free of it.",
            ),
            "sum": Variant(
                ERROR,
                "all labels together: {count} false positives in training, at least {limit} needed: {missing} more",
                "Add images that the base model flags wrongly, labelled as free of what it says.",
            ),
        },
    ),
    Entry(
        "too-few-false-negatives",
        ERROR,
        "Training has fewer false negatives than the service asks for.",
        "{label}: {count} false negatives in training, at least {limit} needed: {missing} more",
        "Add images that show {label} and that the base model misses.",
        _BEST,
        variants={
            "shortfall": Variant(
                WARNING,
                "{label}: {missing} more false negatives ({count} of {limit} in training)",
                "Add images that show {label} and that the base model misses, or let this label go.",
            ),
            "bound": Variant(
                ERROR,
                "{label}: false negatives possible in training: at most {count}; needed: {limit}",
                "Add images that show {label} and that the base model misses.",
            ),
            "sum": Variant(
                ERROR,
                "all labels together: {count} false negatives in training, at least {limit} needed: {missing} more",
                "Add images that show a label which the base model misses.",
            ),
        },
    ),
    Entry(
        "too-few-test-images",
        ERROR,
        "The test set is smaller than the service asks for.",
        "{count} test images, at least {limit} needed",
        "Add images, or raise --test-size.",
        _BEST,
    ),
    Entry(
        "test-too-small",
        WARNING,
        "The test set has so few mistakes of the base model that not even an adapter that repairs 90 % of them would be "
        "told from chance in 80 % of trials. The exact McNemar test at 5 %; nothing newly caused; each group of "
        "look-alikes once.",
        "{label}: {count} {what} in the test set, at least {limit} needed for a repair of 90 % to show: {missing} more",
        "Add such images and split again; '--prove {label}:{goal}=0.5' puts enough on the test side, if training can "
        "spare them.",
        "our own check: the exact McNemar test, by which 'evaluate' judges",
    ),
    Entry(
        "too-many-images",
        ERROR,
        "The training set is larger than the service takes.",
        "{count} training images, at most {limit} allowed",
        "'manifest-tools select DIR --limit {limit:d}' chooses the most useful ones.",
        "https://docs.aws.amazon.com/rekognition/latest/dg/adapters-manual-annotation.html",
    ),
    Entry(
        "image-set-aside",
        NOTE,
        "The selection did not choose this image, so the manifests leave it out. Nothing was deleted.",
        "not selected: {reason}",
        "Nothing needs doing; 'manifest-tools select DIR --limit N' with a larger limit takes it back.",
        "the --limit that was asked for",
    ),
    Entry(
        "label-missing-from-train",
        ERROR,
        "A label stands in the test set only, so it cannot be learnt.",
        "{label} is in {count} test images, but in no training image",
        "Split again, or add training images with {label}.",
        _SPLIT,
    ),
    Entry(
        "label-missing-from-test",
        WARNING,
        "A label stands in the training set only, so the result for it cannot be measured.",
        "{label}: {count} in training, none in test",
        "Add images with {label}: at least two that are no look-alikes are needed.",
        _SPLIT,
    ),
    Entry(
        "locked-image-missing",
        WARNING,
        "Images that an earlier round locked are gone, so this round's measurement is not on the same images.",
        "{count} images that were locked in {split} are gone, for example {examples}",
        "Bring them back to compare with the earlier round, or start over with --fresh.",
        "our own check: two rounds compare on a common test set only",
    ),
    Entry(
        "predictions-missing",
        WARNING,
        "Without the base model's answers nobody knows which images it gets wrong.",
        "the base model was not asked about {count} of {total} images, so false positives and negatives "
        "cannot be counted",
        "Run 'manifest-tools predict DIR', or give its answers with --predictions FILE.",
        _BEST,
    ),
    Entry(
        "predictions-cut",
        WARNING,
        "No score of the base model lies near the confidence from which its answers are taken to be complete. If it "
        "was asked for answers from a higher confidence on, what it did not report is no false negative. Until that "
        "is said, what was not reported counts as unknown.",
        "the lowest of {count} scores is {lowest:g}; was the base model asked for answers from {assumed:g} on?",
        "Say the MinConfidence that was asked for: --min-confidence {assumed:g} if it was {assumed:g}, or the higher "
        "one.",
        _DETECT,
        variants={
            "blocks": Variant(
                ERROR,
                "the lowest of {count} scores is {lowest:g}; was the base model asked for answers from {assumed:g} on? "
                "Else nobody knows which images are false negatives",
                "Say the MinConfidence that was asked for: --min-confidence {assumed:g} if it was {assumed:g}, or the "
                "higher one; with a higher one, ask the base model again to find false negatives.",
            ),
        },
    ),
    Entry(
        "predictions-disagree",
        WARNING,
        "The base model found nothing of what people found. That happens in a set that was chosen for its false "
        "negatives; more often the answers are of other images, of another model, or in another unit.",
        "of {count} labels that people found, the base model reports none at a confidence of {threshold:g} % "
        "({other} that they did not find)",
        "Check that the predictions are about these images, and that scores, --min-confidence and the policy's "
        "threshold are per cent. Nothing needs doing, if the images were chosen because the base model misses them.",
        "our own check",
    ),
    Entry(
        "split-infeasible",
        WARNING,
        "Not every wish for the split could be met together; the best split was made all the same.",
        "{constraint} gave way{where}: {detail}",
        "Add images (fewer look-alikes of one picture, or more and smaller groups, help too), or ask for less.",
        "our own check; the order of giving way is fixed",
    ),
    Entry(
        "too-few-effective",
        WARNING,
        "The minimum is reached only by counting look-alikes several times.",
        "{label}: {count} {what} in training are only {effective} different pictures, fewer than {limit}",
        "Add pictures that are not copies of each other.",
        "our own check: copies teach nothing new",
        variants={
            "test": Variant(
                WARNING,
                "{count} test images are only {effective} different pictures, fewer than {limit}",
                "Add pictures that are not copies of each other.",
            )
        },
    ),
    Entry(
        "balance",
        NOTE,
        "Examples of one kind want examples of the other kind beside them.",
        "{label}: {count} {what} in training with only {other_count} {other}",
        "Add {advice}.",
        "https://docs.aws.amazon.com/rekognition/latest/dg/preparing-datasets-adapters.html",
    ),
)
