"""How large an audit must be, and what its errors are made of, by moving sliders."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace

import numpy as np
from ipywidgets import (
    HTML,
    BoundedIntText,
    FloatLogSlider,
    FloatSlider,
    HBox,
    Layout,
)

from ..audit.power import MOST_ROWS, AuditPlan, verdict_chances, verdict_limits
from ..exchange.html import table
from ..figures import Diagram
from ..figures.verdicts import verdict_regions
from .base import Panel
from .controls import WRAP, require_settings
from .page import Board

ROWS = np.unique(np.geomspace(60, 100_000, 70).round())
SETTINGS = (*(f.name for f in fields(AuditPlan) if f.name != "min_group_size"), "gap")


class AuditExplorer(Panel):
    """Choose an audit's size and demands; see which verdict it can reach.

    Parameters
    ----------
    plan
        What to start from.
    gap
        The true gap between the larger group's selection rate and the smaller group's.

    Attributes
    ----------
    controls : dict
        The control of each setting, by the name that it has in ``value``.

    Raises
    ------
    FairtutorError
        Rate and gap together are no share.

    Examples
    --------
    >>> panel = AuditExplorer(AuditPlan(2800, share=0.33, rate=0.08, findings=5))
    >>> panel.chances["violates"] > 0.99
    True
    >>> panel.value = {"rows": 300}
    >>> panel.chances["violates"] < 0.5
    True
    """

    def __init__(self, plan: AuditPlan | None = None, gap: float = 0.18) -> None:
        super().__init__("Audit explorer", "regulator")
        plan = plan or AuditPlan(2800, share=0.33, rate=0.08, findings=5)
        self._min_group_size = plan.min_group_size
        self.controls = _controls()
        self._board = Board()
        self._table = HTML(layout=Layout(margin="0 10px"))
        self._quiet = False
        self.fill(
            [HBox(list(self.controls.values()), layout=WRAP)],
            [self._board, self._table],
        )
        for control in self.controls.values():
            control.observe(self.guard(self._changed), names="value")
        self.value = {**asdict(plan), "gap": gap}

    @property
    def plan(self) -> AuditPlan:
        """The audit that the controls describe."""
        settings = {name: self.controls[name].value for name in SETTINGS[:-1]}
        settings["rows"] = round(settings["rows"])
        return AuditPlan(**settings, min_group_size=self._min_group_size)

    @property
    def value(self) -> dict[str, float]:
        """Every setting by its name: those of an :class:`AuditPlan`, and ``gap``.

        Settable, also in part; what is not named stays.

        Raises
        ------
        FairtutorError
            A name is unknown, a value is out of range, or rate and gap together are no
            share. Then nothing changes.
        """
        plan = {**asdict(self.plan), "gap": self.controls["gap"].value}
        return {**plan, "share": round(plan["share"], 6)}

    @value.setter
    def value(self, settings: Mapping[str, float]) -> None:
        require_settings(settings, (*SETTINGS, "min_group_size"))
        settings = {**self.value, **settings}
        gap = settings.pop("gap")
        plan = AuditPlan(**settings)
        verdict_chances(gap, plan)
        self._min_group_size = plan.min_group_size
        self._quiet = True
        for name, control in self.controls.items():
            wanted = gap if name == "gap" else getattr(plan, name)
            _set(control, wanted)
        self._quiet = False
        self.show()

    @property
    def chances(self) -> dict[str, float]:
        """The chance of each verdict at the chosen true gap."""
        return verdict_chances(self.controls["gap"].value, self.plan)

    def show(self) -> None:
        """Bring drawing, table and status line in line with the controls."""
        chances, plan = self.chances, self.plan
        self._board.value = self._diagram(chances).html()
        self._table.value = self._table_html(chances)
        likely = max(chances, key=chances.get)
        smaller, larger = plan.sizes
        self.status = (
            f"{smaller:,} and {larger:,} rows, each interval with "
            f"{1 - plan.error_budget:.2%} confidence: most likely "
            f"{likely} ({chances[likely]:.1%})."
        )

    def static_html(self) -> str:
        """Return drawing and table, as HTML that needs no kernel."""
        chances = self.chances
        return self._diagram(chances).image() + self._table_html(chances)

    def _changed(self) -> None:
        if not self._quiet:
            self.show()

    def _diagram(self, chances: Mapping[str, float]) -> Diagram:
        plan, gap = self.plan, self.controls["gap"].value
        rows = np.union1d(ROWS, plan.rows)
        return verdict_regions(
            rows,
            verdict_limits(plan, rows),
            plan.tolerance,
            marked=(gap, plan.rows),
            chances=chances,
        )

    def _table_html(self, chances: Mapping[str, float]) -> str:
        """Return the chances at this size, at a quarter of it and at four times it."""
        plan, gap = self.plan, self.controls["gap"].value
        by_rows = {
            n: verdict_chances(gap, replace(plan, rows=n))
            for n in (max(2, plan.rows // 4), min(4 * plan.rows, MOST_ROWS))
        }
        by_rows = dict(sorted({**by_rows, plan.rows: chances}.items()))
        rows = [
            (f"{n:,}", *(f"{chance:.1%}" for chance in found.values()))
            for n, found in by_rows.items()
        ]
        header = ("audit rows", *(f"chance of {name}" for name in chances))
        return f'<div data-rows="{plan.rows}">{table(header, rows)}</div>'


def _set(control, wanted: float) -> None:
    """Give a control a value, and first the room for it."""
    place = np.log10(wanted) if isinstance(control, FloatLogSlider) else wanted
    control.min, control.max = min(control.min, place), max(control.max, place)
    control.value = wanted


def _controls() -> dict[str, FloatLogSlider | FloatSlider | BoundedIntText]:
    """Make one control for each setting."""
    wide = {
        "layout": Layout(width="400px"),
        "style": {"description_width": "170px"},
    }

    def slider(text: str, tooltip: str, high: float, step: float, low: float = 0.0):
        digits = ".3f" if step < 0.01 else ".2f"
        return FloatSlider(
            min=low,
            max=high,
            step=step,
            description=text,
            tooltip=tooltip,
            readout_format=digits,
            **wide,
        )

    return {
        "rows": FloatLogSlider(
            min=2,
            max=5,
            step=0.02,
            description="audit rows",
            tooltip="How many people are audited, both groups together",
            readout_format=",.0f",
            **wide,
        ),
        "share": slider(
            "smaller group's share", "Of the audit rows", 0.5, 0.01, low=0.01
        ),
        "rate": slider(
            "its selection rate",
            "How often the smaller group gets the positive decision",
            0.9,
            0.01,
        ),
        "tolerance": slider("tolerance", "The largest gap that meets", 0.5, 0.01),
        "confidence": slider(
            "confidence", "Of all findings together", 0.999, 0.001, low=0.8
        ),
        "findings": BoundedIntText(
            min=1,
            max=10_000,
            description="findings",
            tooltip="How many criteria times rounds share the error budget",
            **wide,
        ),
        "gap": slider(
            "true gap",
            "The larger group's selection rate minus the smaller group's",
            1.0,
            0.01,
        ),
    }
