"""Counts resampled: the same distribution as rows resampled; max-t against theory."""

import numpy as np
import pytest
import torch
from scipy.stats import chi2, ks_2samp, norm, studentized_range

from fairtutor import FairtutorError
from fairtutor.audit import group_counts, rates
from fairtutor.audit.resampling import max_t_alpha, resample_counts

TABLE = torch.tensor([[[40, 12], [9, 21]], [[25, 3], [8, 5]], [[0, 7], [6, 14]]])


def rows_of(table):
    """Return (y, decision, group) rows that count to the table."""
    cells = torch.repeat_interleave(torch.arange(table.numel()), table.flatten())
    return cells // 2 % 2, cells % 2, cells // 4


def test_every_resample_has_as_many_rows_and_no_new_cells():
    drawn = resample_counts(TABLE, 500)
    assert drawn.shape == (500, 3, 2, 2)
    assert drawn.dtype == torch.int64
    assert (drawn.sum((1, 2, 3)) == TABLE.sum()).all()
    assert (drawn[:, 2, 0, 0] == 0).all()


def test_the_seed_decides():
    one, same = resample_counts(TABLE, 20, 3), resample_counts(TABLE, 20, 3)
    assert one.equal(same)
    assert not one.equal(resample_counts(TABLE, 20, 4))


def test_means_and_covariances_are_the_multinomials():
    draws, n = 40_000, int(TABLE.sum())
    found = resample_counts(TABLE, draws).flatten(1).double().numpy()
    p = TABLE.flatten().numpy() / n
    expected = n * (np.diag(p) - np.outer(p, p))
    error = np.sqrt(np.diag(expected) / draws)
    assert (np.abs(found.mean(0) - n * p) <= 4.5 * error).all()
    room = 5 * np.sqrt(np.outer(np.diag(expected), np.diag(expected)) * 2 / draws)
    assert (np.abs(np.cov(found.T) - expected) <= room + 1e-12).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_counts_resampled_are_rows_resampled(seed):
    y, decision, group = rows_of(TABLE)
    assert group_counts(y, decision, group, 3).equal(TABLE)
    draws, n = 2000, len(y)
    chosen = np.random.default_rng(seed).integers(0, n, (draws, n))
    by_rows = torch.stack(
        [group_counts(y[c], decision[c], group[c], 3) for c in torch.from_numpy(chosen)]
    ).movedim(0, -1)
    by_counts = resample_counts(TABLE, draws, seed=seed + 1).movedim(0, -1)
    compared = 0
    for rate in ("selection rate", "true positive rate", "accuracy"):
        for one, two in zip(rates(by_rows, rate), rates(by_counts, rate), strict=True):
            assert ks_2samp(one.numpy(), two.numpy()).pvalue > 1e-4, rate
            compared += 1
    assert compared == 9
    # The test notices a bootstrap that forgets a tenth of the rows.
    fewer = resample_counts(TABLE * 6 // 10, draws, seed=seed + 1).movedim(0, -1)
    one, two = rates(by_rows, "accuracy")[0], rates(fewer, "accuracy")[0]
    assert ks_2samp(one.numpy(), two.numpy()).pvalue < 1e-4


def test_one_comparison_needs_no_correction():
    counts = torch.full((2, 2, 2), 400)
    each = max_t_alpha(counts, ["selection rate"], 0.05, resamples=20_000)
    assert each == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize("groups", [3, 6])
def test_all_pairs_are_tukeys_studentised_range(groups):
    """With equal large groups max-t is Tukey's method, its quantile over √2."""
    counts = torch.full((groups, 2, 2), 1000)
    each = max_t_alpha(counts, ["selection rate"], 0.05, resamples=20_000)
    q = studentized_range.ppf(0.95, groups, np.inf) / np.sqrt(2)
    assert each == pytest.approx(2 * norm.sf(q), rel=0.1)
    assert each > 0.05 / (groups * (groups - 1) / 2)


def test_independent_shares_take_sidaks_correction():
    """The true and the false positive rate are of different people."""
    counts = torch.full((2, 2, 2), 1000)
    names = ["true positive rate", "false positive rate"]
    each = max_t_alpha(counts, names, 0.05, resamples=20_000)
    assert each == pytest.approx(1 - 0.95**0.5, rel=0.08)


def test_the_same_comparison_twice_costs_nothing():
    counts = torch.full((2, 2, 2), 1000)
    names = ["selection rate", "selection rate"]
    each = max_t_alpha(counts, names, 0.05, resamples=20_000)
    assert each == pytest.approx(0.05, abs=0.005)


def test_a_rate_of_everyone_counts_too():
    counts = torch.full((2, 2, 2), 1000)
    each = max_t_alpha(counts, ["selection rate"], 0.05, overall=["accuracy"])
    assert 0.025 <= each < 0.04
    assert chi2.sf(norm.isf(each / 2) ** 2, 1) == pytest.approx(each)


def test_a_rate_that_is_none_is_named():
    with pytest.raises(FairtutorError, match="no rate 'acuracy'"):
        max_t_alpha(TABLE, ["acuracy"], 0.05)
