"""Where attacks are tried: honest submissions, and a new regulator for each attack."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ..data import Dataset
from ..entities import DataProducer, DataRegulator, DataUser
from ..exchange import (
    AuditReport,
    Criterion,
    FairnessCriteria,
    Refused,
    Representation,
    Submission,
    html,
)

OUTCOMES = ("refused", "violates", "flagged", "undecided", "no effect", "not seen")
HandIn = Callable[[DataRegulator], AuditReport | None]


@dataclass(frozen=True)
class Attempt:
    """One attack, and what the regulator did.

    Attributes
    ----------
    name
        Of the attack.
    tries
        What whoever hands it in wants.
    outcome
        ``"refused"``; ``"violates"``: accepted, measured, and found in breach of a
        criterion; ``"flagged"``: within the criteria, and noticed nevertheless;
        ``"undecided"``; ``"no effect"``: the report is that of an honest hand-in; or
        ``"not seen"``: it got through.
    said
        The regulator's own words.
    batches
        How many audit batches it cost.
    afterwards
        The verdict on an honest submission that the same regulator got next; empty if
        it had no batch left, or asks for other criteria.
    """

    name: str
    tries: str
    outcome: str
    said: str
    batches: int
    afterwards: str = ""


@dataclass(frozen=True, repr=False)
class Attempts:
    """A table of attempts."""

    attempts: tuple[Attempt, ...] = field(default_factory=tuple)

    def __getitem__(self, name: str) -> Attempt:
        """Return an attempt by its name."""
        return next(attempt for attempt in self.attempts if attempt.name == name)

    def __str__(self) -> str:
        return "\n".join(
            f"{a.outcome:<10} {a.name}: {a.said.splitlines()[0]}" for a in self.attempts
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = [(a.name, a.tries, a.outcome, a.said) for a in self.attempts]
        counts = ", ".join(
            f"{sum(a.outcome == outcome for a in self.attempts)} {outcome}"
            for outcome in OUTCOMES
            if any(a.outcome == outcome for a in self.attempts)
        )
        header = ("attack", "it tries", "outcome", "the regulator says")
        title = f"Red team: {len(rows)} attacks"
        return html.card("regulator", title, html.table(header, rows), f"{counts}.")


@dataclass(frozen=True)
class Bench:
    """Criteria, data, and what honest participants hand in.

    Attributes
    ----------
    dataset
        With audit batches, a numeric column and a sensitive attribute of two groups.
    attribute
        The sensitive attribute that attacks are about.
    rounds
        Of each regulator.

    Examples
    --------
    >>> from fairtutor import load
    >>> bench = Bench(load("german"), rounds=2)
    >>> said = bench.attempt("nothing", "to hand in None", lambda regulator: None)
    >>> said.outcome, said.batches, said.afterwards
    ('not seen', 0, 'undecided')
    """

    dataset: Dataset
    attribute: str = "sex"
    rounds: int = 5

    @cached_property
    def view(self) -> Dataset:
        """What producers and users see."""
        return self.dataset.without_audit()

    @cached_property
    def criteria(self) -> FairnessCriteria:
        """Equal selection, and some accuracy."""
        return self.asking(
            Criterion("selection_rate_difference", 0.15, self.attribute),
            Criterion("accuracy", 0.7),
        )

    def asking(self, *criteria: Criterion) -> FairnessCriteria:
        """Return these criteria as a document."""
        return FairnessCriteria(criteria, name="red team", rounds=self.rounds)

    @cached_property
    def representation(self) -> Representation:
        """An honest one: linear erasure."""
        return DataProducer("erasure").produce(self.criteria, self.view)

    @cached_property
    def submission(self) -> Submission:
        """An honest one: a logistic regression on the honest representation."""
        return self.trained(self.representation)

    def trained(self, representation: Representation) -> Submission:
        """Return an honest logistic regression on a representation."""
        user = DataUser("logistic")
        return user.train(representation, self.view, epochs=8, progress=False)

    def attempt(
        self,
        name: str,
        tries: str,
        hand_in: HandIn,
        criteria: FairnessCriteria | None = None,
    ) -> Attempt:
        """Let an attack act on a new regulator, and write down what it does.

        Parameters
        ----------
        name, tries
            For people to read.
        hand_in
            The attack: given the regulator, it returns the report it got.
        criteria
            What this regulator asks for; by default the bench's.

        Returns
        -------
        Attempt

        Notes
        -----
        Only a refusal is caught. Whatever else an attack raises is a hole in the
        regulator, and ends here with its traceback.
        """
        regulator = DataRegulator(criteria or self.criteria, self.dataset)
        try:
            outcome, said = _read(hand_in(regulator))
        except Refused as refusal:
            outcome, said = "refused", str(refusal)
        used = regulator.criteria.rounds - regulator.rounds_left
        afterwards = ""
        if regulator.rounds_left and regulator.criteria == self.criteria:
            report = regulator.audit(self.representation, self.submission)
            afterwards = report.verdict
        return Attempt(name, tries, outcome, said, used, afterwards)


def _read(report: AuditReport | None) -> tuple[str, str]:
    """Return the outcome of a report, and the words that say so."""
    if report is None:
        return "not seen", "Nothing was handed to the regulator."
    findings = [f for f in report.findings if f.verdict == report.verdict]
    told = [
        f"{finding.criterion}: {finding.verdict}, {finding.estimate:.3f} "
        f"({finding.lower:.3f} to {finding.upper:.3f})"
        + (f"; {finding.note}" if finding.note else "")
        for finding in findings
    ]
    if report.verdict == "meets":
        outcome = "flagged" if report.flags else "not seen"
        return outcome, "\n".join(report.flags or told)
    return report.verdict, "\n".join([*told, *report.flags])


Attack = Callable[[Bench], Attempt]


def run(bench: Bench, attacks: Sequence[Attack], progress: bool = True) -> Attempts:
    """Try attacks one after the other.

    Parameters
    ----------
    bench
        Where.
    attacks
        Each acts on a regulator of its own.
    progress
        Whether to show a bar.

    Returns
    -------
    Attempts
    """
    from tqdm import tqdm

    bar = tqdm(attacks, "attacks", disable=not progress, leave=False, delay=1)
    return Attempts(tuple(attack(bench) for attack in bar))
