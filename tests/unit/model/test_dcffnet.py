"""The networks: published shapes and sizes, and what fusion, freezing and the inputs do."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from model.config import PRESETS, ModelConfig
from model.fusion import CorrelationFusion
from model.network import CHANNEL_MEAN, CHANNEL_STD, Network, build_model

NARROW = ModelConfig(width=1 / 8)


def _crops(batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randint(0, 256, (batch, 127, 127, 3), dtype=torch.uint8, generator=generator)
    x = torch.randint(0, 256, (batch, 255, 255, 3), dtype=torch.uint8, generator=generator)
    return z, x


def _network(config: ModelConfig) -> Network:
    torch.manual_seed(0)
    network = build_model(config)
    for module in network.modules():  # statistics and gains that make every part matter
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            assert module.running_mean is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
    return network.eval()


def _fusion(
    channels: int, search_cells: int, template_cells: int, **options: Any
) -> CorrelationFusion:
    config = ModelConfig(norm="none", **options)
    return CorrelationFusion(
        channels, config, search_cells=search_cells, template_cells=template_cells
    )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_numbers_of_parameters_are_the_published_ones() -> None:
    assert round(_parameters(build_model(PRESETS["paper"])) / 1e6, 2) == 3.88
    assert round(_parameters(build_model(replace(PRESETS["paper"], head="car"))) / 1e6, 2) == 8.62
    assert (
        round(_parameters(build_model(replace(NARROW, width=1.0, head="car")).head), -3) == 4.739e6
    )
    assert round(_parameters(build_model(PRESETS["siamfc"]).backbone) / 1e6, 3) == 2.336


def test_maps_have_the_sizes_of_the_paper() -> None:
    network = build_model(NARROW).eval()
    sizes: dict[str, tuple[int, ...]] = {}
    assert isinstance(network.backbone.fusion1, CorrelationFusion)
    assert isinstance(network.backbone.fusion2, CorrelationFusion)
    watched = {"fusion1": network.backbone.fusion1, "fusion2": network.backbone.fusion2}
    for name, module in watched.items():
        module.register_forward_hook(lambda _, __, y, name=name: sizes.update({name: y.shape[2:]}))
        module.norm.register_forward_hook(
            lambda _, __, y, name=name: sizes.update({f"{name}.response": y.shape[2:]})
        )
    z, x = _crops(1)
    with torch.no_grad():
        features = network.template(z)
        response = network.search(x, features)["response"]
    assert features[0].shape == (1, 8, 88, 45, 2)  # the template's transform is kept
    assert [tuple(feature.shape[1:]) for feature in features[1:]] == [(64, 22, 22), (32, 22, 22)]
    assert {name: tuple(size) for name, size in sizes.items()} == {
        "fusion1.response": (44, 44),
        "fusion1": (87, 87),
        "fusion2.response": (23, 23),
        "fusion2": (44, 44),
    }
    assert response.shape == (1, 23, 23)


@pytest.mark.parametrize("variant", ["baseline", "cf1", "cf2", "double"])
def test_car_head_gives_logits_and_positive_distances(variant: Any) -> None:
    network = build_model(replace(NARROW, head="car", variant=variant)).eval()
    with torch.no_grad():
        outputs = network(*_crops(2))
    assert outputs["logits"].shape == (2, 2, 25, 25)
    assert outputs["ltrb"].shape == (2, 4, 25, 25)
    assert (outputs["ltrb"] > 0).all()


def test_first_boxes_have_the_size_of_an_average_target() -> None:
    torch.manual_seed(0)
    network = build_model(replace(NARROW, head="car"))
    with torch.no_grad():
        ltrb = network(*_crops(2))["ltrb"]
    assert 16 < ltrb.quantile(0.05) < 32 < ltrb.quantile(0.95) < 64


def test_siamfc_baseline_has_the_same_interface() -> None:
    network = build_model(replace(PRESETS["siamfc"], width=1 / 8)).eval()
    z, x = _crops(2)
    with torch.no_grad():
        assert network(z, x)["response"].shape == (2, 17, 17)


CONFIGS = [
    NARROW,
    replace(PRESETS["aligned"], width=1 / 8, head="car"),
    replace(NARROW, norm="none", variant="cf1"),
    replace(PRESETS["siamfc"], width=1 / 8),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_batch_equals_one_by_one(config: ModelConfig) -> None:
    network = _network(config)
    z, x = _crops(2)
    with torch.no_grad():
        together = network(z, x)
        for i in range(2):
            alone = network(z[i : i + 1], x[i : i + 1])
            for name, output in alone.items():
                torch.testing.assert_close(together[name][i : i + 1], output, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", CONFIGS)
def test_features_of_one_template_serve_many_search_crops(config: ModelConfig) -> None:
    network = _network(config)
    z, x = _crops(3)
    with torch.no_grad():
        shared = network.search(x, network.template(z[:1]))
        repeated = network(z[:1].expand(3, -1, -1, -1), x)
    for name, output in shared.items():
        torch.testing.assert_close(output, repeated[name], rtol=1e-4, atol=1e-4)


def test_uint8_crops_are_normalised_inside() -> None:
    network = _network(NARROW)
    crops = _crops(1)
    mean, std = torch.tensor(CHANNEL_MEAN), torch.tensor(CHANNEL_STD)
    floats = [((crop - mean) / std).permute(0, 3, 1, 2) for crop in crops]
    with torch.no_grad():
        torch.testing.assert_close(network(*floats), network(*crops))


def test_crops_of_another_layout_are_rejected() -> None:
    network = build_model(NARROW)
    z, x = _crops(1)
    with pytest.raises(ValueError, match=r"\(1, 255, 255, 3\), expected \(B, 127, 127, 3\)"):
        network.template(x)
    with pytest.raises(ValueError, match=r"expected \(B, 3, 127, 127\)"):
        network.template(z.float())


def test_gain_zero_starts_as_the_baseline() -> None:
    double = build_model(NARROW).eval()
    baseline = build_model(replace(NARROW, variant="baseline")).eval()
    baseline.load_state_dict(
        {name: double.state_dict()[name] for name in baseline.state_dict()}, strict=True
    )
    with torch.no_grad():
        torch.testing.assert_close(double(*_crops(1)), baseline(*_crops(1)))


def test_zero_mean_template_ignores_a_constant() -> None:
    torch.manual_seed(0)
    fusion = _fusion(4, 20, 11, template="zero_mean")
    x, z = torch.randn(2, 4, 20, 20), torch.randn(2, 4, 11, 11)
    moved, still = (fusion(x, fusion.prepare(template)) for template in (z + 3, z))
    torch.testing.assert_close(moved, still, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "template", "center"), [(87, 44, 22), (44, 22, 11)])
def test_pad_puts_the_score_where_the_target_is(size: int, template: int, center: int) -> None:
    fusion = _fusion(1, size, template, fusion="pad")
    z = torch.rand(1, 1, template, template)
    for offset in (0, 7, size - template):
        x = torch.zeros(1, 1, size, size)
        x[..., offset : offset + template, 3 : 3 + template] = z
        added = fusion(x, fusion.prepare(z)) - x
        row, column = divmod(int(added.flatten().argmax()), size)
        assert (row, column) == (offset + center, 3 + center)


def test_resize_spreads_the_response_over_the_map() -> None:
    fusion = _fusion(1, 44, 22, fusion="resize")
    x = torch.ones(1, 1, 44, 44)
    added = fusion(x, fusion.prepare(torch.ones(1, 1, 22, 22))) - x
    torch.testing.assert_close(added, torch.ones_like(added))  # a mean of ones at every cell


def test_finetune_trains_only_conv5_conv6_and_the_head() -> None:
    network = build_model(replace(NARROW, head="car"))
    network.freeze("finetune")
    trained = {name for name, value in network.named_parameters() if value.requires_grad}
    assert {name.split(".")[0] + "." + name.split(".")[1] for name in trained} == {
        "backbone.tail",
        "head.classification",
        "head.regression",
    }
    assert len(list(network.trainable_parameters())) == len(trained)
    network.freeze("pretrain")
    assert len(list(network.trainable_parameters())) == len(list(network.parameters()))


def test_frozen_part_stays_as_it_is_after_train() -> None:
    network = build_model(replace(NARROW, head="car"))
    network.freeze("finetune")
    network.eval()
    network.train()
    network.backbone.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    features = network.template(_crops(2)[0])
    outputs = network.search(_crops(2)[1], features)
    torch.autograd.backward(outputs["logits"].sum())
    changed = {
        name for name, value in network.state_dict().items() if not value.equal(before[name])
    }
    assert changed  # conv5's BatchNorm goes on
    assert all(name.startswith("backbone.tail.") for name in changed)


def test_frozen_part_has_no_graph() -> None:
    network = build_model(replace(NARROW, head="car", variant="double"))
    network.freeze("finetune")
    features = network.template(_crops(1)[0])
    assert [feature.requires_grad for feature in features] == [False, False, True]
    torch.autograd.backward(network.search(_crops(1)[1], features)["ltrb"].sum())
    with_gradient = {n for n, value in network.named_parameters() if value.grad is not None}
    assert not any(name.startswith("backbone.stem") for name in with_gradient)


def test_unknown_stage_and_impossible_networks_are_rejected() -> None:
    with pytest.raises(ValueError, match="stage 'all', expected one of"):
        build_model(NARROW).freeze("all")
    with pytest.raises(ValueError, match="has no stage 'finetune'"):
        build_model(replace(PRESETS["siamfc"], width=1 / 8)).freeze("finetune")
    with pytest.raises(ValueError, match="head 'siamfc' and variant 'baseline' only"):
        ModelConfig(backbone="alexnet")
    with pytest.raises(ValueError, match=r"width 0\.0, expected"):
        ModelConfig(width=0.0)
    with pytest.raises(ValueError, match="template_crop 11, expected 0 to 10"):
        ModelConfig(template_crop=11)
