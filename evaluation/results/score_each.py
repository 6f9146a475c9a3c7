"""Score every tracker that is complete, and leave out the others with a warning."""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from commands.places import require_utf8
from datasets.tracks import SourceError
from evaluation.results.tracker import TrackerResults

logger = logging.getLogger(__name__)
Score = TypeVar("Score")


def score_each(
    trackers: Sequence[TrackerResults],
    score: Callable[[TrackerResults], Score],
    *,
    always: str = "",
) -> list[Score]:
    """Return the score of every tracker that is complete.

    One that lacks results is left out with a warning that names them; it must not keep the others
    from their table. ``always`` names the tracker that ran just now: its error is this command's.

    Raises:
        SourceError: Of all trackers none is complete, or the one of ``always`` is not.
    """
    scores: list[Score] = []
    for each in trackers:
        require_utf8(each.name)  # for the plots
        try:
            scores.append(score(each))
        except SourceError as error:
            if (always and each.is_named(always)) or len(trackers) == 1:
                raise
            logger.warning("%s is left out: %s", each.name, error)
    if not scores:
        raise SourceError(f"none of the {len(trackers)} trackers is complete; see the lines above")
    return scores
