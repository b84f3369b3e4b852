"""What a sample says about the whole, and how sure that is: estimates with intervals, without I/O.

Shares run from 0 to 1. An interval of level 0.95 covers the truth in 95 of 100 samples drawn in the same way.

Sources: E. B. Wilson, JASA 22 (1927) 209–212; W. G. Cochran, Sampling Techniques, 3rd ed. (1977), ch. 2 and 5;
L. Kish, Survey Sampling (1965), ch. 8; R. G. Newcombe, Statistics in Medicine 17 (1998) 873–890, method 10;
J. L. Fleiss, J. Cohen & B. S. Everitt, Psychological Bulletin 72 (1969) 323–327; C. F. Manski, AER 80 (1990) 319–323.
"""

from tagging.models.statistics.agreement import Agreement, kappa
from tagging.models.statistics.comparing import Difference, Standing, apart, certain_level, difference, ranks, standing
from tagging.models.statistics.intervals import LEVEL, Interval, quantile, sample_size, wilson
from tagging.models.statistics.strata import FEWEST_KNOWN, WIDEST_HALF, Accuracy, Stratum, accuracy, allocate

__all__ = [
    "FEWEST_KNOWN",
    "LEVEL",
    "WIDEST_HALF",
    "Accuracy",
    "Agreement",
    "Difference",
    "Interval",
    "Standing",
    "Stratum",
    "accuracy",
    "allocate",
    "apart",
    "certain_level",
    "difference",
    "kappa",
    "quantile",
    "ranks",
    "sample_size",
    "standing",
    "wilson",
]
