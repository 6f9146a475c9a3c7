"""assign_splits: exact shares, stable under everything but the seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.split import assign_splits

GROUPS = st.sets(st.text(min_size=1), min_size=2, max_size=200)


@pytest.mark.parametrize(("groups", "val"), [(91, 9), (1120, 112), (4417, 442), (2, 1), (1, 0)])
def test_the_share_is_exact_to_one_group(groups: int, val: int) -> None:
    splits = assign_splits(map(str, range(groups)), source="x", seed=0, val_fraction=0.1)
    assert sum(split == "val" for split in splits.values()) == val
    assert len(splits) == groups


@given(groups=GROUPS, seed=st.integers(0, 99))
def test_order_and_repetition_change_nothing(groups: set[str], seed: int) -> None:
    ordered = assign_splits(sorted(groups), source="x", seed=seed, val_fraction=0.1)
    backwards = sorted(groups, reverse=True) * 2
    assert assign_splits(backwards, source="x", seed=seed, val_fraction=0.1) == ordered


def test_seed_and_source_decide() -> None:
    groups = [str(number) for number in range(100)]
    one = assign_splits(groups, source="x", seed=0, val_fraction=0.1)
    assert one != assign_splits(groups, source="x", seed=1, val_fraction=0.1)
    assert one != assign_splits(groups, source="y", seed=0, val_fraction=0.1)


def test_a_new_group_moves_at_most_one_other() -> None:
    groups = [str(number) for number in range(300)]
    before = assign_splits(groups, source="x", seed=0, val_fraction=0.1)
    after = assign_splits([*groups, "new"], source="x", seed=0, val_fraction=0.1)
    assert sum(before[group] != after[group] for group in groups) <= 1


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_an_impossible_share_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="val_fraction"):
        assign_splits(["a"], source="x", seed=0, val_fraction=fraction)
