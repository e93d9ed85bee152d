.DEFAULT_GOAL := help
PYTHON ?= python3
NOTEBOOKS ?= $(wildcard chapters/*.ipynb appendix/*.ipynb)
BENCHMARKS ?= $(addprefix benchmarks/, allocation.py assistant.py cold_start.py \
	cross_platform.py explain.py fairness.py features.py few_labels.py growth.py contest.py \
	contest_truth.py listening.py monitoring.py off_policy.py prices.py pricing.py \
	privacy.py promises.py scale.py serving.py text_and_images.py training.py uplift.py)
BIN := .venv/bin
PACKAGE := pyproject.toml requirements.txt
# Three workers, a file each, keep two cores busy; conftest.py puts the longest files first.
PYTEST := $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=30
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.txt

export TF_CPP_MIN_LOG_LEVEL := 3
unexport PYTHONDONTWRITEBYTECODE  # or each process of the tests would compile all modules

.PHONY: help book test test-slow test-processors test-package quick default lab pdf lighthouse notebooks workshop slides wheelhouse \
	models check format lint types audit bench page-model report-page lock clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "make %-15s %s\n", $$1, $$2 }'

book: .venv/.book  ## build the book as HTML and say where to open it
	@test -e _build/html/searchindex.js || rm -rf _build/.doctrees
	@$(BIN)/jupyter-book build -W -n --keep-going . || { rm -rf _build/.doctrees; exit 1; }
	@echo "Open file://$(CURDIR)/_build/html/index.html"

test: .venv/.test .venv/.node  ## prove what protects users, the book and every notebook
	@failed=; \
	$(MAKE) --no-print-directory --keep-going -j2 format lint types book || failed=" checks or book"; \
	echo "== pytest"; \
	$(PYTEST) -m "not slow" || failed="$$failed pytest"; \
	test -z "$$failed" || { echo "make test: failed:$$failed" >&2; exit 1; }

test-slow: .venv/.slow .venv/.node book  ## prove the rest: Spark's whole path, PDF, slides, fresh installs, soaks, refits
	@$(PYTEST) -n 4 -m slow  # much of it waits: for browsers, installs, Spark

test-processors: .venv/.test  ## run the notebooks as other processors would (an hour)
	@$(BIN)/python tools/processors.py $(if $(filter command line,$(origin NOTEBOOKS)),$(NOTEBOOKS))

test-package: .venv/.test  ## test the package alone, without the pages, the notebooks and what is slow
	@$(PYTEST) tests --ignore tests/book -m "not slow"

quick: check  ## check, and the tests of the files that take a few seconds
	@$(PYTEST) --durations=0 --durations-min=2 --quick -m "not slow"

default: .venv/.book  ## fit the default model again and keep it in data/default
	@$(BIN)/python -m coupon_rec.book.prelude

lab: .venv/.book  ## open the chapters in JupyterLab
	@$(BIN)/jupyter lab chapters

pdf: .venv/.test book  ## print the whole book as one PDF (needs Chromium)
	@$(BIN)/python tools/pdf.py

lighthouse: .venv/.test .venv/.node book  ## let Lighthouse judge every page, as a phone and a desktop
	@$(BIN)/python tools/lighthouse.py

notebooks: .venv/.book  ## run the chapters in place, measure them, write appendix/status.md
	@$(BIN)/python tools/notebooks.py run $(NOTEBOOKS)

workshop: .venv/.book  ## write notebooks without solutions, quizzes to print, and a zip of all
	@PYTHONPATH=_ext $(BIN)/python tools/workshop.py

slides: book .venv/.node  ## make a deck of slides of each chapter (needs npm)
	@$(BIN)/python tools/slides.py

models: .venv/.python  ## fetch what some cells read and the lock cannot hold, into data/models
	@$(BIN)/python tools/fetch_models.py

wheelhouse: .venv/.python  ## download what make book installs, and the small model, for machines without a network
	@$(BIN)/python tools/fetch_models.py --wheels _build/wheelhouse
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check -c requirements.txt \
		-w _build/wheelhouse '.[book,assistant]' hatchling editables
	@rm -f _build/wheelhouse/coupon_rec-*
	@echo "$$(du -sm _build/wheelhouse | cut -f1) MB in _build/wheelhouse, for this system and Python."
	@echo "Copy it to where there is no network. There: PIP_NO_INDEX=1 PIP_FIND_LINKS=_build/wheelhouse make book"

check: .venv/.test  ## format, lint and types only
	@$(MAKE) --no-print-directory --keep-going format lint types

format: .venv/.test
	@$(BIN)/ruff format --check

lint: .venv/.test
	@$(BIN)/ruff check
	@$(BIN)/lint-imports

types: .venv/.test
	@$(BIN)/mypy

# --strict: a package of which nothing can be found out is an error, and not "no vulnerabilities".
audit: .venv/.test  ## look up every pinned package in the databases of vulnerabilities (needs a network)
	@$(BIN)/uv tool run --quiet pip-audit --strict --progress-spinner off --no-deps --disable-pip -r requirements.txt
	@cd tools/node && npm audit --package-lock-only

bench: .venv/.bench  ## run every benchmark and store its result in benchmarks/results/
	@mkdir -p benchmarks/results; \
	failed=; \
	for script in $(BENCHMARKS); do \
		echo "== $$script"; \
		$(BIN)/python $$script || failed="$$failed $$script"; \
	done; \
	test -z "$$failed" || { echo "make bench: failed:$$failed" >&2; exit 1; }

page-model: .venv/.book  ## train the model that runs in the book's page, and write its script
	@mkdir -p _build/page-model
	@$(BIN)/python -m coupon_rec train _build/page-model/model.keras \
		--train-from 2017-01-15 --validate-from 2017-09-01 --test-from 2017-10-01
	@$(BIN)/python -m coupon_rec export _build/page-model/model.keras _build/page-model/bundle \
		--validate-from 2017-09-01 --test-from 2017-10-01
	@$(BIN)/python tools/page_model.py _build/page-model/bundle

report-page: .venv/.book  ## write the example of `python -m coupon_rec report`
	@$(BIN)/python -m coupon_rec report data/default/model-0.keras _static/report/sample.html \
		--validate-from 2017-09-01 --test-from 2017-10-01

lock: .venv/.test  ## compile requirements.txt from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
		pyproject.toml -o requirements.txt

clean:  ## remove what was built; .venv stays
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/.python:
	@for python in $(PYTHON) python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
			2> /dev/null; then \
			echo "Creating .venv with $$($$python --version)"; \
			$$python -m venv .venv && touch $@; exit; \
		fi; \
	done; \
	echo "The book needs Python 3.11, 3.12 or 3.13; '$(PYTHON)' is not one of them." >&2; \
	echo "Install one from https://www.python.org/downloads/ or your package manager," >&2; \
	echo "or name one you have: make book PYTHON=/path/to/python3.12" >&2; \
	exit 1

.venv/.book: .venv/.python $(PACKAGE)
	@echo "Installing the packages of the book (3.1 GB on disk, about 3 minutes the first time)"
	@$(INSTALL) -e '.[book]'
	@touch $@

.venv/.test: .venv/.python $(PACKAGE)
	@echo "Installing the packages of the book and its tests (5.3 GB on disk, about 5 minutes the first time)"
	@$(INSTALL) -e '.[book,test,spark,assistant]'
	@touch $@ .venv/.book

# JAX apart: where it is, each import of TensorFlow imports it too, a fifth of the time.
.venv/.slow: .venv/.test
	@$(INSTALL) -e '.[cluster]'
	@touch $@

.venv/.node: .venv/.python tools/node/package-lock.json
	@if command -v npm > /dev/null; then \
		echo "Installing the judges of the pages (npm, 0.2 GB on disk)"; \
		cd tools/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch ../../$@; \
	else \
		echo "No npm: axe, Lighthouse and the Nu HTML checker will be skipped." >&2; \
	fi

.venv/.bench: .venv/.test
	@echo "Installing the peers of the book's model (1 GB on disk)"
	@$(INSTALL) -e '.[bench]'
	@touch $@
