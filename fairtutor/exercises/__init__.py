"""From the solutions to the exercises, a student's tree, a class, and its grades.

``solutions/`` is the only source. What the learner gets is made of it by nbgrader's own
steps, so that the same files serve a person alone and a class that is graded.
"""

from .build import build, unsolved, variant
from .release import release

__all__ = ["build", "release", "unsolved", "variant"]
