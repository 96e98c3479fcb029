# One line a target; `make help` shows them. Everything runs in .venv, which the first target makes.
PY ?= python3
V := .venv/bin
SHELL := /bin/bash
WORKERS ?= 2
ONLY ?=

.DEFAULT_GOAL := help
.PHONY: help demo run sandbox test lint type fmt bench interop crash fuzz soak proto generate check-generated docs install uninstall clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.venv/.run: pyproject.toml
	$(PY) -m venv .venv && $(V)/python -m pip install -q --disable-pip-version-check -e . && touch $@

.venv/.test: .venv/.run
	$(V)/python tests/tools/install_groups.py test && touch $@

.venv/.lint: .venv/.test
	$(V)/python tests/tools/install_groups.py lint && touch $@

.venv/.proto: .venv/.run
	$(V)/python tests/tools/install_groups.py proto && touch $@

demo: .venv/.run ## pair, write, answer, kill -9, come back: the main job against the built-in sandbox
	@$(V)/python -m tests.demo

run: .venv/.run ## the daemon, on the real WhatsApp; pair it from another terminal
	@$(V)/waconnd serve

sandbox: .venv/.run ## the daemon on a WhatsApp of its own, with ada's phone linked: write to bob from another terminal
	@$(V)/waconnd serve --sandbox & daemon=$$!; trap 'kill $$daemon 2>/dev/null; wait $$daemon' INT TERM; \
	$(V)/waconnd sandbox link ada && echo 'Now, in another terminal:  $(V)/waconnd send +15550100001 "hello bob"'; wait $$daemon

test: .venv/.test ## all tests, with the short forms of crash, kill and soak
	$(V)/python -m pytest -n $(WORKERS) --dist loadfile -q -m "not slow and not interop"

lint: .venv/.lint ## ruff: rules and format
	$(V)/ruff check . && $(V)/ruff format --check .

type: .venv/.lint ## mypy --strict over both packages
	$(V)/mypy

fmt: .venv/.lint ## format and fix what can be fixed
	$(V)/ruff format . && $(V)/ruff check --fix .

bench: .venv/.test ## one table of measurements; ONLY=pattern runs a part
	$(V)/python -m tests.bench "$(ONLY)"

interop: .venv/.test ## real Baileys against the sandbox (needs node and npm)
	$(V)/python -m pytest -q -m interop tests/interop

crash: .venv/.test ## 20,000 power cuts on a model disk, each fsync removed in turn, a real daemon killed 300 times
	$(V)/python -m pytest -q -m slow -s tests/crash

fuzz: .venv/.test ## time-boxed fuzzing of every parser that reads foreign bytes
	$(V)/python -m tests.fuzz

soak: .venv/.test ## ten minutes of faults, twenty accounts
	$(V)/python -m pytest -q -m slow -s tests/soak

proto: .venv/.proto ## regenerate protocol/pb from its .proto files
	$(V)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. protocol/pb/*.proto

generate: .venv/.test ## regenerate reference pages, client and completion from the declarations
	$(V)/python -m tests.tools.generate

check-generated: .venv/.proto .venv/.test ## fail when a generated file is stale
	$(V)/python -m tests.tools.generate --check

docs: generate ## the same as generate: docs are text files

install: ## as a system service, below /opt/waconnd (root); upgrades in place
	@contrib/systemd/install.sh install

uninstall: ## take the service away; accounts stay unless PURGE=1
	@contrib/systemd/install.sh uninstall

clean: ## remove what the other targets made
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/interop/node_modules
