# Every command of the house. `make` alone lists them.
#
# Each target first brings .venv up to date (scripts/bootstrap.sh), which takes no time when nothing changed.
# PYTHON=python3.12 names the interpreter that .venv is made with.
# ARGS passes arguments on: make test ARGS="tests/imap -k fetch", make run ARGS="--only web".

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo dev pins test test-long check lint format types contracts deploy-check migrations-check \
        templates-check settings-check openapi-check packages-check settings openapi rules words screenshots shell migrate bench clean

PY := .venv/bin/python
# Checks look at a default installation of their own: they neither need nor touch the data of a real one.
CHECKED := MAILHOST_DATA=build/check MAIL_HOSTNAME=mail.example.org

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start the whole service on loopback ports (first time: install, make keys, migrate)
	@scripts/bootstrap.sh run
	@exec $(PY) manage.py serve $(ARGS)

# A demo has a folder of its own and never the database of a real installation, whatever the shell says. Plain HTTP,
# because a browser would greet with a warning about the certificate; it listens on loopback only.
DEMO := env DEMO=true MAILHOST_DATA=var/demo DATABASE_URL= REDIS_URL= BLOB_URL= MAIL_HOSTNAME=mail.fernhill.example \
        WEB_TLS=off LOG_FORMAT=text LOG_LEVEL=warning

demo: ## make a demo (a dozen people, two thousand messages) and run it; anew: make demo ARGS=--fresh
	@scripts/bootstrap.sh run
	@exec $(DEMO) $(PY) manage.py demo $(ARGS)

dev: ## install what development and tests need
	@scripts/bootstrap.sh dev

test: dev ## run the tests, on SQLite and on Postgres with Redis
	@$(PY) tests/run.py $(ARGS)

test-long: dev ## also the long ones: races, fuzzing, the browser matrix
	@$(PY) tests/run.py --long $(ARGS)

# Each of them keeps one processor busy. What one of them says is shown at its end, not between the words of another.
CHECKS := types lint contracts deploy-check migrations-check templates-check settings-check \
          openapi-check packages-check
check: dev ## all that can be checked without running a test
	@$(MAKE) --no-print-directory --jobs=$$(nproc) --keep-going --output-sync=target $(CHECKS)

lint: dev ## style and common mistakes (ruff)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

format: dev ## put every file into the house's form, and mend what a tool can mend
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: dev ## mypy, strict
	$(PY) -m mypy .

contracts: dev ## who may import whom (import-linter)
	.venv/bin/lint-imports

deploy-check: dev ## Django's and our own checks of a deployed installation
	$(CHECKED) $(PY) manage.py check --deploy --fail-level WARNING

migrations-check: dev ## every change of a model has its migration
	$(CHECKED) $(PY) manage.py makemigrations --check --dry-run

# Left out: line breaks (H014, H015), a `type` on buttons that submit (H043: HTML's default), and what search engines read
# (H030, H031): a mail service has no page for them.
templates-check: dev ## the HTML templates (djlint)
	.venv/bin/djlint templates --lint --quiet --profile django --ignore H014,H015,H030,H031,H043

settings-check: dev ## docs/settings.md says what mailhost/env.py does
	$(PY) -m mailhost.env | diff -u docs/settings.md - || { echo "docs/settings.md is out of date: make settings"; exit 1; }

openapi-check: dev ## docs/openapi.json is what the doors of the API say
	@$(CHECKED) $(PY) -m scripts.openapi | diff -u docs/openapi.json - || { echo "docs/openapi.json is out of date: make openapi"; exit 1; }

packages-check: dev ## the installed packages fit each other
	$(PY) -m pip --disable-pip-version-check check

pins: dev ## write constraints.txt: what the pinned packages need themselves, pinned as well
	@{ grep '^#' constraints.txt; \
	  .venv/bin/uv pip compile -q --universal --python-version 3.11 --strip-extras --no-header --no-annotate \
	      --no-emit-index-url --no-emit-find-links --upgrade requirements-dev.txt | \
	  grep -vixF -f <(sed 's/\[.*\]//' requirements.txt requirements-dev.txt); \
	} >constraints.new && mv constraints.new constraints.txt

settings: dev ## write docs/settings.md
	$(PY) -m mailhost.env >docs/settings.md

openapi: dev ## write docs/openapi.json
	@$(CHECKED) $(PY) -m scripts.openapi >docs/openapi.new && mv docs/openapi.new docs/openapi.json

words: dev ## gather the words of the interface for translation, and compile the translations
	@$(CHECKED) $(PY) -m scripts.words

screenshots: dev ## take pictures of every page into docs/screenshots
	@$(PY) -m scripts.screens

rules: dev ## fill the tables of docs/spam-rules.md
	$(PY) -m scripts.rules_page

shell: ## a Python shell with the project loaded
	@scripts/bootstrap.sh run
	@$(PY) manage.py shell $(ARGS)

migrate: ## bring the database up to date
	@scripts/bootstrap.sh run
	@$(PY) manage.py migrate $(ARGS)

bench: dev ## measure against Postfix and Dovecot; see bench/README.md
	@$(PY) -m bench $(ARGS)

clean: ## remove caches and build products; .venv and the data in var/ stay
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
