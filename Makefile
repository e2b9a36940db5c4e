# `make` alone says what there is. Everything is built in release: the kernels are too slow otherwise.
SWIFT ?= swift
# Where `make install` puts the program; DESTDIR stands before it.
PREFIX ?= /usr/local
export DESTDIR

# A folder of larger genuine fixtures; suites that need it are skipped, loudly, where it is not given.
ifdef FST_FIXTURES
export FST_FIXTURES
endif

.DEFAULT_GOAL := help
.PHONY: help setup lint build test test-cluster fuzz demo install uninstall clean

help:
	@echo 'make demo    install what is missing, build, attack and purify a small model: a table in minutes'
	@echo 'make test    install what is missing, lint, build, all tests, mpirun on 1, 2 and 4 ranks included'
	@echo 'make test-cluster   what clusters do to a run, on hosts made of network namespaces; needs root'
	@echo 'make fuzz SECONDS=60 TARGET=pickle   fuzz one reader, or all one after the other, for so long'
	@echo 'make build   the program in release: .build/release/fst'
	@echo 'make install PREFIX=/usr/local   the program, its manual page and its completions; uninstall too'
	@echo 'make setup   install the system packages that are missing, with apt'
	@echo 'make lint    check the format of Swift files, the order of folders, the documents and their links'
	@echo 'make clean   remove everything built'
	@echo
	@echo 'make test FST_FIXTURES=FOLDER also runs the suites that need larger fixtures.'

setup:
	@scripts/setup.sh

lint: setup
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift
	scripts/folders.py
	scripts/documents.py

build: setup
	$(SWIFT) build -c release --product fst

test: setup lint
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build

test-cluster: build
	@cluster/lab/test_cluster.py -v

fuzz: setup
	@scripts/fuzz.sh $(or $(SECONDS),60) $(TARGET)

demo: build
	@scripts/demo.sh

install: build
	@scripts/install.sh install .build/release/fst $(PREFIX)

uninstall:
	@scripts/install.sh uninstall .build/release/fst $(PREFIX)

clean:
	rm -rf .build .build-fuzz
