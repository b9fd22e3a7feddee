"""Find the local files of images that a manifest names by their S3 URI."""

from __future__ import annotations

from pathlib import Path

from manifest_tools.dataset.dataset import Dataset
from manifest_tools.sources.folders import list_folder
from manifest_tools.sources.image_index import ImageIndex
from manifest_tools.sources.matching import match_references


def find_files(dataset: Dataset, folder: str | Path) -> Dataset:
    """Return the data set with the URI of each image that has a file below `folder` turned to that file.

    A file is found by the tail of the object key, or by a base name that only one file has. Images without
    a file keep their S3 URI.
    """
    files = ImageIndex(list_folder(folder).images["image"], str(folder))
    images = dataset.images
    matches = match_references(files, images["uri"].unique())
    found = {uri: match.image or uri for uri, match in matches.items()}
    return dataset.step(
        "find-files", images=images.assign(uri=images["uri"].map(found)), root=str(Path(folder).resolve())
    )
