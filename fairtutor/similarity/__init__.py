"""Who is similar."""

from .neighbours import neighbour_mean

__all__ = ["neighbour_mean"]
