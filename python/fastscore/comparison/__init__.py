"""Models held against each other on the same items: what differs, how sure, and where."""

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Candidate, Contender, Difference, Flip, Verdict

__all__ = ["Candidate", "Comparison", "Contender", "Difference", "Flip", "Verdict"]
