"""Values of SciPy and statsmodels that the report's statistics are tested against.

    venv/bin/pip install scipy statsmodels
    venv/bin/python tools/statistics_reference.py > src/report/statistics/reference.json
"""
import json

import numpy as np
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar

COUNTS = [(0, 0, 10), (1, 0, 10), (3, 3, 40), (5, 15, 100), (12, 30, 600), (60, 31, 600), (140, 110, 3000), (400, 250, 1340)]
DIFFERENCES = [[0.01, 0.03], [0.02, 0.015, 0.04], [-0.01, 0.02, 0.005, -0.03, 0.001], [0.1] * 4 + [0.11], [1e-4, -2e-4, 5e-5]]


def mcnemar_case(first, second, images):
    both = (images - first - second) // 2
    table = [[both, first], [second, images - first - second - both]]
    return {"only_first": first, "only_second": second, "images": images, "p": float(mcnemar(table, exact=True).pvalue)}


def paired_t_case(differences):
    result = scipy.stats.ttest_rel(differences, np.zeros(len(differences)))
    interval = result.confidence_interval(0.95)
    return {"differences": differences, "p": float(result.pvalue), "low": float(interval.low), "high": float(interval.high)}


def bootstrap_case(first, second, images):
    right = np.zeros((2, images))
    right[0, :first] = 1
    right[1, first:first + second] = 1
    difference = lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis)
    result = scipy.stats.bootstrap(right, difference, paired=True, vectorized=True, n_resamples=20000, method="percentile",
                                   rng=np.random.default_rng(1), batch=1000)
    interval = result.confidence_interval
    return {"only_first": first, "only_second": second, "images": images, "low": float(interval.low), "high": float(interval.high)}


print(json.dumps({
    "mcnemar": [mcnemar_case(*counts) for counts in COUNTS],
    "paired_t": [paired_t_case(differences) for differences in DIFFERENCES],
    "bootstrap": [bootstrap_case(*counts) for counts in COUNTS[2:]],
}, indent=1))
