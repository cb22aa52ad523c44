"""A GGUF model as RAGAs' judge, in process, and a GGUF embedding model beside it.

>>> from ragas import evaluate
>>> from ragas.metrics import Faithfulness
>>> from fastscore.integrations.ragas import FastscoreRagasLLM
>>> evaluate(rows, [Faithfulness()], llm=FastscoreRagasLLM("model.gguf"))  # doctest: +SKIP

RAGAs has two interfaces and takes an LLM by its class on one or the other road:

- `FastscoreRagasLLM` is for the classic metrics, ``ragas.metrics`` and ``ragas.evaluate``;
- `FastscoreInstructorLLM` is for the metrics of ``ragas.metrics.collections``. Classic ones take it
  as well, and then get one answer where they want several;
- `FastscoreRagasEmbeddings` serves both.

What a metric wants as JSON is written under a grammar of its schema and always parses. Verdicts
and ratings, of which RAGAs' schemas say no more than that they are integers, are among those that
its prompts name, scores of rubrics among those described as ``score1_description`` and so on, and
lists of answers are as long as the lists of questions. The score of ``SimpleCriteriaScore`` alone
is held to nothing, as its range is in the user's own words. Coroutines may ask at the same time:
what waits for the same kind of answer is one batch of the engine.

Importing this module switches RAGAs' reports of its use off, unless ``RAGAS_DO_NOT_TRACK`` is set.
RAGAs gives a metric 180 seconds a row and then counts NaN; for a large model on a CPU raise it:
``evaluate(..., run_config=RunConfig(timeout=3600))``.
"""

from fastscore.integrations.ragas.embeddings import FastscoreRagasEmbeddings
from fastscore.integrations.ragas.language_models import FastscoreInstructorLLM, FastscoreRagasLLM

__all__ = ["FastscoreInstructorLLM", "FastscoreRagasEmbeddings", "FastscoreRagasLLM"]
