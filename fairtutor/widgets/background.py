"""Work that goes on while the page stays usable, and that can be stopped."""

from collections.abc import Callable
from threading import Event, Thread

from ..exchange.errors import FairtutorError
from ..training import Stopped

Work = Callable[[Event], None]


class Background:
    """Run one piece of work at a time in a thread of its own.

    Parameters
    ----------
    on_change
        Called with True when work begins and with False when it is over.
    on_stopped
        Called if the work was stopped.
    on_error
        Called with the exception if the work failed.

    Examples
    --------
    >>> done = []
    >>> work = Background(lambda busy: None, lambda: None, done.append)
    >>> work.start(lambda stop: done.append("trained"))
    >>> work.wait(timeout=10)
    >>> done
    ['trained']
    """

    def __init__(
        self,
        on_change: Callable[[bool], None],
        on_stopped: Callable[[], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._on_change, self._on_stopped = on_change, on_stopped
        self._on_error = on_error
        self._stop = Event()
        self._thread: Thread | None = None
        self._failure: BaseException | None = None

    @property
    def busy(self) -> bool:
        """Whether work is going on."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, work: Work) -> None:
        """Begin work; it is handed an event that is set when it should stop.

        Raises
        ------
        FairtutorError
            Other work is going on.
        """
        if self.busy:
            raise FairtutorError(
                "Training is still under way: press Stop, or wait until it is over."
            )
        self._stop.clear()
        self._failure = None
        self._on_change(True)
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the work to stop; training does so within one step."""
        self._stop.set()

    def wait(self, timeout: float = 600.0) -> None:
        """Wait until the work is over, and raise what it raised.

        Parameters
        ----------
        timeout
            In seconds.

        Raises
        ------
        FairtutorError
            It takes longer than that.
        Exception
            Whatever made the work fail.
        """
        if self._thread is not None:
            self._thread.join(timeout)
        if self.busy:
            raise FairtutorError(f"Still training after {timeout:g} seconds.")
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run(self, work: Work) -> None:
        try:
            work(self._stop)
        except Stopped:
            self._on_stopped()
        except Exception as error:  # shown in the panel, and raised by wait()
            self._failure = error
            self._on_error(error)
        finally:
            self._on_change(False)
