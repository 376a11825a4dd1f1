# The commands of this repository. `make` and `git` are all that has to be there before.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
COMPOSE = .venv/bin/python -m compose
export GAMETRIGGERS_STARTED_AT := $(shell date +%s.%N)
# Neither make's own flags nor its job server are anybody's business further down.
unexport MAKEFLAGS MFLAGS MAKELEVEL

.PHONY: help setup run up down restart status logs demo shell admin client test check bench chaos fuzz fmt lock clean

help:
	@echo "make run     set up, start the platform, run the demo      make test [SERVICE=campaign]"
	@echo "             with TLS=1: client certificates for the broker"
	@echo "make down    stop what was started                         make check"
	@echo "make restart [SERVICE=campaign]   without a failed request"
	@echo "make status [JSON=1]                                       make fmt"
	@echo "make logs SERVICE=campaign [FOLLOW=0]                      make lock"
	@echo "make bench [ROWS=rpc_latency_vs_stock] [ROUNDS=5]"
	@echo "make chaos [ROWS=consumers] [SEED=7] [COUNT=1000]"
	@echo "make fuzz [EXAMPLES=200] [KIND=brand] [PART=2/5]   Schemathesis, against the running platform"
	@echo "make demo    again, against the running platform           make shell"
	@echo "make client  the TypeScript client, compiled (the platform has to run)"
	@echo "make clean   stop, and remove what it stored               make admin EMAIL=..."

setup:
	@[ -n "$(PYTHON)" ] || compose/install-python.sh
	@$(or $(PYTHON),python3) -m compose.setup

run: setup
	@$(COMPOSE) run

up: setup
	@$(COMPOSE) up

down:
	@if [ -x .venv/bin/python ]; then $(COMPOSE) down; else echo "Nothing was running."; fi

restart: setup
	@$(COMPOSE) restart $(SERVICE)

status: setup
	@$(COMPOSE) status $(if $(JSON),--json)

logs: setup
	@$(COMPOSE) logs $(SERVICE) $(if $(filter 0,$(FOLLOW)),,--follow)

demo: setup
	@$(COMPOSE) demo

shell: setup
	@$(COMPOSE) shell

admin: setup
	@if [ -z "$(EMAIL)" ]; then echo "Say whose: make admin EMAIL=you@example.com"; exit 1; fi
	@$(COMPOSE) admin "$(EMAIL)"

client: setup
	@$(COMPOSE) client

test: setup
	@$(COMPOSE) test $(SERVICE)

check: setup
	@$(COMPOSE) check

# ROWS="rpc_latency_vs_stock start" runs these alone; ROUNDS=3 makes it shorter.
bench: setup
	@ROUNDS=$(ROUNDS) $(COMPOSE) bench $(ROWS)

# ROWS="consumers poison" runs these alone; SEED= repeats a run; COUNT= makes it shorter or longer.
chaos: setup
	@SEED=$(SEED) COUNT=$(COUNT) $(COMPOSE) chaos $(ROWS)

# Against the platform that runs. EXAMPLES= per operation; SEED= repeats a run. KIND="brand,api key", ONLY=wallet (a
# pattern in the path) and PART=2/5 (of the operations) make it less.
fuzz: setup
	@EXAMPLES=$(EXAMPLES) SEED=$(SEED) KIND="$(KIND)" ONLY="$(ONLY)" PART=$(PART) $(COMPOSE) fuzz

fmt: setup
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

UV_COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

# With UPGRADE=1 it takes newer versions; otherwise what is locked stays as it is.
lock: setup
	@$(UV_COMPILE) $(if $(UPGRADE),--upgrade) requirements-bootstrap.in -o requirements-bootstrap.lock
	@$(UV_COMPILE) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.lock
	@$(UV_COMPILE) $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.lock

clean:
	@if [ -x .venv/bin/python ]; then RUN_DIR=.run/test $(COMPOSE) clean; $(COMPOSE) clean; fi
	@rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
