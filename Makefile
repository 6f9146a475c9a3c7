# make demo   everything from raw frames to a tracked video, on generated data
# make test   the whole check; .ci/run calls it
# make check-evaluation   our measures beside those of the official evaluators (needs ../shared/check)
# make pictures   the pictures of README and docs/, from generated data
# make fix   what ruff can mend by itself
# make api   the reference of all public names, in build/api
# make audit   constraints.txt against known advisories; needs the network
# make venv   only the environment; the others make it when it is missing
PYTHON ?= python3
RUN = .venv/bin/python -m

.PHONY: demo test fix api audit venv check-evaluation pictures
.DELETE_ON_ERROR:

demo: venv
	$(RUN) examples.demo

test: venv
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(RUN) pytest -n 2 --dist loadfile

check-evaluation: venv
	$(RUN) evaluation.check

pictures: venv
	$(RUN) bench.pictures

fix: venv
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

api: venv
	$(RUN) docs.api

audit: .venv-audit/ready
	.venv-audit/bin/pip-audit --no-deps --requirement constraints.txt

.venv-audit/ready:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet pip-audit==2.10.1
	@touch $@

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11. Pass another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --constraint constraints.txt ".[s3,cluster,eval,export,dev]"
	@.venv/bin/python -c 'import cv2' 2>/dev/null || { \
	  version=$$(sed -n 's/^opencv-python-headless==//p' constraints.txt); \
	  echo "import cv2 fails (libGL.so.1 is missing?): opencv-python-headless $$version takes opencv-python's place"; \
	  .venv/bin/pip uninstall --quiet --yes opencv-python; \
	  .venv/bin/pip install --quiet --constraint constraints.txt opencv-python-headless; \
	  .venv/bin/python -c 'import cv2'; }
	@touch $@
