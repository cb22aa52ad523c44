"""What was measured beside the scores, in the page: profiles and distances of distributions."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fastscore.comparison.comparison import Comparison
from fastscore.distance.values import Divergence, Estimate
from fastscore.profiling.values import Energy, FirstToken, Loading, Memory, Profile, Speed
from fastscore.profiling.workload import Workload
from fastscore.report import to_csv, to_html, to_markdown
from fastscore.report.costs import Cost, cost_notes, costs
from fastscore.report.subject import subject_of
from fastscore.results import Results

UNKNOWN = Estimate(math.nan, math.nan, "not known")


def profile(tokens_per_second: float, **changes: object) -> Profile:
    made = Profile(
        model={"fingerprint": "0" * 64, "file_bytes": 1, "n_params": 1, "weights_bytes": 1},
        loading=Loading(0.25, None),
        first_token=FirstToken(256, (1.5, 2.5)),
        speeds=(
            Speed(Workload(256, 0), (800.0,)),
            Speed(Workload(0, 64), (tokens_per_second,), joules_per_token=0.125),
        ),
        skipped=(),
        memory=Memory(123_000_000, None, 512, {}, {}, {}, {}, 23_040, 0, 0, 0),
        energy=Energy("RAPL: package-0"),
        settings={"n_threads": 2},
        devices=("CPU",),
        warnings=(),
        versions={},
        machine={"cpu": "a processor"},
        seconds=10.0,
        date="2026-01-31T12:00:00+00:00",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def distance(kld: float) -> Divergence:
    return Divergence(
        base="Q4_1.gguf",
        candidate="Q2_K.gguf",
        source="wiki.txt",
        positions="second half of each window",
        n=5100,
        n_ctx=512,
        n_texts=20,
        n_truncated=0,
        tokens_decoded=10_240,
        ppl=Estimate(20.5, 0.5),
        ppl_base=Estimate(18.25, 0.4),
        correlation=UNKNOWN,
        ln_ppl_ratio=Estimate(0.116, 0.01),
        ppl_ratio=Estimate(1.12, 0.01),
        ppl_difference=Estimate(2.25, 0.1),
        kld=Estimate(kld, 0.00125),
        kld_quantiles={"maximum": 9.5, "99.9%": 4.25, "99%": 2.125, "median": 0.0625},
        dp=Estimate(-0.0125, 0.0005),
        dp_quantiles={},
        dp_rms=Estimate(0.0625, 0.001),
        same_top=Estimate(0.875, 0.002),
        seconds={},
        notes=("Two texts were cut.",),
    )


@pytest.fixture
def measured(comparison: Comparison) -> Comparison:
    speeds = {"Q4_1": 100.0, "Q8_0": 80.0, "Q2_K": 125.0}
    base = replace(comparison.base, profile=profile(speeds["Q4_1"]))
    candidates = tuple(
        replace(
            one,
            profile=profile(speeds[one.label], warnings=("The machine was busy.",)),
            divergence=distance(0.25) if one.label == "Q2_K" else None,
        )
        for one in comparison.candidates
    )
    return replace(comparison, base=base, candidates=candidates)


def test_costs_are_those_of_the_profiles(measured: Comparison) -> None:
    found = {cost.name: cost for cost in costs(subject_of(measured))}
    assert found["decode"].values == (100.0, 80.0, 125.0)
    assert found["decode"].heading == "writing, tg64, tokens/s"
    assert found["prefill"].values == (800.0, 800.0, 800.0)
    assert found["first"].values == (2.0, 2.0, 2.0)
    assert found["load"].values == (0.25, 0.25, 0.25)
    assert found["memory"].shown(0) == "123"
    assert found["cache"].shown(0) == "23.0"
    assert found["energy"].shown(2) == "0.125"
    assert "speed" not in found
    assert [cost.name for cost in found.values() if cost.drawn] == ["size", "decode"]


def test_bits_a_weight_are_those_of_the_profile_and_of_quantize(comparison: Comparison) -> None:
    base = comparison.base.results
    model = {**base.model, "file_bytes": 98_362_432, "weights_bytes": 96_576_768}
    results = replace(base, model=model)
    (bits,) = (cost for cost in costs(subject_of(results)) if cost.name == "bits")
    assert bits.shown(0) == "5.74"
    del model["weights_bytes"]  # as older results lack it
    assert "bits" not in {cost.name for cost in costs(subject_of(replace(base, model=model)))}


def test_a_cache_in_windows_is_not_all_that_a_token_takes(measured: Comparison) -> None:
    said = "KV cache a token: of the layers that keep every token; others keep a window."
    assert said not in list(cost_notes(subject_of(measured)))
    one = profile(1.0)
    windows = replace(one, memory=replace(one.memory, window_bytes_per_token=5, window_tokens=512))
    other = replace(measured, base=replace(measured.base, profile=windows))
    assert said in list(cost_notes(subject_of(other)))


def test_a_model_without_a_profile_has_no_speed(measured: Comparison) -> None:
    part = replace(measured, base=replace(measured.base, profile=None))
    (cost,) = (cost for cost in costs(subject_of(part)) if cost.name == "decode")
    assert math.isnan(cost.values[0])
    assert cost.shown(0) == "n/a"
    assert cost.values[1:] == (80.0, 125.0)
    assert "score against writing" not in to_html(part)


def test_the_page_shows_distances_and_what_disturbed(measured: Comparison) -> None:
    text = to_html(measured)
    assert "0.25000 ± 0.00125" in text
    assert "87.50 ± 0.20" in text
    assert "-1.250 ± 0.050" in text
    assert "4.25000" in text
    assert "5,100 positions (second half of each window) of wiki.txt." in text
    assert "Two texts were cut." in text
    assert "Q8_0 and Q2_K: The machine was busy." in text
    assert "against writing, tg64" in text


def test_speeds_of_runs_are_compared_on_the_same_machine_only(three: list[Results]) -> None:
    def speed(several: list[Results]) -> Cost:
        (found,) = (cost for cost in costs(subject_of(several)) if cost.name == "speed")
        return found

    work = three[0].work
    assert speed(three).values[0] == pytest.approx(work.tokens_decoded / work.seconds["decode"])
    assert speed(three).drawn
    elsewhere = replace(three[1], machine={"cpu": "another"})
    threads = replace(three[1], settings={"engine": {"n_threads": 1}})
    fast = replace(three[1], model={**three[1].model, "weights": {"mode": "fast"}})
    for other in (elsewhere, threads, fast):
        found = speed([three[0], other])
        assert not found.drawn
        assert "the speeds do not compare" in found.note
    assert "against speed" in to_html(three[:2])
    assert "against speed" not in to_html([three[0], elsewhere])


def test_tables_carry_what_was_measured(measured: Comparison) -> None:
    text = to_markdown(measured)
    assert "writing, tg64, tokens/s" in text
    assert "| 125.0 |" in text
    assert "- Q8\\_0 and Q2\\_K: The machine was busy." in text
    assert "- Bits a weight: of all tensors" in text
    assert "| mean KL divergence, nats | 0.25000 ± 0.00125 |" in text
    assert "nan" not in to_csv(measured)
