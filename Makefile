# Every target is a command of llm_book/dev; `make help` says what each one does.
# Without make (on Windows): python -m llm_book.dev TARGET
PYTHON ?= python3

.PHONY: help book test test-twice outputs assets lint bench mutants clean address env
help book test test-twice outputs assets lint bench mutants clean address env:
	@command -v $(PYTHON) > /dev/null || { echo "$(PYTHON) was not found; install Python 3.11 or newer, or name yours: make $@ PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m llm_book.dev $@
