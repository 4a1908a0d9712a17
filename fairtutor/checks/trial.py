"""One attempt at an answer: draws data, calls what was written, compares."""

import traceback
from collections.abc import Callable, Mapping
from typing import NoReturn

import torch
from torch import Tensor

from .compare import describe, same
from .failed import CheckFailed
from .task import Task

Case = tuple[object, Mapping[str, object], Mapping[str, object]]
PLACEHOLDER = "Put your answer where `...` stands, run that cell, then this one again."


class Trial:
    """Data drawn from a seed, and the answers to try on them.

    A check calls :meth:`expect` on the smallest input first, so that the one a message
    shows is the smallest that fails.

    Parameters
    ----------
    task
        The task.
    answers
        What the learner wrote: functions, or a prediction.
    seed
        Of the data, from 0.

    Attributes
    ----------
    answers
        By name.

    Examples
    --------
    >>> double = Task("99.1", ("double",), "Twice", ("", "", ""), run=None)
    >>> trial = Trial(double, [lambda x: x**2], seed=0)
    >>> _ = trial.expect(4.0, {"x": 2.0})
    >>> trial.expect(6.0, {"x": 3.0}, mistakes={"That is the square.": 9.0})
    Traceback (most recent call last):
    fairtutor.checks.failed.CheckFailed: 99.1 is not right yet.
    double(x = 3.0)
    should be 6.0
    and gave  9.0
    That is the square.
    ...
    """

    def __init__(self, task: Task, answers: object, seed: int) -> None:
        self.task, self.seed = task, seed
        self.answers = dict(zip(task.names, answers, strict=True))
        self._generator = torch.Generator().manual_seed(seed)
        for name, answer in self.answers.items():
            self._require_own(name, answer)

    # --- data ------------------------------------------------------------------------

    def normal(self, *shape: int) -> Tensor:
        """Return standard normal numbers of a shape, in double precision."""
        return torch.randn(*shape, generator=self._generator, dtype=torch.float64)

    def uniform(self, *shape: int) -> Tensor:
        """Return numbers between 0 and 1 of a shape, in double precision."""
        return torch.rand(*shape, generator=self._generator, dtype=torch.float64)

    def integers(self, high: int, *shape: int) -> Tensor:
        """Return whole numbers from 0 to ``high`` − 1 of a shape."""
        return torch.randint(high, shape, generator=self._generator)

    def permutation(self, n: int) -> Tensor:
        """Return the numbers from 0 to n − 1 in some order."""
        return torch.randperm(n, generator=self._generator)

    def groups(self, n: int, num_groups: int = 2) -> Tensor:
        """Return groups of n ≥ ``num_groups`` people, (n,): each has somebody."""
        members = self.integers(num_groups, n)
        members[self.permutation(n)[:num_groups]] = torch.arange(num_groups)
        return members

    def telling(self, draw: Callable[[], Case], tries: int = 300) -> Case:
        """Return a case on which no two mistakes give the same, if one is drawn.

        On small inputs mistakes often agree with each other, or with what is right.

        Parameters
        ----------
        draw
            Returns what is wanted, the arguments, and what each mistake gives.
        tries
            How often; the most telling case counts.
        """
        best, most = None, -1
        for _ in range(tries):
            case = want, _, mistakes = draw()
            apart = _number_apart([want, *mistakes.values()])
            if apart > most:
                best, most = case, apart
            if apart == len(mistakes) + 1:
                break
        return best

    # --- answers ---------------------------------------------------------------------

    def prediction(self, name: str, low: float, high: float) -> float:
        """Return a number that the learner predicted; refuse one out of range.

        Parameters
        ----------
        name
            Of the answer.
        low, high
            What it can be. A wrong prediction is no mistake: only none is.
        """
        value = self.answers[name]
        if value is None or value is ...:
            self.fail(f"{name} is still empty. Write your guess down first.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            self.fail(f"{name} is {value!r}; use a number from {low} to {high}.")
        return float(value)

    def call(self, given: Mapping[str, object], name: str | None = None) -> object:
        """Return what an answer gives for arguments, passed in their order.

        Parameters
        ----------
        given
            The arguments by name. Tensors are passed as copies.
        name
            Of the answer; by default the last.

        Raises
        ------
        CheckFailed
            It is no function, gave nothing, raised an error, or changed its arguments.
        """
        name = name or self.task.names[-1]
        function = self.answers[name]
        if not callable(function):
            self.fail(f"{name} is {describe(function)}; define a function.")
        passed = {key: _copy(value) for key, value in given.items()}
        try:
            value = function(*passed.values())
        except CheckFailed:
            raise
        except NotImplementedError:
            self._not_written(name)
        except Exception as error:
            self.fail(f"{_call(name, given)}\nraised {_said(error)}", cause=error)
        if value is None or value is ...:
            self._not_written(name)
        for key, before in given.items():
            if isinstance(before, Tensor) and not same(passed[key], before, 0.0):
                self.fail(f"{name} changes its argument {key}. Work on a copy.")
        return value

    def expect(
        self,
        want: object,
        given: Mapping[str, object],
        mistakes: Mapping[str, object] | None = None,
        *,
        name: str | None = None,
        tolerance: float = 1e-6,
        note: str = "",
    ) -> object:
        """Call an answer and compare what it gives; return it.

        Parameters
        ----------
        want
            What it should be: a number, a truth value, a word, a tensor, or a tuple or
            mapping of these.
        given
            As for :meth:`call`.
        mistakes
            For each sentence that explains a mistake, what that mistake would give.
            The first that fits is said.
        name
            As for :meth:`call`.
        tolerance
            Of each number, absolute and relative.
        note
            A sentence on the input, such as why it was chosen.

        Raises
        ------
        CheckFailed
            It is something else.
        """
        name = name or self.task.names[-1]
        got = self.call(given, name)
        if not same(got, want, tolerance):
            lines = [_call(name, given), f"should be {describe(want)}"]
            lines += [f"and gave  {describe(got)}"]
            lines += [sentence for sentence in [note] if sentence]
            for sentence, wrong in (mistakes or {}).items():
                told = not same(wrong, want, tolerance)
                if told and same(got, wrong, tolerance):
                    lines.append(sentence)
                    break
            self.fail("\n".join(lines))
        return got

    def require(
        self, holds: object, sentence: str, given: Mapping[str, object] | None = None
    ) -> None:
        """Check a property that every right answer has.

        Parameters
        ----------
        holds
            Whether it does.
        sentence
            What is wrong if it does not, in words.
        given
            The arguments for which it does not.
        """
        if not bool(holds):
            where = f"{_call(self.task.names[-1], given)}\n" if given else ""
            self.fail(where + sentence)

    def fail(self, message: str, cause: BaseException | None = None) -> NoReturn:
        """Raise :class:`CheckFailed` with the message and where to read again."""
        raise CheckFailed(
            self.task.number,
            f"{self.task.number} is not right yet.\n{message}\n\n"
            f"Read again: chapter {self.task.chapter}, “{self.task.read}”. "
            f'Stuck? hint("{self.task.number}")\n'
            f"(The same data again: seed={self.seed}.)",
        ) from cause

    def _not_written(self, name: str) -> NoReturn:
        self.fail(
            f"{name} gave nothing: it is not written yet, or a `return` is missing. "
            + PLACEHOLDER
        )

    def _require_own(self, name: str, answer: object) -> None:
        if str(getattr(answer, "__module__", "")).startswith("fairtutor.checks.ch"):
            self.fail(f"{name} is the checker's own function. Write yours.")


def _number_apart(values: list[object]) -> int:
    """Count the values that are unlike every one before."""
    return sum(
        not any(same(value, other, 1e-6) for other in values[:i])
        for i, value in enumerate(values)
    )


def _call(name: str, given: Mapping[str, object]) -> str:
    parts = [f"{key} = {describe(value)}" for key, value in given.items()]
    return f"{name}({', '.join(parts)})"


def _copy(value: object) -> object:
    return value.clone() if isinstance(value, Tensor) else value


def _said(error: Exception) -> str:
    """Return the error and the learner's own line that raised it."""
    lines = traceback.extract_tb(error.__traceback__)[1:]
    own = [line for line in lines if "site-packages" not in line.filename]
    where = f"\nin the line: {own[0].line}" if own and own[0].line else ""
    return f"{type(error).__name__}: {error}{where}"
