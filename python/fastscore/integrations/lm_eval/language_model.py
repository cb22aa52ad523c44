"""The model that lm-eval asks: requests of a whole task go to the engine at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.closing import Closing
from fastscore.errors import TokenizerError, UsageError
from fastscore.integrations.lm_eval.chat import Conversations
from fastscore.integrations.lm_eval.opening import (
    check_arguments,
    check_bos,
    facts_of,
    open_model,
)
from fastscore.integrations.lm_eval.scoring import (
    ROLLING_CHARACTERS,
    Answer,
    encode_ids,
    encode_text,
    parts_of,
    score,
)
from fastscore.integrations.missing import missing_tool
from fastscore.model import Model

try:
    # Before the registration below: lm-eval adds its own models only to a registry that is empty.
    import lm_eval.models  # noqa: F401
    from lm_eval.api.model import TemplateLM
    from lm_eval.api.registry import model_registry, register_model
    from tqdm import tqdm
except ImportError as error:
    raise missing_tool("lm-eval", "lm-eval", error) from error

from fastscore.integrations.lm_eval.generation import read_wishes, write

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

    from fastscore.tokenise import EncodedRequests

NAME = "fastscore"


class FastscoreLM(Closing, TemplateLM):  # type: ignore[misc]  # lm-eval has no type hints
    """A GGUF model as one of lm-eval's models.

    Parameters
    ----------
    pretrained
        A GGUF file, ``"demo"``, ``"hf://owner/repo/file.gguf"``, or an open `fastscore.Model`,
        which then stays the caller's to close. ``path`` is another name for it.
    max_length
        The window in tokens, ``n_ctx`` by lm-eval's name.
    max_gen_toks
        Most tokens of a text for tasks that do not say.
    add_bos_token
        Whether BOS goes in front is what the model file says; another value is refused.
    seed
        Of the random numbers of tasks that sample.
    n_parallel
        Texts written at a time; see `fastscore.Model.generate`.
    think_end_token
        The text that ends a model's thoughts: answers are what follows it.
    enable_thinking, chat_template_args
        Variables for the chat template.
    batch_size, max_batch_size, trust_remote_code
        Taken because lm-eval gives them, and not used: the engine plans its own steps, and a GGUF
        file holds no code.
    device
        ``cpu`` keeps the model off the GPU. Any other is where a GPU is used if the installed
        llama-cpp-python can, as without it.
    options
        Those of `fastscore.Model`: ``n_ctx``, ``n_threads``, ``n_gpu_layers``, ``exact``, ...

    Raises
    ------
    ModelError, MemoryLimitError, EngineMismatchError, UsageError

    """

    def __init__(
        self,
        pretrained: str | Path | Model | None = None,
        *,
        path: str | Path | None = None,
        max_length: int | None = None,
        max_gen_toks: int = 256,
        add_bos_token: bool | None = None,
        seed: int = 1234,
        n_parallel: int | None = None,
        think_end_token: str | None = None,
        enable_thinking: bool | None = None,
        chat_template_args: Mapping[str, Any] | None = None,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        device: str | None = None,
        trust_remote_code: bool = False,
        **options: Any,
    ) -> None:
        super().__init__()
        own = {
            "max_length": max_length,
            "max_gen_toks": max_gen_toks,
            "add_bos_token": add_bos_token,
            "seed": seed,
            "n_parallel": n_parallel,
            "think_end_token": think_end_token,
            "enable_thinking": enable_thinking,
            "chat_template_args": chat_template_args,
            "device": device,
        }
        check_arguments(own, options)
        if (pretrained is None) == (path is None):
            raise UsageError(
                "give the model once, as pretrained: a GGUF file, 'demo' or "
                "hf://owner/repo/file.gguf, such as pretrained=model.gguf"
            )
        if max_length is not None:
            if "n_ctx" in options:
                raise UsageError("max_length and n_ctx are the same window; give one of them")
            options["n_ctx"] = max_length
        self.max_gen_toks = max_gen_toks
        self._seed = seed
        self._n_parallel = n_parallel
        self._think_end = think_end_token
        self._variables = dict(chat_template_args or {})
        if enable_thinking is not None:
            self._variables["enable_thinking"] = enable_thinking
        self._model, self._owns_model = open_model(
            path if pretrained is None else pretrained, device, options
        )
        try:
            check_bos(self._model, add_bos_token)
        except UsageError:
            self.close()
            raise

    @property
    def model(self) -> Model:
        """The engine."""
        return self._model

    @property
    def max_length(self) -> int:
        """The window in tokens."""
        return self._model.settings.max_length

    @property
    def eot_token_id(self) -> int:
        """EOS; TokenizerError for a model that has none."""
        eos = self._model.info.eos
        if eos is None:
            raise TokenizerError("this model's tokenizer has no EOS token")
        return eos

    @property
    def prefix_token_id(self) -> int:
        """What stands for an empty context: BOS, or EOS for a model without BOS."""
        bos = self._model.info.bos
        return self.eot_token_id if bos is None else bos

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **_: Any,
    ) -> list[int]:
        """Token ids of a text.

        BOS is in front where the model's tokenizer puts it: not before a text that spells it,
        unless ``add_special_tokens`` is True, and never when that is False.
        """
        ids = encode_text(self._model, string, add_special_tokens)
        return ids[-left_truncate_len:] if left_truncate_len else ids

    def loglikelihood(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[Answer]:
        """Log-likelihood of each continuation after its context, and whether it is greedy.

        All requests are planned together, so that what they share is decoded once, within a task
        and between tasks.
        """
        answers: list[Answer] = []
        with _bar(len(requests), "fastscore: log-likelihoods", disable_tqdm) as bar:
            for part in parts_of(requests):
                encoded = self._model.encode([request.args for request in part])
                arguments = [request.args for request in part]
                answers += self._answers(encoded, arguments, bar.update)
        return answers

    def _loglikelihood_tokens(
        self,
        requests: Sequence[tuple[tuple[str, str] | None, Sequence[int], Sequence[int]]],
        disable_tqdm: bool = False,
        **_: Any,
    ) -> list[Answer]:
        ids = [(context, continuation) for _, context, continuation in requests]
        encoded = encode_ids(ids, self.max_length)
        with _bar(encoded.n, "fastscore: log-likelihoods", disable_tqdm) as bar:
            return self._answers(encoded, [pair for pair, _, _ in requests], bar.update)

    def _answers(
        self,
        encoded: EncodedRequests,
        arguments: Sequence[tuple[str, str] | None],
        tell: Callable[[int], object],
    ) -> list[Answer]:
        """Score requests; each answer goes to lm-eval's cache when its step is done."""

        def keep(i: int, answer: Answer) -> None:
            if arguments[i] is not None:
                self.cache_hook.add_partial("loglikelihood", arguments[i], answer)
            tell(1)

        return score(self._model, encoded, keep)

    def loglikelihood_rolling(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Log-likelihood of whole texts, each token scored once, in lm-eval's windows.

        Few texts are scored at a time, so that what is done goes to lm-eval's cache soon. Whole
        texts seldom have anything in common that would be decoded once.
        """
        totals: list[float] = []
        with _bar(len(requests), "fastscore: whole texts", disable_tqdm) as bar:
            for part in parts_of(requests, ROLLING_CHARACTERS):
                texts = [request.args[0] for request in part]
                for text, total in zip(
                    texts, self._model.loglikelihood_rolling(texts), strict=True
                ):
                    totals.append(total)
                    self.cache_hook.add_partial("loglikelihood_rolling", (text,), total)
                bar.update(len(part))
        return totals

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """Write a text after each prompt, up to its stop texts; several of one that samples."""
        wanted = read_wishes(requests, self._model, self.max_gen_toks, self._seed)
        prompts = [request.args[0] for request in requests]
        texts: dict[int, str] = {}
        with _bar(len(requests), "fastscore: texts", disable_tqdm) as bar:
            for i, text in write(self._model, prompts, wanted, self._n_parallel):
                texts[i] = self._answer_in(text)
                self.cache_hook.add_partial("generate_until", requests[i].args, texts[i])
                bar.update(1)
        return [texts[i] for i in range(len(requests))]

    def _answer_in(self, text: str) -> str:
        return text.split(self._think_end)[-1].lstrip() if self._think_end else text

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Render a conversation with the model file's template.

        Up to where the answer begins, or, without ``add_generation_prompt``, to the end of the last
        message, for the model to go on with it. A template that refuses system messages is given
        the others.
        """
        return self._conversations.render(chat_history, add_generation_prompt)

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """Return the source of the model file's template, or None where none is to be applied."""
        return self._conversations.source(chat_template)

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval's cache of prompts tells chat templates apart by."""
        return self._conversations.name

    @cached_property
    def _conversations(self) -> Conversations:
        return Conversations(self._model.info, self._variables)

    def get_model_info(self) -> dict[str, Any]:
        """Facts for lm-eval's results file."""
        return {**facts_of(self._model), "max_gen_toks": self.max_gen_toks}

    def close(self) -> None:
        """Free the model, unless the caller opened it."""
        if self._owns_model:
            self._model.close()


def _bar(total: int, what: str, disabled: bool) -> Any:
    return tqdm(total=total, desc=what, disable=disabled)


# A release that finds models through entry points knows the name before it imports this module.
if NAME not in model_registry:
    register_model(NAME)(FastscoreLM)
