# Two commands: `make demo` runs the main job, `make test` runs the tests. Both start from a bare machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint check-labs image clean

demo: $(VENV)/ready sandbox
	$(BIN)/python -m grader demo

test: $(VENV)/ready sandbox
	$(BIN)/python -m pytest $(TESTS)

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# every lab's solution, starter and mutants over many seeds: run before a lab opens
check-labs: $(VENV)/ready sandbox
	$(BIN)/grader check-lab --all --seeds 200

# the image of the Docker sandbox; bubblewrap needs none
image: $(VENV)/ready
	$(BIN)/grader doctor --build-image

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docker,dev]"
	touch $@

# bubblewrap where it is missing and can be had; `grader doctor` explains what is left to do
.PHONY: sandbox
sandbox: $(VENV)/ready
	@command -v bwrap >/dev/null || ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ] || \
		(apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null)
	@$(BIN)/grader doctor --quiet

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache labs/.results
