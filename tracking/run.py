"""Track one target through a video, a folder of images or a camera, and draw the boxes.

    python -m tracking.run --video clip.mp4 --box 80,40,30,60
    python -m tracking.run --weights W --tracker mil static --video frames/ --truth boxes.txt
    python -m tracking.run --tracker mil --video 0 --max-frames 300

Without --weights and --tracker the network that comes with the toolkit tracks (docs/models.md).
Without --box the first box of --truth is used; without both, the box is drawn in a window.
Boxes are left,top,width,height in pixels, (0, 0) being the image's top-left corner.
"""

import logging
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from commands.choices import Device, FrameRate, Natural, one_of
from commands.files import whole_file
from commands.places import keep_inputs, require_utf8
from commands.run import run_command
from commands.termination import cleaned_at_termination
from datasets.box_files import has_area, parse_box, read_box_file
from datasets.images import Image
from datasets.tracks import SourceError
from model.device import choose_device
from model.weights import PRETRAINED, WeightsError, load_model, weights_files
from tracking.baselines import SHORTEST_S, create_baseline
from tracking.crop_network import Precision
from tracking.drawing import TRUTH, colors_of, draw_boxes
from tracking.interface import BoxTracker, Prediction
from tracking.records import Record, write_csv
from tracking.settings import PRESETS, choose_settings
from tracking.tracker import Tracker
from tracking.video import Video, open_video
from tracking.video_writer import VideoWriter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrackConfig:
    """Track one target through a video and write an annotated copy and its boxes."""

    video: str
    """A video file, a folder of images, or the index of a camera."""
    weights: str | None = None
    """Trained network (.safetensors, a path or URL, or "pretrained"); by default the trackers
    of --tracker only, or without these the network that comes with the toolkit."""
    tracker: tuple[str, ...] = ()
    """Others on the same frames: static, mil; csrt and kcf with OpenCV's contrib build."""
    box: str | None = None
    """First box x,y,w,h."""
    truth: str | None = None
    """File with the true boxes, x,y,w,h per line, drawn beside the others."""
    out: Path = Path("tracked.mp4")
    """Annotated video; the boxes are written beside it as .csv."""
    preset: Annotated[str, one_of(PRESETS)] = "tuned"
    """Settings for a car head: ours, or those published with SiamCAR for each benchmark."""
    settings: str | None = None
    """File best.json of evaluation.tune, in place of a preset."""
    device: Device = "auto"
    """Device of the network; auto takes a GPU if there is one."""
    precision: Precision = "float32"
    """Of the network's convolutions."""
    max_frames: Natural = 0
    """Number of frames to track; 0: to the end, for a camera until Ctrl-C."""
    fps: FrameRate = 25.0
    """Frame rate of the output if the input is a folder of images."""
    codec: Literal["mp4v", "vp09"] = "mp4v"
    """mp4v is quick and for desktop players; vp09 is slow and plays in browsers too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 is success, 1 a problem with video or weights, 2 a wrong option."""
    prog = "python -m tracking.run"
    with cleaned_at_termination():
        return run_command(
            *(TrackConfig, track, argv),
            prog=prog,
            common=("video", "weights", "tracker", "box", "truth", "out", "device", "max_frames"),
            errors=(SourceError, WeightsError),
        )


def track(config: TrackConfig) -> None:
    """Track, and write the annotated video and the boxes."""
    path = config.out.with_suffix(".csv")
    if path.is_dir():
        raise SourceError(f"{path}: a folder, and the boxes go there. Pass another --out")
    choose_device(config.device)
    require_utf8(config.out, "" if Path(config.video).is_dir() else config.video)
    keep_inputs(_inputs(config), files=(config.out, path))
    trackers = _create_trackers(config)
    truth = read_box_file(Path(config.truth)) if config.truth else None
    video = open_video(config.video, fps=config.fps)
    frames = islice(video.frames, config.max_frames or None)
    with closing(video.frames):
        first = next(frames)
        box_xywh = _first_box(config, truth, first)
        seconds: dict[str, list[float]] = {name: [] for name in trackers}
        records: list[Record] = []
        colors = colors_of(trackers)
        with (
            ExitStack() as boxes_file,  # in place after the video, or not at all
            VideoWriter(config.out, fps=video.fps, codec=config.codec) as writer,
        ):
            for index, image in enumerate(_until_stopped(chain([first], frames), video, config)):
                boxes: dict[str, NDArray[np.float64]] = {}
                if truth is not None:
                    boxes[TRUTH] = truth[index] if index < len(truth) else np.full(4, np.nan)
                for name, tracker in trackers.items():
                    prediction, spent = _step(tracker, image, box_xywh if index == 0 else None)
                    if index > 0 and not prediction.kept:
                        seconds[name].append(spent)
                    boxes[name] = prediction.box_xywh
                    records.append(Record(index, name, prediction))
                caption = f"frame {index}"
                writer.write(draw_boxes(image, boxes, colors=colors, caption=caption))
            write_csv(boxes_file.enter_context(whole_file(path)), records)
    logger.info("%s: %d frames; boxes in %s", config.out, writer.num_frames, path)
    _report_speed(seconds)
    for name in trackers:
        kept = [record.prediction.kept for record in records if record.tracker == name][1:]
        if any(kept):
            said = "%s: no answer in %d of %d frames; its box of the frame before was kept there"
            logger.warning(said, name, sum(kept), len(kept))


