# Every target does its own set-up; nothing needs to be done by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 7071
DATA ?= .data
JUDGEMENT ?= short
LOAD ?= short
RUNS ?= 2500
SEED ?= 1
N ?= 2000
WORKERS ?= 4
KILLS ?= 200
ROLLOUTS ?= 20
MINUTES ?= 10
MUTATIONS ?= 100000
CRASHES ?= 1
LOCKS ?= 0
STALLS ?= 0
BEGAN := $(shell date +%s)

.PHONY: demo serve test test-long check bench simulate fuzz faults model cost clean setup-local setup-dev setup-fuzz

demo: setup-local  ## the main job, told as a story (STORY=blue-green: another one)
	@$(BIN)/python -m local.demo --began $(BEGAN) $(if $(STORY),--story $(STORY))

serve: setup-local  ## the local stack, kept running (PORT=, DATA=; EMPTY=1: without the shop, for a restore)
	@$(BIN)/python -m local.serve --port $(PORT) --data $(DATA) $(if $(EMPTY),--empty)

# Tests mostly wait, so there are more workers than processors; a file stays with one worker, for what its tests share.
# The order of folders is kept: the short files are the last, so that the workers end together. Processes that tests
# start would be compiled anew each time where Python is told to write no bytecode.
test: setup-dev  ## all tests (WORKERS=)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-long: setup-dev  ## what takes too long for every change
	@$(BIN)/python -m pytest -m long

check: setup-dev  ## format, lint, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup-dev  ## measurements, never a test (LOAD=full: 10,000 live rollouts too, LOAD=only: nothing else; JSON=1; JUDGEMENT=full: the whole table of the judgement, resumable, hours)
ifeq ($(JUDGEMENT),full)
	@$(BIN)/python -m tests.simulation.judgement --cells full --runs $(RUNS) --seed $(SEED) --write docs/judgement-figures.md
else
	@$(BIN)/python -m tests.bench --load $(LOAD) $(if $(JSON),--json)
endif

fuzz: setup-fuzz  ## parsers under hypothesis and atheris, routes, damaged specs (MINUTES= a parser, PARSER=, SEED=, MUTATIONS=, JSON=1); a night by default
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --seed $(SEED) --mutations $(MUTATIONS) $(if $(PARSER),--parser "$(PARSER)") $(if $(JSON),--json)

# Of the faults, the kills come first: what they print is a table, or JSON alone.
faults: setup-dev  ## the real host killed over a run of rollouts, then full disks, damaged files, clocks that step (KILLS=, ROLLOUTS=, SEED=, JSON=1)
	@$(BIN)/python -m tests.faults --kills $(KILLS) --rollouts $(ROLLOUTS) --seed $(SEED) $(if $(JSON),--json)
ifndef JSON
	@$(BIN)/python -m pytest -q -m "" tests/faults --ignore tests/faults/test_kills.py
endif

model: setup-dev  ## every interleaving of two workers, to the last state (CRASHES=, LOCKS=, STALLS=, SCENARIO=, JSON=1)
	@$(BIN)/python -m tests.simulation.model --crashes $(CRASHES) --locks $(LOCKS) --stalls $(STALLS) $(if $(SCENARIO),--scenario "$(SCENARIO)") $(if $(JSON),--json)

cost: setup-dev  ## count what releases ask of Azure, and write docs/cost.md (JSON=1: print the numbers instead)
	@$(BIN)/python -m tests.bench.cost $(if $(JSON),--json,--write docs/cost.md)

simulate: setup-dev  ## the control plane in simulated worlds under faults (N=, SEED=; REPLAY=a seed or file, SHRINK=1; DEFECTS=1, or a name; JSON=1; ON=an interpreter)
	@$(if $(ON),PYTHONPATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') $(ON),$(BIN)/python) -m tests.simulation.protocol --count $(N) --seed $(SEED) $(if $(REPLAY),--replay "$(REPLAY)") \
		$(if $(SHRINK),--shrink) $(if $(DEFECTS),--defects "$(DEFECTS)") $(if $(KEEP),--keep) $(if $(JSON),--json) $(if $(FRESH),--fresh)

clean:
	rm -rf $(VENV) .cache .data .data-*

setup-local: $(VENV)/local.stamp
setup-dev: $(VENV)/dev.stamp
setup-fuzz: $(VENV)/fuzz.stamp

$(VENV)/local.stamp: requirements.txt requirements-local.txt
	@echo "installing into $(VENV), which takes about half a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-local.txt
	@touch $@

$(VENV)/dev.stamp: $(VENV)/local.stamp requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(VENV)/fuzz.stamp: $(VENV)/dev.stamp requirements-fuzz.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-fuzz.txt
	@touch $@
