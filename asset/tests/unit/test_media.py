"""What is accepted, what is refused and why, and what is made of it. Real files, real decoders."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import eventlet.patcher
import pytest
from PIL import Image

from asset.media import images, limits, videos
from asset.media.__main__ import make
from asset.media.limits import PLACEMENTS, Made, Refused
from asset.tests import files

IMAGE_KINDS = ["PNG", "JPEG", "GIF", "WEBP"]


@pytest.fixture(scope="module")
def encoded(tmp_path_factory) -> dict[str, bytes]:
    """Every video that the tests start from, encoded once."""
    folder = tmp_path_factory.mktemp("videos")
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime")
    return {
        "mp4": files.video_file(folder, "a.mp4", sound=True),
        "webm": files.video_file(folder, "a.webm", *vp8),
        "mkv": files.video_file(folder, "a.mkv", seconds=0.2),
        "long": files.video_file(folder, "long.mp4", "-preset", "ultrafast", seconds=61),
        "mjpeg": files.video_file(folder, "mjpeg.mp4", "-c:v", "mjpeg", seconds=0.2),
        "still": files.video_file(folder, "still.mp4", "-frames:v", "1", seconds=3, sound=True),
        "sound": files.video_file(folder, "sound.mp4", "-vn", sound=True),
    }


@pytest.fixture(scope="module")
def made_once(encoded, tmp_path_factory) -> dict[str, tuple[Made, Path]]:
    """What is made of an MP4 with sound and of a WebM without, for tests that only look at it."""
    made = {}
    for kind in ("mp4", "webm"):
        folder = tmp_path_factory.mktemp(f"made-{kind}")
        made[kind] = made_of(encoded[kind], folder), folder
    return made


def made_of(content: bytes, folder: Path) -> Made:
    source = folder / "upload"
    source.write_bytes(content)
    return make(source, folder)


def refusal_of(content: bytes, folder: Path) -> str:
    with pytest.raises(Refused) as refused:
        made_of(content, folder)
    return str(refused.value)


def probed(file: Path) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(file)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("kind", IMAGE_KINDS)
def test_an_image_becomes_a_png_and_a_webp_for_every_placement(kind: str, tmp_path: Path):
    made = made_of(files.image_file(kind), tmp_path)

    assert (made.media, made.duration_ms) == ("image", None)
    assert {(f.placement, f.format) for f in made.files} == {
        (placement, image_format) for placement in PLACEMENTS for image_format in ("png", "webp")
    }
    for file in made.files:
        with Image.open(tmp_path / file.name) as image:
            assert (image.format, image.size) == (file.format.upper(), PLACEMENTS[file.placement])
            assert (file.width, file.height) == image.size


def test_an_image_is_shown_whole_with_transparency_beside_it(tmp_path: Path):
    made_of(files.image_file("PNG", 200, 100), tmp_path)

    with Image.open(tmp_path / "banner.png") as banner:
        left, right = banner.getpixel((960 - 200, 135)), banner.getpixel((960 + 200, 135))
        beside = banner.getpixel((10, 135))
    assert (left, right, beside) == ((200, 0, 0, 255), (0, 0, 200, 255), (0, 0, 0, 0))


def test_a_photo_taken_sideways_is_upright_and_says_nothing_of_where_it_was_taken(tmp_path: Path):
    made = made_of(files.sideways_jpeg_with_metadata(), tmp_path)

    with Image.open(tmp_path / "full_screen.png") as image:
        assert image.getpixel((960, 1000))[3] == 255
        assert image.getpixel((300, 540))[3] == 0
    assert all(b"secret-place" not in (tmp_path / file.name).read_bytes() for file in made.files)


def test_texts_in_a_png_are_left_behind(tmp_path: Path):
    made = made_of(files.png_with_metadata(), tmp_path)

    assert all(b"secret-place" not in (tmp_path / file.name).read_bytes() for file in made.files)


def test_sixteen_bits_of_grey_keep_their_brightness(tmp_path: Path):
    grey = Image.new("I;16", (40, 20), 0x8000)
    grey.save(tmp_path / "grey.png")

    made_of((tmp_path / "grey.png").read_bytes(), tmp_path)

    with Image.open(tmp_path / "corner.png") as corner:
        assert abs(corner.getpixel((240, 135))[0] - 128) <= 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (9000, 1), (1, 9000)])
def test_an_image_of_any_shape_fits(width: int, height: int, tmp_path: Path):
    made = made_of(files.image_file("PNG", width, height), tmp_path)

    assert len(made.files) == 6


def test_of_an_animation_the_first_frame_is_shown(tmp_path: Path):
    made_of(files.animated_gif(), tmp_path)

    with Image.open(tmp_path / "full_screen.png") as image:
        assert image.getpixel((960 - 400, 540)) == (200, 0, 0, 255)


@pytest.mark.parametrize("kind", IMAGE_KINDS)
@pytest.mark.parametrize("left", [0.3, 0.6, 0.99])
def test_a_truncated_image_is_refused(kind: str, left: float, tmp_path: Path):
    content = files.image_file(kind, 300, 300)

    assert refusal_of(content[: int(len(content) * left)], tmp_path) == "The file is truncated."


@pytest.mark.parametrize("kind", IMAGE_KINDS)
@pytest.mark.parametrize("payload", [files.zip_archive(), b"<html><script>alert(1)</script>", b"\0"])
def test_an_image_that_is_something_else_at_its_end_is_refused(kind: str, payload: bytes, tmp_path: Path):
    content = files.image_file(kind) + payload

    assert refusal_of(content, tmp_path) == "Something else is appended to the image."


def test_a_progressive_jpeg_with_many_scans_is_whole(tmp_path: Path):
    made = made_of(files.image_file("JPEG", 300, 200, progressive=True), tmp_path)

    assert made.media == "image"


def test_a_png_with_a_wrong_checksum_is_damaged(tmp_path: Path):
    content = bytearray(files.image_file("PNG"))
    content[content.index(b"IDAT") + 6] ^= 0xFF

    assert refusal_of(bytes(content), tmp_path) == "The image is damaged."


def test_metadata_that_no_decoder_understands_is_the_files_fault(tmp_path: Path):
    content = files.jpeg_with_nonsense_for_metadata()

    assert refusal_of(content, tmp_path) == "The image is damaged."


def test_an_image_that_takes_too_much_memory_is_not_called_damaged(tmp_path: Path, monkeypatch):
    def exhausted(_frame: Image.Image) -> Image.Image:
        raise MemoryError

    monkeypatch.setattr(images, "_upright_rgba", exhausted)

    with pytest.raises(MemoryError):
        made_of(files.image_file("PNG"), tmp_path)


@pytest.mark.parametrize("side", [6_400, 20_000])
def test_a_small_file_that_unfolds_to_too_many_pixels_is_refused(side: int, tmp_path: Path):
    assert refusal_of(files.png_bomb(side), tmp_path) == "An image may have 40 megapixels at most."


def test_an_animation_of_too_many_pixels_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("asset.media.images.ALL_FRAMES_PIXELS", 64 * 32 * 2)

    assert "too many frames" in refusal_of(files.animated_gif(frames=3), tmp_path)


def test_an_image_of_more_than_ten_megabytes_is_refused(tmp_path: Path):
    content = files.image_file("PNG") + bytes(limits.IMAGE_BYTES)

    assert refusal_of(content, tmp_path) == "An image may have 10 MB at most."


@pytest.mark.parametrize("content", [files.SVG, b"\xef\xbb\xbf  <SVG onload=alert(1)>"])
def test_svg_is_refused_because_of_what_it_can_carry(content: bytes, tmp_path: Path):
    assert refusal_of(content, tmp_path).startswith("SVG is not accepted, since it can carry scripts")


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"%PDF-1.7",
        files.zip_archive(),
        b"#EXTM3U\n#EXTINF:1\nhttp://127.0.0.1/secret",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypqt  \0\0\0\0qt  qt  ",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ],
)
def test_what_is_none_of_the_accepted_kinds_is_refused(content: bytes, tmp_path: Path):
    assert refusal_of(content, tmp_path).endswith("this file is none of these.")


def test_an_empty_file_is_refused(tmp_path: Path):
    assert refusal_of(b"", tmp_path) == "The file is empty."


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_becomes_an_mp4_for_every_placement_and_a_poster(kind: str, made_once):
    made, folder = made_once[kind]

    assert made.media == "video"
    assert 950 <= (made.duration_ms or 0) <= 1_100
    assert [(f.placement, f.format) for f in made.files] == [
        *((placement, "mp4") for placement in PLACEMENTS),
        ("poster", "png"),
    ]
    for file in made.files[:-1]:
        content = (folder / file.name).read_bytes()
        video, *sound = probed(folder / file.name)["streams"]
        assert (video["codec_name"], video["pix_fmt"]) == ("h264", "yuv420p")
        assert (video["width"], video["height"]) == PLACEMENTS[file.placement]
        assert [stream["codec_name"] for stream in sound] == (["aac"] if kind == "mp4" else [])
        assert content.index(b"moov") < content.index(b"mdat")
        assert b"secret-place" not in content


def test_the_poster_is_a_picture_of_the_video(made_once):
    made, folder = made_once["mp4"]
    poster = made.files[-1]

    with Image.open(folder / poster.name) as image:
        assert image.size == (poster.width, poster.height) == (1920, 1080)
        assert len(image.convert("RGB").getcolors(1920 * 1080)) > 10


def test_a_picture_that_ends_long_before_its_sound_has_a_poster_too(encoded, tmp_path: Path):
    made = made_of(encoded["still"], tmp_path)

    with Image.open(tmp_path / made.files[-1].name) as poster:
        assert poster.size == (1920, 1080)


def test_a_video_is_shown_whole_with_black_beside_it(made_once, tmp_path: Path):
    _, folder = made_once["mp4"]
    frame = tmp_path / "frame.png"
    source = ["-i", str(folder / "banner.mp4"), "-frames:v", "1"]

    subprocess.run(["ffmpeg", "-v", "error", *source, str(frame)], check=True, stdin=subprocess.DEVNULL)

    with Image.open(frame) as image:
        assert max(image.convert("RGB").getpixel((100, 135))) < 20
        assert max(image.convert("RGB").getpixel((960, 135))) > 20


@pytest.mark.parametrize("kind", ["mp4", "webm"])
@pytest.mark.parametrize("cut", [20, 2_000])
def test_a_truncated_video_is_refused(kind: str, cut: int, encoded, tmp_path: Path):
    assert refusal_of(encoded[kind][:-cut], tmp_path) == "The file is truncated."


@pytest.mark.parametrize("kind", ["mp4", "webm"])
@pytest.mark.parametrize("payload", [files.zip_archive(), b"<html><script>alert(1)</script>"])
def test_a_video_that_is_something_else_at_its_end_is_refused(
    kind: str, payload: bytes, encoded, tmp_path: Path
):
    content = encoded[kind] + payload

    assert refusal_of(content, tmp_path) == "Something else is appended to the video."


def test_a_video_with_damaged_pictures_is_refused(encoded, tmp_path: Path):
    content = bytearray(encoded["mp4"])
    middle = content.index(b"mdat") + 200
    content[middle : middle + 700] = b"\x55" * 700

    assert refusal_of(bytes(content), tmp_path) == "The video is damaged."


def test_a_video_of_more_than_a_minute_is_refused(encoded, tmp_path: Path):
    assert refusal_of(encoded["long"], tmp_path) == "A video may last 60 seconds at most."


def test_a_video_that_lies_about_its_length_is_found_out(encoded, tmp_path: Path, monkeypatch):
    told = videos._probe

    def lying_container(kind: str, file: Path):
        stream, duration_ms = told(kind, file)
        return stream, 1 if file.name == "upload" else duration_ms

    monkeypatch.setattr(videos, "_probe", lying_container)
    monkeypatch.setattr(videos, "_LONGEST_MS", 300)

    assert refusal_of(encoded["mp4"], tmp_path) == "A video may last 60 seconds at most."


def test_a_video_of_too_many_pixels_is_refused(encoded, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(videos, "VIDEO_SIDE", 100)

    assert "in either direction" in refusal_of(encoded["mp4"], tmp_path)


def test_a_video_in_another_codec_is_refused(encoded, tmp_path: Path):
    assert "codec is not accepted" in refusal_of(encoded["mjpeg"], tmp_path)


def test_sound_without_a_picture_is_refused(encoded, tmp_path: Path):
    assert refusal_of(encoded["sound"], tmp_path) == "The video has no picture."


def test_matroska_that_is_not_webm_is_refused(encoded, tmp_path: Path):
    assert refusal_of(encoded["mkv"], tmp_path).endswith("this file is none of these.")


def test_a_video_of_more_than_two_hundred_megabytes_is_refused(encoded, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(videos, "VIDEO_BYTES", 1024)

    assert "at most" in refusal_of(encoded["mp4"], tmp_path)


def test_a_video_that_takes_too_long_is_refused(encoded, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(videos, "subprocess", eventlet.patcher.original("subprocess"))
    monkeypatch.setattr(videos, "VIDEO_WALL_SECONDS", 0.001)

    assert refusal_of(encoded["mp4"], tmp_path) == "The video takes too long to be processed."
