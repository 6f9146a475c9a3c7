"""Intervals and tests over sequences: laws, and counts that are known."""

import itertools

import numpy as np
import pytest

from commands.pages.tables import Estimate
from evaluation.presentation.intervals import (
    FEWEST,
    Sums,
    adjust,
    difference_table,
    estimate,
    estimate_difference,
    mean_of,
    paired_test,
)

RNG = np.random.default_rng(5)
ONE = RNG.random(12)
OTHER = ONE + RNG.normal(0.05, 0.1, 12)


def test_an_interval_of_a_mean_is_that_of_the_normal_distribution() -> None:
    values = RNG.random(400)
    found = estimate(mean_of(values))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(values.mean(), abs=1e-12)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)
    assert estimate(mean_of(values)) == found


def test_few_sequences_have_no_interval_and_no_test() -> None:
    assert estimate(mean_of(ONE[: FEWEST - 1])) == pytest.approx(ONE[: FEWEST - 1].mean())
    few = {"a": mean_of(ONE[: FEWEST - 1]), "b": mean_of(OTHER[: FEWEST - 1])}
    assert difference_table("m", few) is None
    assert difference_table("m", {"a": mean_of(ONE)}) is None


def test_a_ratio_of_sums_is_pooled_and_lengths_that_no_sequence_has_do_not_count() -> None:
    above = np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 0.0]])
    below = np.array([[2.0, 4.0, 0.0], [6.0, 0.0, 0.0]])
    assert Sums(above=above, below=below).value() == pytest.approx((4 / 8 + 2 / 4) / 2)
    np.testing.assert_allclose(Sums(above=above, below=below).by_sequence(), [0.5, 0.5])


def test_the_test_agrees_with_all_exchanges() -> None:
    differences = ONE - OTHER
    every = [
        abs(np.dot(signs, differences)) >= abs(differences.sum()) * (1 - 1e-9)
        for signs in itertools.product([1, -1], repeat=len(differences))
    ]
    exact = np.mean(every)
    assert 0.01 < exact < 0.99
    p = paired_test(mean_of(ONE), mean_of(OTHER))
    assert p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000))
    assert p == paired_test(mean_of(OTHER), mean_of(ONE))


def test_equal_results_are_noise_and_a_constant_lead_is_not() -> None:
    assert paired_test(mean_of(ONE), mean_of(ONE)) == 1
    assert paired_test(mean_of(ONE + 0.01), mean_of(ONE)) < 0.005
    lead = estimate_difference(mean_of(ONE + 0.01), mean_of(ONE))
    assert (lead.low, lead.high) == pytest.approx((0.01, 0.01))
    table = difference_table(
        "AUC", {"best": mean_of(ONE + 0.01), "next": mean_of(ONE), "like": mean_of(ONE + 0.01)}
    )
    assert table is not None
    assert table.caption.startswith("best and like differ by less than the noise (p 1.00): AUC")
    assert [row[2:4] for row in table.rows] == [(12, 0), (0, 0)]


def test_holm_adjusts_the_smallest_most() -> None:
    assert adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert adjust([0.9, 0.8]) == [1, 1]
