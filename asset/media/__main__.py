"""python -m asset.media FILE FOLDER

Makes the variants of FILE in FOLDER and prints what it made, or why it refuses, as JSON. Limits on
memory and processor time are the caller's to set; see asset/studio.py.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from asset.media import images, videos
from asset.media.containers import recognise
from asset.media.limits import Made, Refused


def make(file: Path, folder: Path) -> Made:
    kind = recognise(file)
    if kind in videos.CODECS:
        return videos.make(kind, file, folder)
    return images.make(kind, file, folder)


def main(file: str, folder: str) -> int:
    try:
        answer = asdict(make(Path(file), Path(folder)))
    except Refused as refused:
        answer = {"refused": str(refused)}
    except MemoryError:
        answer = {"refused": "The file takes more memory than one file is given."}
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
