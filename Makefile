# Two commands on a fresh machine: `make lab` opens the course, `make test` tests it.
# `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
# The address that pytorch.org's "Get started" selector prints after --index-url.
TORCH_INDEX ?=
# More arguments for pytest (`make test PYTEST_ARGS="-k audit"`) and for `fairtutor lab`.
PYTEST_ARGS ?=
LAB_ARGS ?=

IN_VENV := $(VENV)/bin/python
STAMP := $(VENV)/fairtutor-installed
TORCH := $(shell grep '^torch==' constraints.txt)
CHAPTERS := $(wildcard chapters/*.ipynb)

# One worker runs all cells of one notebook; lax compares the cells tagged as checked.
PARALLEL := -n 2 --dist loadfile
NOTEBOOKS := --nbval-lax --nbval-current-env --nbval-cell-timeout=120 \
	--nbval-kernel-startup-timeout=180 --nbval-sanitize-with=tests/sanitize.cfg
# One thread for each worker and its kernels: threads that share a core wait for each
# other, and training takes ten times as long.
PYTEST := OMP_NUM_THREADS=1 $(IN_VENV) -m pytest $(PARALLEL) $(NOTEBOOKS)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-all test-gpu chapters exercises benchmarks site slides hub hub-setup hub-stop lint pins clean

help:  ## say what each command does
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' \
		| expand -t 18
	@echo
	@echo "  PYTHON=python3.12  choose the Python       VENV=folder  choose the environment"
	@echo "  TORCH_INDEX=url    choose the torch: the address that pytorch.org prints"

setup: $(STAMP)  ## make the environment and install everything into it
	@echo "The environment $(VENV) is ready."

$(STAMP): pyproject.toml constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo "FAIL  There is no program named" \
		"$(PYTHON). Fix: install Python 3.11 or newer, or add PYTHON=name." >&2; exit 1; }
	@"$(PYTHON)" scripts/check_machine.py "$(VENV)"
	@echo "1 of 4  Making the virtual environment $(VENV) with $$("$(PYTHON)" --version)"
	@test -x "$(IN_VENV)" || "$(PYTHON)" -m venv "$(VENV)"
	@echo "2 of 4  Installing $(TORCH), the largest part: 0.2 GB for the CPU, more with CUDA"
	@$(IN_VENV) -m pip install -q $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@echo "3 of 4  Installing fairtutor and what else it needs, at the pinned versions"
	@$(IN_VENV) -m pip install -q -c constraints.txt -e '.[dev]'
	@echo "4 of 4  Registering the Jupyter kernel fairtutor in $(VENV)"
	@$(IN_VENV) -m ipykernel install --sys-prefix --name fairtutor \
		--display-name fairtutor >/dev/null
	@touch "$@"

lab: setup  ## open the course in JupyterLab
	@$(VENV)/bin/fairtutor lab $(LAB_ARGS)

test: setup  ## run the tests: library, doctests, chapters, solutions, browser
	@echo "Running the tests on 2 processes; the chapters take longest."
	@$(PYTEST) -m "not long" $(PYTEST_ARGS)

test-all: setup hub-setup  ## run those and what takes minutes: a class of 25, graded
	@echo "Running every test on 2 processes."
	@$(PYTEST) $(PYTEST_ARGS)

test-gpu: setup  ## run the chapters and the library's tests with training on the GPU
	@echo "Running the chapters and the library's tests, with training on the GPU."
	@FAIRTUTOR_DEVICE=cuda $(VENV)/bin/fairtutor doctor
	@FAIRTUTOR_DEVICE=cuda $(PYTEST) -m "not slow and not browser and not long" $(PYTEST_ARGS)

chapters: setup  ## execute the chapters again and write their outputs
	@$(IN_VENV) scripts/execute_chapters.py $(CHAPTERS)

exercises: setup  ## execute the solutions and make the exercises of them
	@$(IN_VENV) scripts/execute_chapters.py solutions/*.ipynb
	@$(VENV)/bin/fairtutor exercises build

site: setup  ## make the static site of chapters, exercises and reference, in build/site
	@$(IN_VENV) scripts/build_site.py

slides: setup  ## make the slides of the workshop, in build/slides
	@$(IN_VENV) scripts/build_slides.py

benchmarks: setup  ## measure speed beside other libraries, in build/peers (50 minutes)
	@test -x build/peers/bin/python || "$(PYTHON)" -m venv build/peers
	@build/peers/bin/python -m pip install -q $(TORCH)
	@build/peers/bin/python -m pip install -q -e . -r benchmarks/requirements.txt
	@build/peers/bin/python benchmarks/group_metrics.py
	@build/peers/bin/python benchmarks/erasure.py
	@-build/peers/bin/python benchmarks/individual_audit.py
	@build/peers/bin/python benchmarks/training.py
	@build/peers/bin/python benchmarks/prototypes.py
	@build/peers/bin/python benchmarks/lipschitz_layers.py
	@build/peers/bin/python benchmarks/lipschitz_digits.py
	@-build/peers/bin/python benchmarks/distance.py
	@build/peers/bin/python benchmarks/sensei.py
	@build/peers/bin/python benchmarks/consistency.py --peers product faiss sklearn aif360

hub-setup: setup
	@$(IN_VENV) -m pip install -q -c constraints.txt -e '.[hub]'

hub: hub-setup  ## run a JupyterHub for a workshop on this machine; see hub/README.md
	@$(IN_VENV) hub/start.py

hub-stop: setup  ## end that hub with every participant's server
	@$(IN_VENV) hub/start.py stop

lint: setup  ## check style and format of code and chapters
	@$(IN_VENV) -m ruff check .
	@$(IN_VENV) -m ruff format --check .

pins: setup  ## pin the newest versions of everything but torch in constraints.txt
	@echo "Installing the newest versions into build/pins, then writing constraints.txt"
	@rm -rf build/pins && "$(PYTHON)" -m venv build/pins
	@build/pins/bin/python -m pip install -q $(TORCH)
	@build/pins/bin/python -m pip install -q -e '.[dev,hub]'
	@{ grep '^#' constraints.txt; build/pins/bin/python -m pip freeze --exclude-editable \
		| sed -E 's/\+[a-z0-9.]+$$//'; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt

clean:  ## remove the environment
	rm -rf "$(VENV)"
