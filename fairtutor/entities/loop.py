"""The closed loop: criteria, representation, submission, report, and again."""

import json
from dataclasses import dataclass
from threading import Event

from torch import Tensor

from ..data import Dataset
from ..exchange import AuditReport, FairnessCriteria, Representation, Submission
from ..training.fit import OnEpoch
from .producer import DataProducer
from .regulator import DataRegulator
from .user import DataUser


@dataclass(frozen=True, repr=False)
class Round:
    """What passed along the arrows in one round.

    Attributes
    ----------
    number
        From 1.
    producer, user
        Who took part, in words.
    criteria, representation, submission, report
        The four things that travelled.
    """

    number: int
    producer: str
    user: str
    criteria: FairnessCriteria
    representation: Representation
    submission: Submission
    report: AuditReport

    def __repr__(self) -> str:
        return f"{self.producer}, {self.user}\n{self.report}"

    def scores(self, X: Tensor) -> Tensor:
        """Return P(y = 1) for rows of the original features, (n, d) to (n,)."""
        return self.submission.scores(self.representation.encode(X))

    @property
    def passed(self) -> dict[str, str]:
        """What passed along each arrow, in a few words."""
        accuracy = self.report.accuracy[0]
        return {
            "criteria": f"{len(self.criteria.criteria)} criteria",
            "representation": self.producer,
            "submission": self.user,
            "report": f"{self.report.verdict}, accuracy {accuracy:.3f}",
        }

    def _repr_html_(self) -> str:
        from ..figures import loop_diagram  # drawing is loaded only to draw

        return loop_diagram(self.passed)._repr_html_() + self.report._repr_html_()


class ClosedLoop:
    """Join a regulator, producers and users on one data set.

    Producers and users get the data without the audit rows. That is a boundary for
    teaching, not for security: whoever has the machine has the data.

    Parameters
    ----------
    dataset
        With audit batches.
    criteria
        What the regulator publishes.

    Attributes
    ----------
    regulator : DataRegulator
    view : Dataset
        What producers and users see.
    rounds : list of Round

    Examples
    --------
    >>> from fairtutor import Criterion, load
    >>> criterion = Criterion("selection_rate_difference", 0.1, "sex")
    >>> loop = ClosedLoop(load("german"), FairnessCriteria((criterion,), rounds=2))
    >>> round_1 = loop.round(
    ...     DataProducer("erasure"), DataUser("logistic"), progress=False
    ... )
    >>> round_1.report.number, len(loop.rounds)
    (1, 1)
    """

    def __init__(self, dataset: Dataset, criteria: FairnessCriteria) -> None:
        self.regulator = DataRegulator(criteria, dataset)
        self.view = dataset.without_audit()
        self.rounds: list[Round] = []

    def round(
        self,
        producer: DataProducer,
        user: DataUser,
        *,
        progress: bool = True,
        stop: Event | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Round:
        """Go round once.

        Parameters
        ----------
        producer, user
            Who takes part.
        progress, stop, on_epoch
            As for :func:`fairtutor.training.fit`.

        Returns
        -------
        Round

        Raises
        ------
        Refused
            The regulator does not accept what it was handed, or has no fresh rows.
        """
        watch = {"progress": progress, "stop": stop, "on_epoch": on_epoch}
        criteria = self.regulator.publish()
        representation = producer.produce(criteria, self.view, **watch)
        submission = user.train(representation, self.view, **watch)
        report = self.regulator.audit(representation, submission, progress=progress)
        self.rounds.append(
            Round(
                number=report.number,
                producer=str(producer),
                user=str(user),
                criteria=criteria,
                representation=representation,
                submission=submission,
                report=report,
            )
        )
        return self.rounds[-1]

    def to_json(self) -> str:
        """Return all rounds with their reports as JSON."""
        rounds = [
            {
                "round": r.number,
                "producer": r.producer,
                "user": r.user,
                "report": json.loads(r.report.to_json()),
            }
            for r in self.rounds
        ]
        return json.dumps(rounds, indent=2, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from ..figures import loop_diagram

        if not self.rounds:
            return (
                loop_diagram({})._repr_html_() + self.regulator.criteria._repr_html_()
            )
        return loop_diagram(self.rounds[-1].passed)._repr_html_() + "".join(
            r.report._repr_html_() for r in self.rounds
        )
