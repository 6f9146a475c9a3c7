"""What the paper prints, to stand beside our numbers: its Tables I, II and III."""

from collections.abc import Mapping

from commands.page import Table

_TABLE_1 = Table(
    caption="Printed: the paper's Table I, VOT2018 ('Ours' is the paper's DCFFNet)",
    columns=("tracker", "EAO", "A", "R"),
    rows=(
        ("UPDT", 0.379, 0.536, 0.184),
        ("LADCF", 0.389, 0.503, 0.159),
        ("RCO", 0.376, 0.507, 0.155),
        ("SiamFC", 0.188, 0.503, 0.585),
        ("SPM", 0.338, 0.580, 0.300),
        ("SiamRPN", 0.384, 0.588, 0.276),
        ("SiamFC++", 0.400, 0.556, 0.183),
        ("ATOM", 0.401, 0.590, 0.204),
        ("SiamRPN++", 0.414, 0.600, 0.234),
        ("Ours", 0.431, 0.586, 0.176),
    ),
    higher_is_better=(True, True, False),
)
_TABLE_2 = Table(
    caption="Printed: the paper's Table II, LaSOT ('Ours' is the paper's DCFFNet)",
    columns=("tracker", "AUC", "FPS"),
    rows=(
        ("CSRDCF", 0.244, 13.0),
        ("CFNet", 0.275, 75.0),
        ("Staple", 0.243, 80.0),
        ("ECO-hc", 0.304, 60.0),
        ("ECO", 0.324, 8.0),
        ("SiamFC", 0.336, 86.0),
        ("VITAL", 0.390, 1.0),
        ("MDNet", 0.397, 1.0),
        ("SiamRPN", 0.432, 160.0),
        ("SPM", 0.471, 120.0),
        ("Ours", 0.427, 39.0),
    ),
    digits=(3, 0),
    higher_is_better=(True,),
)
_TABLE_3 = Table(
    caption="Printed: the paper's Table III, variants of DCFFNet on OTB100",
    columns=("variant", "AUC", "precision", "FPS"),
    rows=(
        ("Baseline", 0.612, 0.793, 106.0),
        ("CF-1st", 0.633, 0.861, 57.0),
        ("CF-2nd", 0.621, 0.850, 79.0),
        ("CF-double", 0.659, 0.897, 39.0),
    ),
    digits=(3, 3, 0),
    higher_is_better=(True, True),
)

PRINTED: Mapping[str, Table] = {"vot2018": _TABLE_1, "lasot": _TABLE_2, "otb100": _TABLE_3}
"""By benchmark; the paper prints nothing for the others."""
