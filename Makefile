# The tasks of a developer; .ci/run calls the same ones. `make PYTHON=python3.12 test` picks an interpreter.
PYTHON ?= python

help:    ## list the tasks
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/: *##/\t/' | expand -t 12

build:   ## compile and install the package (half a minute: the kernel)
	$(PYTHON) -m pip install .

inplace: ## compile the kernel into the source folder, to work there with PYTHONPATH=$PWD
	$(PYTHON) setup.py build_ext --inplace

test:    ## the tests that the README's command runs
	pytest

slow:    ## the tests marked slow
	pytest -m slow

lint:    ## check format, style, types, and the workflow of CI
	ruff format --check .
	ruff check .
	cython-lint gensim_sent2vec/_kernel.pyx gensim_sent2vec/_kernel.pxd
	mypy
	check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

fix:     ## format, and mend what can be mended automatically
	ruff format .
	ruff check --fix .
	clang-format -i gensim_sent2vec/_cpp/*.hpp

docs:    ## build the pages into docs/_build
	sphinx-build -q -W docs docs/_build

bench:   ## speed of training, on a corpus: make bench CORPUS=corpus.txt
	$(PYTHON) benchmarks/train.py --corpus $(CORPUS)

.PHONY: help build inplace test slow lint fix docs bench
