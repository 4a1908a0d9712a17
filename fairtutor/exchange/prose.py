"""Criteria in plain words, as numbered articles: every option says what it does."""

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from .criteria import Criterion, FairnessCriteria
from .requirements import (
    COMPARES_SHARES,
    DISTANCE_IN_WORDS,
    LIKENESS,
    LIMITS_OF,
    NEEDS_REFERENCE,
    REQUIREMENTS,
)


@dataclass(frozen=True)
class Article:
    """One numbered article: a title and paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


def articles(criteria: FairnessCriteria) -> tuple[Article, ...]:
    """Return what the criteria say, in plain words.

    Parameters
    ----------
    criteria
        Any.

    Returns
    -------
    tuple of Article
        Names from the document stand in quotation marks, without line breaks or
        characters that cannot be seen, so that no name can pose as an article.

    Examples
    --------
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> [article.title for article in articles(criteria)][:2]
    ['What this document is', 'What is scored']
    """
    kinds = {criterion.spec.kind for criterion in criteria.criteria}
    required = (_requirement(criterion, criteria) for criterion in criteria.criteria)
    alike = "Who is like whom" if _uses(criteria, LIKENESS) else "Reference people"
    written = [
        Article("What this document is", _subject(criteria)),
        Article("What is scored", tuple(_scored(criteria))),
    ]
    if _uses(criteria, NEEDS_REFERENCE):
        written.append(Article(alike, tuple(_reference(criteria))))
    written += [
        Article("What is required", tuple(required)),
        Article("How often is audited", _rounds(criteria)),
        Article("How sure an audit is", tuple(_sureness(criteria))),
        Article("What a verdict means", _verdicts()),
    ]
    if kinds & {"group", "representation"}:
        written.append(Article("Small groups", tuple(_small_groups(criteria))))
    written.append(Article("What these criteria do not say", tuple(_limits(criteria))))
    return tuple(written)


def prose(criteria: FairnessCriteria, width: int = 80) -> str:
    """Return the articles as text.

    Parameters
    ----------
    criteria
        Any.
    width
        Of a line, in characters.

    Returns
    -------
    str

    Examples
    --------
    >>> criteria = FairnessCriteria((Criterion("accuracy", 0.8),))
    >>> "shall be at least 0.8 (80%)." in prose(criteria, width=200)
    True
    """
    lines = [f"CRITERIA {quoted(criteria.name)}"]
    for number, article in enumerate(articles(criteria), start=1):
        lines += ["", f"Article {number}. {article.title}", ""]
        for place, paragraph in enumerate(article.paragraphs, start=1):
            start = f"{number}.{place} "
            lines += textwrap.wrap(
                start + paragraph, width, subsequent_indent=" " * len(start)
            )
    return "\n".join([*lines, "", f"Fingerprint (SHA-256): {criteria.fingerprint}"])


def prose_html(criteria: FairnessCriteria, level: int = 3) -> str:
    """Return the articles as HTML, every name escaped.

    Parameters
    ----------
    criteria
        Any.
    level
        Of the headings, 1 to 6.

    Returns
    -------
    str

    Examples
    --------
    >>> criteria = FairnessCriteria((Criterion("leakage", 0.6, "<b>"),))
    >>> "&lt;b&gt;" in prose_html(criteria), "<b>" in prose_html(criteria)
    (True, False)
    """
    parts = []
    for number, article in enumerate(articles(criteria), start=1):
        parts.append(f"<h{level}>Article {number}. {escape(article.title)}</h{level}>")
        parts += [
            f"<p>{number}.{place} {escape(paragraph)}</p>"
            for place, paragraph in enumerate(article.paragraphs, start=1)
        ]
    return "".join(parts)


def quoted(name: str) -> str:
    r"""Return a name in quotation marks, with nothing in it that cannot be seen.

    Examples
    --------
    >>> quoted("sex\nArticle 9.\u202e")
    '“sex Article 9.�”'
    """
    spaced = " ".join(name.split())
    return f"“{''.join(c if c.isprintable() else '�' for c in spaced)}”"


def _uses(criteria: FairnessCriteria, metrics: Iterable[str]) -> list[str]:
    """Return the paragraph numbers of the requirements that use these metrics."""
    return [
        str(place)
        for place, criterion in enumerate(criteria.criteria, start=1)
        if criterion.metric in metrics
    ]


def _subject(criteria: FairnessCriteria) -> tuple[str, ...]:
    count = len(criteria.criteria)
    requirements = "one requirement" if count == 1 else f"{count} requirements"
    return (
        f"This document sets {requirements} for models that decide about people. A "
        "model meets the criteria only if it meets "
        f"{'it' if count == 1 else 'all of them'}.",
    )


def _scored(criteria: FairnessCriteria) -> Iterable[str]:
    scores = {criterion.score for criterion in criteria.criteria}
    if scores - {"representation"}:
        yield (
            "The model gives each person a probability of the positive outcome, a "
            "number from 0 to 1."
        )
    if "decision" in scores:
        yield (
            "The decision on a person is positive if their probability is at least "
            f"{criteria.threshold:g}, and negative otherwise."
        )
    if "loss" in scores:
        yield (
            "The loss of a person is the distance between their true outcome (1 if "
            "positive, 0 if negative) and their probability."
        )
    if "representation" in scores:
        yield (
            "The representation of a person is the list of numbers that a model is "
            "given in place of the person’s features."
        )
    yield (
        "The true outcome and the features of a person are what the data record. "
        "Whether the record is right is not asked."
    )


def _reference(criteria: FairnessCriteria) -> Iterable[str]:
    yield (
        "Reference people are a fixed part of the data. None of them is audited, and "
        "they are the same in every audit."
    )
    if _uses(criteria, LIKENESS):
        yield (
            "Two people are as alike as their distance is small. The distance is "
            f"{DISTANCE_IN_WORDS[criteria.distance]} between the regulator’s own "
            "features of the two. Features made from sensitive attributes are left "
            "out. The representation plays no part in it."
        )
    if _uses(criteria, {"consistency"}):
        yield (
            "If several reference people are equally far away, they share the places "
            "that are left among the nearest."
        )


def _requirement(criterion: Criterion, criteria: FairnessCriteria) -> str:
    names = [quoted(name) for name in criterion.attribute or ()]
    said = REQUIREMENTS[criterion.metric].format(
        groups=f"the groups by {_listed(names)}{' combined' * (len(names) > 1)}",
        names=_listed(names),
        tolerance=f"{criterion.tolerance:.6g}",
        percent=f"{100 * criterion.tolerance:.6g}",
        score=criterion.score,
        least=criteria.min_group_size,
        neighbours=criteria.neighbours,
        cells=criteria.cells,
        lipschitz=f"{criteria.lipschitz:g}",
    )
    nothing_beyond = 0 if criterion.spec.at_least else 1
    if criterion.tolerance == nothing_beyond:
        said += " No model can violate this: the tolerance admits every value."
    return f"{criterion.title[:1].upper()}{criterion.title[1:]}. {said}"


def _rounds(criteria: FairnessCriteria) -> tuple[str, ...]:
    if criteria.rounds == 1:
        return (
            "One audit is made under this document and no other. It looks at people "
            "on whom nothing was trained.",
        )
    return (
        f"At most {criteria.rounds} audits are made under this document. Each looks at "
        "people on whom nothing was trained and whom no earlier audit used. After the "
        "last one, this document gives no further verdict.",
    )


def _sureness(criteria: FairnessCriteria) -> Iterable[str]:
    count, rounds = len(criteria.criteria), criteria.rounds
    shares = _uses(criteria, COMPARES_SHARES)
    on_average = bool(shares) and criteria.intervals == "score"
    hold, least = ("are meant to hold", "") if on_average else ("hold", "at least ")
    yield (
        "The audited people are taken to be drawn at random from many others, so what "
        "is found is uncertain. "
        "Every finding is an estimate with an interval of values that the data allow. "
        f"All intervals of all audits {hold} at once with a probability of {least}"
        f"{100 * criteria.confidence:.6g}%."
    )
    if count * rounds > 1:
        yield (
            "The remaining chance of error, "
            f"{100 * (1 - criteria.confidence):.6g}%, is shared equally by "
            f"{count} × {rounds} findings (requirements × audits): "
            f"{100 * criteria.error_budget:.4g}% each."
        )
    if on_average:
        yield (
            f"The intervals of {_numbers(criteria, shares)} are of the kind “score”. "
            "Such an interval misses as often as stated on average over the possible "
            "true values. For some values, in small groups above all, it misses more "
            "often. Intervals of other requirements miss at most as often as stated."
        )
    elif shares:
        yield (
            f"The intervals of {_numbers(criteria, shares)} are of the kind “exact”. "
            "They miss at most as often as stated, whatever the true values are, and "
            "are wider for it."
        )


def _numbers(criteria: FairnessCriteria, places: list[str]) -> str:
    """Return references such as ``"requirements 4.1 and 4.3"``."""
    article = 4 if _uses(criteria, NEEDS_REFERENCE) else 3
    word = "requirement" if len(places) == 1 else "requirements"
    return f"{word} {_listed([f'{article}.{place}' for place in places])}"


def _verdicts() -> tuple[str, ...]:
    return (
        "A requirement is met if its whole interval lies within the tolerance, the "
        "tolerance itself included. It is violated if its whole interval lies beyond. "
        "Otherwise it is undecided.",
        "Undecided means that the audited people are too few to tell, or that the "
        "number cannot be computed. It is neither a pass nor a finding of unfairness. "
        "What follows from it is not settled here.",
        "The criteria as a whole are violated if any requirement is violated, met if "
        "every requirement is met, and otherwise undecided.",
    )


def _small_groups(criteria: FairnessCriteria) -> Iterable[str]:
    yield (
        f"A group is too small if it has fewer than {criteria.min_group_size} audited "
        "people among those of whom a share or mean is taken. Its own share or mean "
        "counts as unknown and may be anything. Groups are not merged."
    )
    if any(criterion.spec.kind == "group" for criterion in criteria.criteria):
        yield (
            "A requirement that compares a group which is too small cannot be met, "
            "unless its tolerance admits every value. It is violated if the other "
            "groups suffice to show that."
        )
    if calibrated := _uses(criteria, {"calibration_gap"}):
        yield (
            f"For {_numbers(criteria, calibrated)}, a group is left out of each range "
            "of probabilities in which it is too small instead."
        )


def _limits(criteria: FairnessCriteria) -> Iterable[str]:
    kinds = {criterion.spec.kind for criterion in criteria.criteria}
    yield (
        "They do not say why a number is what it is, whether anyone intended it, "
        "whether the decision should be made at all, or whether it does harm."
    )
    if "group" in kinds:
        yield (
            "They compare only the groups named. Within a group, or between "
            "combinations of attributes that are not named, people may be treated "
            "unequally. An average over a group says nothing about any one person."
        )
    else:
        yield "They compare no groups: one group may fare worse than another."
    if "individual" not in kinds:
        yield "They do not ask whether people who are alike are treated alike."
    if "utility" not in kinds:
        yield (
            "They do not ask that the model be of use. One that decides the same of "
            "everyone may meet them."
        )
    used = {criterion.metric for criterion in criteria.criteria}
    yield from (said for metric, said in LIMITS_OF.items() if metric in used)
    yield (
        "They speak of people like those in the data. Where other people are decided "
        "about, or times change, the findings need not hold."
    )


def _listed(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
