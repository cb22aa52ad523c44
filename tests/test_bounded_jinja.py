"""Templates of strangers: honest ones render as jinja renders them, others are stopped."""

from __future__ import annotations

import contextlib

import jinja2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fastscore.bounded_jinja import MAX_SOURCE, BoundedEnvironment, strict_environment

VALUES = {"name": "Ünal", "count": 3, "words": ["b", "a", "c"], "nested": {"text": ["x", "y"]}}

HONEST = [
    "{{ [1, 2, 3, 4]|slice(2)|list }}{{ words|length }}{{ words|count }}",
    "{{ 'x1'|replace(1, 2) }}",
    "{{ name }} has {{ count }}{{ 's' if count != 1 }}",
    "{% for word in words %}{{ loop.index }}/{{ loop.length }}{{ word }}{% endfor %}",
    "{% for word in words if word != 'a' %}{{ loop.last }}{{ word }}{% else %}none{% endfor %}",
    "{% for key, value in nested.items() %}{{ key }}={{ value|join(', ') }}{% endfor %}",
    "{{ 'a' ~ count ~ name ~ (1 ~ 2) }}",
    "{{ ', '.join(words) }} {{ words|join }} {{ nested.text|map('upper')|join('-') }}",
    "{{ 'aXbXc'.replace('X', 'yy') }} {{ 'aXbX'|replace('X', '', 1) }} {{ 12|replace('1', '0') }}",
    "{{ 'n=%03d, %s' % (count, name) }} {{ '{:>5}|{}'.format(count, name) }} {{ '%s'|format(1) }}",
    "{{ 'a'|center(5) }}|{{ 'a'.ljust(4) }}|{{ 'x\ny'|indent(2) }}|{{ words|batch(2)|list }}",
    "{{ 2 ** 10 + 3 * count - 10 % 3 }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ 1.5 * 2 }}",
    "{% set c = namespace(n=0) %}{% for w in words %}{% set c.n = c.n + 1 %}{% endfor %}{{ c.n }}",
    (
        "{% for n in [[1, [2]]] recursive %}{% if n is iterable %}{{ loop(n) }}{% else %}{{ n }}"
        "{% endif %}{% endfor %}"
    ),
    "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice(name) }}",
    "{% set block %}{{ name }}{% endset %}{{ block|trim ~ '!' }}",
    "{{ words|sort|first }} {{ words|length }} {{ name|lower }} {{ name.split('n')[0] }}",
    "{{ [[1], [2, 3]]|sum(start=[]) }} {{ words|sum(start='') if false }} {{ [1, 2]|sum }}",
    "{{ [nested, nested]|map(attribute='text')|map('join')|list }} {{ words|join(count) }}",
    "{{ count == 3 and 'a' in words and words != nested and 1 < count <= 3 }} {{ x is defined }}",
    "{{ '%(a)s %(b)d'|format(a=name, b=count) }} {{ '%(a)s' % {'a': words} }} {{ nested }}",
    "{% filter upper %}{{ name }}{% endfilter %} {{ words|tojson }} {{ name is eq(name) }}",
    "line\n",
]

