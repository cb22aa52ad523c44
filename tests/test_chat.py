"""Chat templates render as Hugging Face renders them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.chat import ChatTemplate
from fastscore.errors import ModelError, UsageError

USER = {"role": "user", "content": "Hi"}
SYSTEM = {"role": "system", "content": "Be brief."}
ASSISTANT = {"role": "assistant", "content": "Hello"}

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
REFUSES_SYSTEM = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
)

AS_JSON = """{{ bos_token }}
{% for message in messages %}
    {% if message.role != 'system' %}
{{ message|tojson }}
    {%- endif %}
{% endfor %}
"""


def test_messages_and_the_generation_prompt() -> None:
    template = ChatTemplate(CHATML)
    assert template.render([SYSTEM, USER]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert template.render([USER], add_generation_prompt=False) == (
        "<|im_start|>user\nHi<|im_end|>\n"
    )


def test_special_tokens_print_as_their_text_and_absent_ones_as_nothing() -> None:
    source = "{{ bos_token }}|{{ eos_token }}|{% if bos_token is defined %}bos{% endif %}"
    assert ChatTemplate(source, "<s>", "</s>").render([USER]) == "<s>|</s>|bos"
    assert ChatTemplate(source).render([USER]) == "||"


def test_a_template_sees_the_variables_that_are_given() -> None:
    template = ChatTemplate("{{ tone }}|{{ messages|length }}", variables={"tone": "low"})
    assert template.render([USER]) == "low|1"
    # What a conversation consists of is not theirs to change.
    shadowed = ChatTemplate("{{ messages|length }}", variables={"messages": []})
    assert shadowed.render([USER]) == "1"


def test_blocks_are_trimmed() -> None:
    source = "a\n    {% if true %}\nb\n    {% endif %}\nc\n"
    assert ChatTemplate(source).render([USER]) == "a\nb\nc"


def test_a_system_message_that_is_refused_is_left_out() -> None:
    template = ChatTemplate(REFUSES_SYSTEM, "<s>")
    assert not template.takes_system
    assert template.render([SYSTEM, USER]) == "<s>[user]Hi"
    assert ChatTemplate(CHATML).takes_system
    assert not ChatTemplate(AS_JSON).takes_system  # it leaves the message out without a word


def test_what_is_refused_without_a_system_message_too_is_an_error() -> None:
    template = ChatTemplate("{{ raise_exception('roles must alternate') }}")
    with pytest.raises(ModelError, match="roles must alternate"):
        template.render([USER])
    with pytest.raises(ModelError, match="roles must alternate"):
        template.render([SYSTEM, USER])
    with pytest.raises(ModelError, match="roles must alternate"):
        _ = template.takes_system


def test_the_helpers() -> None:
    clock = lambda: datetime(2024, 7, 26)  # noqa: E731
    source = (
        "{{ strftime_now('%d %b %Y') }} {{ {'b': 'ä<', 'a': none}|tojson }} "
        "{% for m in messages %}{% if loop.index == 2 %}{% break %}{% endif %}{{ m.content }}"
        "{% endfor %} {% generation %}{{ messages|length }}{% endgeneration %}"
        "{{ tools is none }}{{ documents is none }}"
    )
    template = ChatTemplate(source, clock=clock)
    assert template.render([USER, ASSISTANT]) == '26 Jul 2024 {"b": "ä<", "a": null} Hi 2TrueTrue'


def test_the_messages_given_are_not_touched() -> None:
    message = dict(USER)
    with pytest.raises(ModelError):
        ChatTemplate("{{ messages.append(1) }}").render([message])
    with pytest.raises(ModelError):
        ChatTemplate("{{ messages[0].clear() }}").render([message])
    assert message == USER


@pytest.mark.parametrize("source", [None, "", " \n"])
def test_no_template_is_said_to_be_none(source: str | None) -> None:
    with pytest.raises(UsageError, match="no chat template"):
        ChatTemplate.from_metadata(source)


def test_the_metadata_of_a_file() -> None:
    template = ChatTemplate.from_metadata("{{ bos_token }}{{ eos_token }}", "<a>", "<b>")
    assert template.render([USER]) == "<a><b>"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("\n{% for %}", r"not valid Jinja \(line 2\)"),
        ("{{ messages", "not valid Jinja"),
        ("{{ messages[0].content + 1 }}", "cannot render"),
        ("{{ messages[0].missing.deeper }}", "cannot render"),
        ("{{ ''.__class__ ~ ''.__class__.__mro__ }}", "cannot render"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "loops"),
        ("x" * 300_000, "300000 characters"),
    ],
)
def test_a_template_that_does_not_work_is_named_as_the_cause(source: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        ChatTemplate(source).render([USER])


def test_equal_templates_are_equal_and_hashable() -> None:
    assert ChatTemplate(CHATML, "<s>") == ChatTemplate(CHATML, "<s>", clock=datetime.today)
    assert len({ChatTemplate(CHATML), ChatTemplate(CHATML), ChatTemplate(CHATML, "<s>")}) == 2


@given(st.text(st.sampled_from("{}%#-~|()[].'\" \nmesagforin_tkbl12="), max_size=80))
def test_any_template_renders_or_is_a_model_error(source: str) -> None:
    with contextlib.suppress(ModelError):
        ChatTemplate(source).render([SYSTEM, USER])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", [CHATML, AS_JSON])
@pytest.mark.parametrize("messages", [[USER], [SYSTEM, USER], [USER, ASSISTANT, USER]])
def test_transformers_renders_the_same(source: str, messages: list[dict[str, Any]]) -> None:
    utils = pytest.importorskip(
        "transformers.utils.chat_template_utils", reason="transformers is not installed here"
    )
    theirs, _ = utils.render_jinja_template(
        [messages], chat_template=source, add_generation_prompt=True, bos_token="<s>"
    )
    assert ChatTemplate(source, "<s>").render(messages) == theirs[0]


TRIMMING = "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}"
BEGUN = [USER, {"role": "assistant", "content": "Well:\n\n"}]


def test_a_message_is_left_open() -> None:
    assert ChatTemplate(CHATML).continue_last(BEGUN).endswith("assistant\nWell:\n\n")


def test_a_template_that_trims_messages_trims_the_open_one() -> None:
    assert ChatTemplate(TRIMMING).continue_last(BEGUN).endswith("][Well:")


@pytest.mark.parametrize(
    "source", ["{{ messages[0].content }}", "{{ messages[-1].content | upper }}"]
)
def test_an_open_message_that_does_not_show_is_an_error(source: str) -> None:
    with pytest.raises(ModelError, match="does not show the beginning of the answer"):
        ChatTemplate(source).continue_last(BEGUN)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", [CHATML, TRIMMING])
def test_transformers_leaves_the_same_open(source: str) -> None:
    utils = pytest.importorskip(
        "transformers.utils.chat_template_utils", reason="transformers is not installed here"
    )
    theirs, _ = utils.render_jinja_template(
        [BEGUN], chat_template=source, continue_final_message=True
    )
    assert ChatTemplate(source).continue_last(BEGUN) == theirs[0]
