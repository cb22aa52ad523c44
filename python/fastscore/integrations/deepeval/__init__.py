"""A GGUF model as DeepEval's judge, in process: forms that keep their schema, decisions in numbers.

>>> from deepeval.metrics import FaithfulnessMetric
>>> from fastscore.integrations.deepeval import FastscoreLLM
>>> metric = FaithfulnessMetric(model=FastscoreLLM("model.gguf"))  # doctest: +SKIP

`FastscoreLLM` writes texts and fills in the forms of metrics and benchmarks; scores that a prompt
wants from 0 to 1 are, and answers and winners are among those that it names.
`FastscoreSystemOneModel` answers closed questions by the log-likelihoods of their options, for
metrics with ``eval_mode="system_one"`` or ``"hybrid"``. Both are asked by many coroutines and
threads at a time: what waits for the same kind of answer is one batch of the engine.

Making one of them switches DeepEval's telemetry off in this process, unless
``DEEPEVAL_TELEMETRY_OPT_OUT`` or ``DEEPEVAL_TELEMETRY_ENABLED`` is set: who judges with a file on
this machine does not expect to be reported on. Nothing else of DeepEval's settings is touched.
Its time limit of 180 seconds a metric, meant for services, is soon over for a large model on a CPU:
``DEEPEVAL_DISABLE_TIMEOUTS=1`` lifts it.
"""

from fastscore.integrations.deepeval.language_model import FastscoreLLM
from fastscore.integrations.deepeval.system_one import FastscoreSystemOneModel

__all__ = ["FastscoreLLM", "FastscoreSystemOneModel"]
