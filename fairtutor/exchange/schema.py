"""The published JSON Schema of criteria, made from what the reader checks."""

import json
from dataclasses import fields
from typing import Any

from .criteria import FairnessCriteria
from .metrics import METRICS
from .values import (
    CHOICES,
    MAX_ATTRIBUTES,
    MAX_CRITERIA,
    MAX_TEXT,
    NUMBERS,
    TOLERANCE,
    Number,
)

DESCRIBED = {
    "criteria": "What must hold, all of it at once.",
    "name": "What the document is called.",
    "confidence": "The chance that all intervals of all rounds hold.",
    "rounds": "How many audits share the error budget, 1 minus the confidence.",
    "threshold": "The probability from which a decision is positive.",
    "min_group_size": "A group with fewer audit rows is not judged.",
    "neighbours": "To how many people like them the metric 'consistency' compares one.",
    "distance": "The distance between individuals.",
    "lipschitz": "L: probabilities may differ by L times the distance of two people, "
    "where the mean distance is 1.",
    "cells": "Into how many cells 'same_cell_same_treatment' divides people.",
    "intervals": "'score' intervals hold with the stated confidence on average, "
    "'exact' ones always, and are wider.",
}
DESCRIBED_OF_CRITERION = {
    "metric": "The fairness metric.",
    "tolerance": "The largest difference, or smallest ratio or share, that still meets "
    "the criterion.",
    "attribute": "The sensitive attribute whose groups are compared, or several for "
    "their intersection. For flips the columns that are set anew; for leakage what the "
    "probes try to tell. Null where the metric names none.",
    "score": "What is scored of each person; null is the metric's first.",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def criteria_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of :meth:`FairnessCriteria.to_json`.

    Returns
    -------
    dict
        What it accepts, :meth:`FairnessCriteria.from_json` accepts too, but for three
        faults that a schema cannot say: a key that stands twice, text with half a
        character (a lone surrogate), and one criterion written in two ways.

    References
    ----------
    Wright, Andrews, Hutton and Dennis (2022), "JSON Schema: A Media Type for
    Describing JSON Documents", draft 2020-12.

    Examples
    --------
    >>> criteria_schema()["properties"]["confidence"]["maximum"]
    0.9999
    """
    defaults = {field.name: field.default for field in fields(FairnessCriteria)}
    values = {
        "name": {"type": "string", "maxLength": MAX_TEXT},
        **{key: _number(allowed) for key, allowed in NUMBERS.items()},
        **{key: {"enum": list(known)} for key, known in CHOICES.items()},
    }
    properties = {
        key: {"description": DESCRIBED[key], **value, "default": defaults[key]}
        for key, value in values.items()
    }
    return {
        "$schema": DIALECT,
        "title": "Fairness criteria",
        "description": "What a model must hold to, all of it at once.",
        "type": "object",
        "properties": {"criteria": _list_of_criteria(), **properties},
        "required": ["criteria"],
        "additionalProperties": False,
        "$defs": {"criterion": _criterion(), "attribute": _attribute()},
    }


def schema_text() -> str:
    """Return the schema as it is published in ``docs/criteria.schema.json``.

    Examples
    --------
    >>> json.loads(schema_text()) == criteria_schema()
    True
    """
    return json.dumps(criteria_schema(), indent=2, ensure_ascii=False) + "\n"


def _list_of_criteria() -> Schema:
    return {
        "description": DESCRIBED["criteria"],
        "type": "array",
        "items": {"$ref": "#/$defs/criterion"},
        "minItems": 1,
        "maxItems": MAX_CRITERIA,
        "uniqueItems": True,
    }


def _criterion() -> Schema:
    names = [
        {"const": name, "title": metric.title, "description": metric.question}
        for name, metric in METRICS.items()
    ]
    values = {
        "metric": {"oneOf": names},
        "tolerance": _number(TOLERANCE),
        "attribute": {},
        "score": {},
    }
    properties = {
        key: {"description": DESCRIBED_OF_CRITERION[key], **value}
        for key, value in values.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": ["metric", "tolerance"],
        "additionalProperties": False,
        "allOf": [_attribute_where_one_is_named(), *_scores_by_metric()],
    }


def _attribute_where_one_is_named() -> Schema:
    naming = [name for name, metric in METRICS.items() if metric.names_attribute]
    return {
        **_if_metric(naming),
        "then": {
            "properties": {"attribute": {"$ref": "#/$defs/attribute"}},
            "required": ["attribute"],
        },
        "else": {"properties": {"attribute": {"enum": [None, []]}}},
    }


def _scores_by_metric() -> list[Schema]:
    kinds = dict.fromkeys(metric.scores for metric in METRICS.values())
    return [
        {
            **_if_metric([n for n, metric in METRICS.items() if metric.scores == kind]),
            "then": {"properties": {"score": {"enum": [*kind, None]}}},
        }
        for kind in kinds
    ]


def _if_metric(names: list[str]) -> Schema:
    # Without "required", the condition would hold where no metric is given at all.
    return {"if": {"properties": {"metric": {"enum": names}}, "required": ["metric"]}}


def _attribute() -> Schema:
    name = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
    several = {
        "type": "array",
        "items": name,
        "minItems": 1,
        "maxItems": MAX_ATTRIBUTES,
        "uniqueItems": True,
    }
    return {"description": "One name, or several.", "anyOf": [name, several]}


def _number(allowed: Number) -> Schema:
    kind = "integer" if allowed.whole else "number"
    return {"type": kind, "minimum": allowed.low, "maximum": allowed.high}