HOSTILE = [
    "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999)|map('string') %}{% endfor %}" * 11,
    (
        "{% for a in range(99) recursive %}{% if loop.depth < 9 %}{{ loop(range(99)) }}{% endif %}"
        "{% endfor %}"
    ),
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'a' }}",
    "{{ 9 ** 9999999 }}",
    *(
        f"{{% set ns = namespace(s='aa') %}}{{% for i in range(99) %}}"
        f"{{% set ns.s = {growth} %}}{{% endfor %}}"
        for growth in (
            "ns.s ~ ns.s",
            "ns.s + ns.s",
            "ns.s.replace('a', ns.s)",
            "ns.s|replace('a', ns.s)",
            "ns.s.join(['a', 'b', 'c'])",
        )
    ),
    "{% for a in range(99999) %}{{ 'some text of this length' * 99 }}{% endfor %}",
    "{{ 'a'|center(10 ** 9) }}",
    "{{ 'a'.ljust(999999999) }}",
    "{{ 'x\ny'|indent(999999999) }}",
    "{{ [1]|slice(999999999)|list }}",
    "{{ '%0999999999d' % 7 }}",
    "{{ '%*d' % (999999999, 7) }}",
    "{{ '%0999999999d'|format(7) }}",
    "{{ '{:>999999999}'.format(3) }}",
    "{{ '{:{w}}'.format(3, w=999999999) }}",
    "{{ range(10 ** 9) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ ''.__class__.__mro__ }}{{ words.append(1) }}",
    *(
        f"{{% set text = 'a' * 8000000 %}}{{% set lists = [['a'] * 1000] * 9000 %}}{use}"
        for use in (
            "{{ ([text] * 999)|join }}",
            "{{ ','.join([text] * 999) }}",
            "{{ ([1] * 8000000)|join(text) }}",
            "{{ ([text] * 999)|map('upper')|join }}",
            "{{ ('%s' * 999) % ((text,) * 999) }}",
            "{{ ('%(a)s' * 999) % {'a': text} }}",
            "{{ ('%(a)s' * 999)|format(a=text) }}",
            "{{ ('{0}' * 999).format(text) }}",
            "{{ [text, text]|tojson }}",
            "{{ lists }}",
            "{{ {'a': lists}.values() }}",
            "{{ namespace(a=lists) }}",
            "{{ lists|string|length }}",
            "{{ 'a' ~ lists }}",
            "{{ lists == [['a'] * 1000] * 9000 }}",
            "{{ 'b' in lists }}",
            "{{ lists is eq([['a'] * 1000] * 9000) }}",
            "{{ ([[1]] * 8000)|sum(start=[])|length }}",
            "{% set ns = namespace(n=[1]) %}" + "{% set ns.n = ns.n + ns.n %}" * 99,
            "{% set ns = namespace(n=1) %}" + "{% set ns.n = [ns.n, ns.n] %}" * 99 + "{{ ns.n }}",
            "{% set kept = [text.split('b')" + ", text.upper()" * 99 + "] %}",
            "{% set kept %}" + "{{ text }}" * 99 + "{% endset %}",
            "{% macro f() %}" + "{{ text }}" * 99 + "{% endmacro %}{{ f() }}",
        )
    ),
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "x" * (MAX_SOURCE + 1),
]


def rendered(source: str) -> str:
    environment = BoundedEnvironment()
    return environment.render_bounded(environment.compile_bounded(source), VALUES)


@pytest.mark.parametrize("source", HONEST)
def test_honest_templates_render_as_in_jinjas_sandbox(source: str) -> None:
    assert rendered(source) == ImmutableSandboxedEnvironment().from_string(source).render(VALUES)


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: source[:40])
def test_hostile_templates_are_stopped(source: str) -> None:
    with pytest.raises(SecurityError):
        rendered(source)


def test_each_rendering_has_its_own_budget() -> None:
    environment = BoundedEnvironment()
    template = environment.compile_bounded("{% for _ in range(90000) %}{% endfor %}done")
    for _ in range(20):
        assert environment.render_bounded(template, {}) == "done"


def test_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastscore.bounded_jinja.MAX_SECONDS", -1.0)
    with pytest.raises(SecurityError, match="seconds"):
        rendered("{% for word in words %}{{ word }}{% endfor %}")


def test_prompts_need_their_fields_and_keep_their_last_line_end() -> None:
    environment = strict_environment()
    with pytest.raises(jinja2.UndefinedError, match="'capital' is undefined"):
        environment.render_bounded(environment.compile_bounded("{{ capital }}"), {})
    assert environment.render_bounded(environment.compile_bounded("a\n"), {}) == "a\n"
    cells = {"tags": np.array(["x", "y"])}
    assert (
        environment.render_bounded(environment.compile_bounded("{{ tags }}"), cells) == "['x' 'y']"
    )


@given(st.text(st.sampled_from("{}%#-+~*|()[].,'\" \nabforinestxmcl123=<>"), max_size=60))
def test_any_text_renders_or_fails_as_a_template(source: str) -> None:
    with contextlib.suppress(
        TemplateError, TypeError, ValueError, ZeroDivisionError, AttributeError, LookupError
    ):
        rendered(source)
