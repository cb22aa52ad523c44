"""A profile as people see it."""

from __future__ import annotations

from dataclasses import replace

from profile_example import example

from fastscore.profiling import Energy, FirstToken, Loading, Profile


def _line(profile: Profile, begin: str) -> str:
    return next(line for line in profile.table().splitlines() if line.startswith(begin))


def test_speeds_stand_below_their_headings() -> None:
    lines = example().table().splitlines()
    assert lines[0] == "Tiny 135M Q4_1 on Some CPU"
    assert lines[2].split() == ["test", "tokens/s", "stdev", "n", "J/token"]
    assert lines[4].split() == ["pp512", "190.00", "14.14", "2", "0.25"]
    assert _line(example(), "tg128 @ d1024").split()[-4:] == ["25.00", "n/a", "1", "n/a"]


def test_columns_that_say_nothing_are_left_out() -> None:
    speeds = tuple(replace(speed, joules_per_token=None) for speed in example().speeds)
    assert "J/token" not in example(speeds=speeds).table()
    one, two, *_ = speeds
    other = replace(one, workload=replace(one.workload, n_batch=128, n_ubatch=64))
    assert "128/64" in example(speeds=(one, other, two)).table()
    assert "2048/512" not in example(speeds=speeds).table()


def test_facts() -> None:
    profile = example()
    assert "2.60 s (stdev 0.14 s), prompt of 512 tokens" in _line(profile, "time to first token")
    assert _line(profile, "load").endswith("0.25 s, from the page cache")
    assert "200 MB, 50.0 MB of it before" in _line(profile, "peak memory")
    assert "23,040 bytes per token, 11.8 MB for 512 tokens" in _line(profile, "KV cache")
    assert "98.4 MB, 134,515,008 parameters, 5.74 bits per weight" in _line(profile, "file")
    assert _line(profile, "ran on").endswith(
        "CPU; 2 threads; flash attention auto; llama.cpp 0.5.0"
    )


def test_what_is_not_known_is_said_with_its_reason() -> None:
    profile = example(energy=Energy(None, "nobody can read it"), loading=Loading(0.05, None))
    assert _line(profile, "energy").endswith("not known: nobody can read it")
    assert _line(profile, "load").endswith("50.0 ms, from disk or page cache, as found")
    read = example(loading=Loading(1.0, 90_000_000))
    assert _line(read, "load").endswith("1.00 s, 90.0 MB of it from disk")
    hidden = replace(example().memory, kv_bytes_per_token=None)
    assert "llama.cpp does not describe" in _line(example(memory=hidden), "KV cache")


def test_memory_of_other_families() -> None:
    memory = replace(
        example().memory, window_bytes_per_token=512, window_tokens=1024, state_bytes=2_800_000
    )
    profile = example(memory=memory)
    assert "512 bytes per token in a window of 1,024 tokens" in _line(profile, "KV cache")
    assert _line(profile, "recurrent state").endswith("2.8 MB per text, whatever its length")


def test_a_cache_that_is_padded_says_so() -> None:
    # What is measured for SmolLM2-135M in a context of 32 tokens: 256 cells of 23,040 bytes.
    memory = replace(example().memory, n_ctx=32, kv={"CPU": 5_893_000})
    said = "5.9 MB for 32 tokens (room for 256: llama.cpp reserves it for 256 at a time)"
    assert said in _line(example(memory=memory), "KV cache")
    for other in (
        replace(memory, kv={"CPU": 737_280}),
        replace(memory, window_bytes_per_token=512, window_tokens=1024),
        example().memory,
    ):
        assert "room for" not in _line(example(memory=other), "KV cache")


def test_a_gpu_is_said_to_be_left_out_of_the_peak() -> None:
    settings = {**example().settings, "offloaded": [17, 25]}
    profile = example(settings=settings, devices=("CUDA0 (Some GPU)", "CUDA", "CPU"))
    assert _line(profile, "peak memory").endswith("the GPU's is not counted")
    assert "17 of 25 layers on the GPU" in _line(profile, "ran on")


def test_warnings_and_what_was_skipped() -> None:
    text = example().table()
    assert "The processor was slowed down against overheating.\n" in text
    assert text.endswith("Not run: pp512 @ d1024, it would not fit into 60 s.")


def test_a_narrow_terminal_wraps_texts_and_cuts_no_number() -> None:
    wide, narrow = example().table(), example().table(width=60)
    assert all(len(line) <= 60 for line in narrow.splitlines())
    assert wide.split() == narrow.split()


def test_terminals_and_browsers_act_on_no_name() -> None:
    model = {**example().model, "name": "<script>\x1b[2J"}
    profile = example(model=model, first_token=FirstToken(1, (1.0,)))
    assert "\x1b" not in profile.table()
    page = profile._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "190.00" in page