def _inputs(config: TrackConfig) -> list[str | Path]:
    video = Path(config.video)
    images = video.iterdir() if video.is_dir() else [video]
    weights = weights_files(config.weights or PRETRAINED)
    read = [path for path in images if path == video or path.suffix not in {".mp4", ".csv"}]
    return [*read, *weights, *filter(None, (config.truth, config.settings))]


def _create_trackers(config: TrackConfig) -> dict[str, BoxTracker]:
    trackers: dict[str, BoxTracker] = {}
    weights = config.weights
    if not weights and not config.tracker:
        weights = PRETRAINED
        logger.info("no --weights: tracking with the network that comes with the toolkit")
    if weights:
        network = load_model(weights, device=choose_device(config.device))
        head = network.config.head
        settings = choose_settings(head, preset=config.preset, file=config.settings)
        trackers["dcffnet"] = Tracker(network, settings, precision=config.precision)
    for name in config.tracker:
        try:
            trackers[name] = create_baseline(name)
        except ValueError as error:
            raise SourceError(f"--tracker: {error}") from error
    return trackers


def _until_stopped(frames: Iterator[Image], video: Video, config: TrackConfig) -> Iterator[Image]:
    """Yield frames with progress; for a camera, Ctrl-C is the normal end."""
    total = min(filter(None, (video.num_frames, config.max_frames)), default=None)
    try:
        yield from tqdm(frames, total=total, unit="frame", desc=video.name, disable=None)
    except KeyboardInterrupt:
        if not video.endless:
            raise


def _step(
    tracker: BoxTracker, image: Image, box_xywh: NDArray[np.float64] | None
) -> tuple[Prediction, float]:
    """Start on the box, or update; return the prediction and the seconds that it took."""
    start = time.perf_counter()
    if box_xywh is None:
        prediction = tracker.update(image)
    else:
        tracker.init(image, box_xywh)
        prediction = Prediction(box_xywh=box_xywh, score=1.0)
    return prediction, time.perf_counter() - start


def _first_box(
    config: TrackConfig, truth: NDArray[np.float64] | None, image: Image
) -> NDArray[np.float64]:
    if config.box:
        box_xywh = np.array(parse_box(config.box, where="--box"), np.float64)
        where = "--box"
    elif truth is not None:
        box_xywh, where = truth[0], f"{config.truth}:1"
    else:
        box_xywh, where = _ask_for_box(image), "the window"
    if not has_area(box_xywh):
        raise SourceError(f"{where}: {box_xywh.tolist()} has no area; pass --box x,y,w,h")
    height, width = image.shape[:2]
    left, top, box_width, box_height = box_xywh.tolist()
    if not (-box_width < left < width and -box_height < top < height):
        raise SourceError(
            f"{where}: {box_xywh.tolist()} lies outside of the first frame; the frame is {width} x "
            f"{height}, (0, 0) its top-left corner"
        )
    return box_xywh


def _ask_for_box(image: Image) -> NDArray[np.float64]:
    if sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        raise SourceError("no --box, and no screen to ask for it by mouse. Pass --box x,y,w,h")
    title = "drag a box around the target, then press Enter"
    try:
        box = cv2.selectROI(title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), showCrosshair=False)
        cv2.destroyWindow(title)
    except cv2.error as error:
        raise SourceError("no --box, and this OpenCV opens no windows. Pass --box") from error
    return np.array(box, np.float64)


def _report_speed(seconds: dict[str, list[float]]) -> None:
    for name, spent in seconds.items():
        median = statistics.median(spent) if spent else 0.0
        if median > SHORTEST_S:
            logger.info(
                "%s: %.1f frames/s, median %.1f ms from image to box",
                name,
                1 / median,
                1e3 * median,
            )


if __name__ == "__main__":
    sys.exit(main())
