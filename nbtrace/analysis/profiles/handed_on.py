"""The time in which a cell's thread only waited while other processes worked for it: it is theirs.

Enters: time that is allotted. Leaves: weights of samples that still add up to the cell's duration. At each moment at which the
thread waited, the processes that were seen at work then share it."""

from __future__ import annotations

import numpy as np

from nbtrace.analysis.profiles.allotted import Allotted, Floats
from nbtrace.analysis.profiles.profile import Ints


def handed_on(time: Allotted, own: Ints, others: Ints) -> tuple[Floats, Floats]:
    """Return what is left of the weights of samples of cells' own threads, and how much of them other processes' samples have.

    A thread waited if it computed for less than half of its time; where the system does not tell, it is not known to."""
    samples = time.samples
    left, given = time.weight[own].copy(), np.zeros(len(others))
    waits = (samples.cpu[own] >= 0) & (2 * samples.cpu[own] < samples.wall[own])
    for number in np.unique(samples.cell[others]).tolist():
        mine = np.flatnonzero(waits & (samples.cell[own] == number))
        theirs = np.flatnonzero(samples.cell[others] == number)
        waited = samples.time[own[mine]] - np.floor(left[mine]).astype(np.int64), samples.time[own[mine]]
        worked = samples.time[others[theirs]] - samples.wall[others[theirs]], samples.time[others[theirs]]
        moments = np.unique(np.concatenate([*waited, *worked]))
        many = _many(moments, *worked)
        shared = np.diff(moments) * ((_many(moments, *waited) > 0) & (many > 0))
        left[mine] = np.maximum(0, left[mine] - _during(moments, shared, *waited))
        given[theirs] = _during(moments, shared / np.maximum(many, 1), *worked)
    return left, given


def _many(moments: Ints, begin: Ints, end: Ints) -> Ints:
    """How many last from each moment to the next."""
    steps = np.zeros(len(moments), dtype=np.int64)
    np.add.at(steps, np.searchsorted(moments, begin), 1)
    np.add.at(steps, np.searchsorted(moments, end), -1)
    return np.cumsum(steps)[:-1]


def _during(moments: Ints, lengths: Ints | Floats, begin: Ints, end: Ints) -> Floats:
    """How much of the lengths between moments lies between two of them each."""
    until = np.concatenate([[0.0], np.cumsum(lengths)])
    return np.asarray(until[np.searchsorted(moments, end)] - until[np.searchsorted(moments, begin)])
