"""How well groups of profiles are the true persons."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class ClusterAgreement(NamedTuple):
    """Precision, recall and their harmonic mean.

    Parameters
    ----------
    precision, recall, f1 : float
    """

    precision: float
    recall: float
    f1: float


def pairwise(groups: npt.ArrayLike, truth: npt.ArrayLike) -> ClusterAgreement:
    """Return the agreement of pairs: which are in one group, and which are one person.

    Parameters
    ----------
    groups, truth : array-like, shape (n,)
        Group and true person of each profile.

    Examples
    --------
    >>> pairwise([1, 1, 1, 2], ["a", "a", "b", "b"])
    ClusterAgreement(precision=0.3333333333333333, recall=0.5, f1=0.4)
    """
    both, group, person = _sizes(groups, truth)
    right, said, true = (int((size * (size - 1) // 2).sum()) for size in (both[0], group[0], person[0]))
    return _agreement(right / said if said else 1.0, right / true if true else 1.0)


def b_cubed(groups: npt.ArrayLike, truth: npt.ArrayLike) -> ClusterAgreement:
    """Return the mean over profiles of how much of its group is its person, and how much of that is in it.

    Parameters
    ----------
    groups, truth : array-like, shape (n,)
        Group and true person of each profile.

    References
    ----------
    Bagga and Baldwin (1998). Entity-based cross-document coreferencing using the vector space model.

    Examples
    --------
    >>> b_cubed([1, 1, 1, 2], ["a", "a", "b", "b"])
    ClusterAgreement(precision=0.6666666666666666, recall=0.75, f1=0.7058823529411765)
    """
    (both, own), (group, of_group), (person, of_person) = _sizes(groups, truth)
    shared = both[own]
    return _agreement(float(np.mean(shared / group[of_group])), float(np.mean(shared / person[of_person])))


_Sizes = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


def _sizes(groups: npt.ArrayLike, truth: npt.ArrayLike) -> tuple[_Sizes, _Sizes, _Sizes]:
    """Return the sizes of intersections, groups and persons, each with the place of every profile."""
    of_group = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    of_person = np.unique(np.asarray(truth), return_inverse=True)[1].astype(np.int64)
    both = np.unique(of_group * (int(of_person.max(initial=0)) + 1) + of_person, return_inverse=True)[1]
    places = (both.astype(np.int64), of_group, of_person)
    first, second, third = ((np.bincount(place).astype(np.int64), place) for place in places)
    return first, second, third


def _agreement(precision: float, recall: float) -> ClusterAgreement:
    total = precision + recall
    return ClusterAgreement(precision, recall, 2 * precision * recall / total if total else 0.0)
