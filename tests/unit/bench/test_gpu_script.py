"""The script for a GPU runs from end to end, on the CPU and small."""

import json
import sys

import pytest
import torch

from bench.findings import BenchOptions, Row, Target, medians, show
from bench.gpu.__main__ import main
from bench.gpu.checks import TINY, check_correlations, check_first_step, check_many_steps
from bench.rates import Rates, demand_of


def test_a_device_is_right_beside_float64_and_the_cpu() -> None:
    cpu = torch.device("cpu")
    targets = [*check_correlations(cpu, TINY), *check_first_step(cpu, TINY)]
    assert len(targets) == 4 + 4
    assert all(target.holds for target in targets)


def test_many_steps_in_bf16_stay_closer_than_another_seed() -> None:
    targets = check_many_steps(torch.device("cpu"), TINY)
    assert [target.holds for target in targets] == [True, True]
    assert all(target.value > 0 for target in targets)


def test_demand_counts_products_and_the_bytes_that_move() -> None:
    a, b = torch.ones(8, 16), torch.ones(16, 4)
    demand = demand_of(lambda: torch.mm(a, b).view(-1).t())
    assert demand.macs == 8 * 16 * 4
    assert demand.num_bytes == 4 * (8 * 16 + 16 * 4 + 8 * 4)
    rates = Rates({"float32": 1024.0, "bf16": 2048.0}, 896.0)
    assert rates.shares(demand, 1.0, "float32") == (0.5, 1.0)
    assert rates.shares(demand, 0.5, "bf16") == (0.5, 2.0)


def test_figures_of_several_processes_become_medians(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs = []
    for value in (0.7, 0.95, 0.92):
        rows: list[Row] = [{"loader": "local", "workers": 2, "share": value}]
        target = Target(name="local", value=value, unit="", target=0.9)
        show(rows, [target], BenchOptions(json=True))
        runs.append(capsys.readouterr().out)
    rows, targets = medians(runs)
    assert rows == [{"loader": "local", "workers": 2, "share": 0.92}]
    assert targets == [Target(name="local", value=0.92, unit="", target=0.9)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_one_command_runs_everything(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", "cpu", "--tiny", "True", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    parts = [row for row in found["rows"] if "part" in row]
    assert len(parts) == 7
    for row in parts:
        assert not row["error"], row
        names = [t["name"] for t in found["targets"] if t["name"].startswith(f"{row['part']}: ")]
        assert names, row


def test_a_part_that_fails_is_a_missed_target(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--device", "cpu", "--tiny", "True", "--json", "--check", "--parts", "bench.train"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        assert main(options) == 1
    found = json.loads(capsys.readouterr().out)
    assert "exit status 1" in found["rows"][0]["error"]
    assert [target["holds"] for target in found["targets"]] == [False]
