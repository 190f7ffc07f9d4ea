# `make demo` runs the main job, `make test` runs the tests: both start from a bare machine. `make up` is the service
# with PostgreSQL, Redis and Docker sandboxes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.PHONY: demo test lint check-labs image lock audit clean up down secrets
.DELETE_ON_ERROR:

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

# nightly: the channel between judge and guest against anything at all (MINUTES of CPU time, SEED of the first round),
# then every known answer, right and wrong, over the channel and at home
MINUTES ?= 10
.PHONY: fuzz
fuzz: $(VENV)/ready
	PYTHONPATH=.:labs nice $(BIN)/python -W error -m tests.fuzz.campaign --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	GRADER_TEST_EVERY_ANSWER=1 nice $(BIN)/python -m pytest -q tests/fuzz/test_same_as_home.py

# the image of the Docker sandbox; bubblewrap needs none
image: $(VENV)/ready
	$(BIN)/grader doctor --build-image

# The versions and the content of what the images install: run it to take in newer ones, then look at the difference.
LOCK := /tmp/grader-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock:
	$(PYTHON) -m venv /tmp/grader-lock && /tmp/grader-lock/bin/pip install --quiet uv
	$(LOCK) --upgrade --extra docker --extra postgres pyproject.toml -o grader/requirements.lock
	echo 'hatchling>=1.27' | $(LOCK) -c grader/requirements.lock - -o grader/build.lock
	printf 'numpy\npytest\npytest-json-report\n' | $(LOCK) -c grader/requirements.lock - -o worker/images/requirements.lock

# known vulnerabilities in what is locked: nightly, for it asks a public service (SECURITY.md)
audit:
	$(PYTHON) -m venv /tmp/grader-audit && /tmp/grader-audit/bin/pip install --quiet pip-audit
	for lock in grader/requirements.lock grader/build.lock worker/images/requirements.lock; do \
		/tmp/grader-audit/bin/pip-audit --disable-pip --require-hashes -r $$lock || exit 1; done

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docker,postgres,dev]"
	touch $@

# vLLM for CPUs in an environment of its own, 2.2 GB: the tests marked vllm run a real engine in it. The pins are what a
# text-only EAGLE run imports; pip would resolve to CUDA builds of libraries that it does not need.
.venv-vllm/ready: worker/engine/requirements-cpu.txt
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

# bubblewrap where it is missing and can be had; `grader doctor` explains what is left to do
.PHONY: sandbox
sandbox: $(VENV)/ready
	@command -v bwrap >/dev/null || ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ] || \
		(apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null)
	@$(BIN)/grader doctor --quiet

# compose.yaml, from nothing to a link that logs the instructor in; needs Docker alone
up: secrets
	$(COMPOSE) build
	$(COMPOSE) up -d || { $(COMPOSE) logs --tail=50; exit 1; }
	@echo "waiting for the worker; at its first start it builds the sandbox's image, which takes minutes"
	@for _ in $$(seq 450); do \
		state=$$(docker inspect -f '{{.State.Health.Status}}' $$($(COMPOSE) ps -q worker-cpu | head -1)); \
		[ "$$state" = starting ] || break; sleep 2; \
	done; [ "$$state" = healthy ] || { $(COMPOSE) logs --tail=50 worker-cpu; exit 1; }
	@$(COMPOSE) exec -T grader grader course link instructor

down:
	$(COMPOSE) down

# Random values that no file under version control has. Each is made once and never changed. The containers' users
# read their own copy; on this machine nobody else can enter the folder.
SECRETS := $(addprefix .secrets/,postgres_password redis_conf grader_database grader_broker grader_worker_token grader_key)
secrets: $(SECRETS) .env

.secrets:
	@install -d -m 0700 $@

.secrets/postgres_password .secrets/redis_password .secrets/grader_worker_token .secrets/grader_key: | .secrets
	@od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >$@ && chmod 0444 $@

.secrets/redis_conf: | .secrets/redis_password
	@echo "requirepass $$(cat .secrets/redis_password)" >$@ && chmod 0444 $@

.secrets/grader_broker: | .secrets/redis_password
	@echo "redis://:$$(cat .secrets/redis_password)@redis:6379/0" >$@ && chmod 0444 $@

.secrets/grader_database: | .secrets/postgres_password
	@echo "postgresql+psycopg://grader:$$(cat .secrets/postgres_password)@postgres:5432/grader" >$@ && chmod 0444 $@

# which group may talk to the Docker engine, for the workers
.env:
	@echo "DOCKER_GID=$$(stat -c %g /var/run/docker.sock 2>/dev/null || echo 0)" >$@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache labs/.results
