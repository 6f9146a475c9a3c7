"""The storage of a search: trials of earlier runs, with their options and footage."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datasets.tracks import SourceError
from evaluation.results.tracked_on import Record, find_changes

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

logger = logging.getLogger(__name__)

_DAMAGE = (LookupError, RuntimeError, ValueError, TypeError, AttributeError)
"""What Optuna raises for a database that somebody has changed."""


def open_study(optuna: Any, path: Path) -> "Study":
    """Return the study of a file, a new one if there is none.

    Raises:
        SourceError: The file is no study.
    """
    from sqlalchemy import URL  # comes with Optuna
    from sqlalchemy.exc import SQLAlchemyError

    # Quoted: a plain f"sqlite:///{path}" ends at a question mark in the path.
    url = URL.create("sqlite", database=str(path)).render_as_string()
    try:
        study: Study = optuna.create_study(
            study_name="tune", storage=url, direction="maximize", load_if_exists=True
        )
        done = finished_trials(study)
        if wrong := [trial.value for trial in done if not isinstance(trial.value, (int, float))]:
            raise TypeError(f"values of trials are {wrong[:3]}")
        if done:  # other damage shows here, and not in a trial
            _ = (study.user_attrs, study.best_params)
        return study
    except (SQLAlchemyError, optuna.exceptions.OptunaError, *_DAMAGE) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"{path}: cannot be used as the storage of a search: {reason}. Move it away, or pass "
            "another --out"
        ) from error


def claim_study(
    study: "Study", made_with: Mapping[str, Any], footage: Record, *, where: str
) -> None:
    """Record the inputs of the trials, or check that they are unchanged.

    Args:
        study: From `open_study`.
        made_with: Options and weights.
        footage: From `evaluation.results.tracked_on.describe_tracks`. Trials of an earlier version
            lack it, and today's is assumed.
        where: Name of the study in errors.

    Raises:
        SourceError: The trials were made with something else.
    """
    theirs = study.user_attrs.get("made_with", made_with)
    before = theirs.get("footage", {}) if isinstance(theirs, dict) else None
    if not isinstance(before, dict):
        raise SourceError(f"{where}: not what evaluation.tune wrote. Pass another --out")
    changed = sorted(f"other {name}" for name in made_with if theirs.get(name) != made_with[name])
    if changed := changed or find_changes(before, footage):
        raise SourceError(
            f"{where}: its trials were made with {', '.join(changed)}. Pass another --out"
        )
    if study.trials and not before:
        logger.warning("%s: its trials do not say on which footage they were made", where)
    study.set_user_attr("made_with", {**made_with, "footage": {**before, **footage}})


def finished_trials(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that have a value: one that was killed has none."""
    return [trial for trial in study.trials if trial.value is not None]
