# Tenon's front door; CMake and Ninja do the work. `make help` lists what there is.
#
#   LLVM=22       builds against that version of LLVM, in a build folder of its own
#   SANITIZE=1    builds with the address and undefined-behaviour sanitizers, likewise
#   TASK=name     one exercise of a lesson
#   FILTER=part   `make bless` only for tests with this in their path
.DEFAULT_GOAL := build
.SUFFIXES:
.SECONDARY:
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

BUILD := build$(if $(SANITIZE),-sanitize)$(if $(LLVM),-llvm$(LLVM))
OPTIONS := $(if $(SANITIZE),-DTENON_SANITIZE=ON) $(if $(LLVM),-DTENON_LLVM=$(LLVM))
TENON := $(BUILD)/bin/tenon
NINJA = cmake --build $(BUILD) --parallel $(shell nproc)
export LLVM

.PHONY: build deps test test-gpu test-gpu-bundle gpu-bundle test-long verify-rules demo bless docs-update fuzz fuzz-files bench bench-gpu bench-compile \
        bench-scalar lessons-check lessons-update format clean help

build: $(BUILD)/build.ninja ## build/bin/tenon (also: just `make`)
	@$(NINJA) --target tenon

deps: ## installs what is missing (root or sudo), silent if nothing is
	@scripts/install-deps.sh

$(BUILD)/build.ninja: | deps
	@cmake -S . -B $(BUILD) -G Ninja $(OPTIONS)

test: $(BUILD)/build.ninja ## everything: units, goldens, all engines against each other, lessons
	@$(NINJA)
	@scripts/test.sh $(BUILD)

# What needs a GPU ends with 77 where there is none, and has said so: for make that is no error.
OR_SKIPPED = || [ $$? -eq 77 ]

test-gpu: build ## every program on this machine's GPU, against cpu, sim and ncu; skipped where there is none
	@(scripts/test-gpu.sh $(TENON) && $(MAKE) test-gpu-bundle) $(OR_SKIPPED)

test-gpu-bundle: gpu-bundle
	@tar -C $(BUILD) -xzf $(BUILD)/gpu-bundle.tar.gz
	@$(MAKE) -C $(BUILD)/gpu-bundle test-gpu

gpu-bundle: build ## build/gpu-bundle.tar.gz: the same for a machine that has a GPU and a C++ compiler
	@scripts/gpu-bundle.sh $(TENON) $(BUILD)/gpu-bundle.tar.gz

test-long: $(BUILD)/build.ninja ## what takes an hour: every f32 input of every function, every exercise's grader
	@$(NINJA) --target tenon tenon_accuracy tenon_lessons
	@$(BUILD)/bin/tenon_lessons --build=$(BUILD) prove
	@$(BUILD)/bin/tenon_accuracy $(TENON) --all --table

verify-rules: $(BUILD)/build.ninja ## proves every rewrite rule with Z3, at every width; records what it could
	@$(NINJA) --target tenon_rules
	@$(BUILD)/bin/tenon_rules --all

# ---- the demo

DIGITS := examples/digits/digits.tn
STAGES := tokens ast types ir opt-ir loops llvm asm

demo: build ## reads 1,797 handwritten digits with a small network
	@$(TENON) run $(DIGITS)
	@mkdir -p build/demo
	@for stage in $(STAGES); do $(TENON) emit $$stage $(DIGITS) -o build/demo/digits.$$stage || exit 1; done
	@echo
	@echo "The forms on the way from text to machine code are in build/demo/, in this order:"
	@echo "  $(STAGES:%=digits.%)"

# ---- tests and lessons

RECORD = --bless $(FILTER:%=--filter=%)

bless: $(BUILD)/build.ninja ## what the tests print now is right: records it (then read git diff)
	@$(NINJA) --target tenon tenon_golden tenon_agree tenon_fix
	@$(BUILD)/bin/tenon_golden $(TENON) $(RECORD); golden=$$?; \
	  $(BUILD)/bin/tenon_fix $(TENON) $(RECORD); fix=$$?; \
	  $(BUILD)/bin/tenon_agree $(TENON) $(RECORD) && exit $$((golden | fix))

fuzz: $(BUILD)/build.ninja ## new programs on every engine for MINUTES=1; what is found is kept in build/fuzz/
	@$(NINJA) --target tenon_fuzz
	@$(BUILD)/bin/tenon_fuzz minutes $(or $(MINUTES),1) build/fuzz

fuzz-files: | deps ## damages files and reads them, MINUTES=1 per format; not part of `make test`
	@scripts/fuzz-files.sh $(or $(MINUTES),1)

bench-scalar: build ## scalar kernels against the same in C: instructions and time, to bench/results/scalar.md
	@mkdir -p bench/results
	@bench/scalar/run.py $(BUILD) -o bench/results/scalar.md && cat bench/results/scalar.md

docs-update: $(BUILD)/build.ninja ## writes docs/passes.md: what each pass does and brings
	@$(NINJA) --target tenon tenon_passes
	@$(BUILD)/bin/tenon_passes $(TENON) --bless

lessons-check: $(BUILD)/build.ninja ## the chapters' quotations, outputs and links are true
	@$(NINJA) --target tenon tenon_lessons
	@$(BUILD)/bin/tenon_lessons --tenon=$(TENON) check

lessons-update: $(BUILD)/build.ninja ## sets the chapters' quotations and outputs to what is true
	@$(NINJA) --target tenon tenon_lessons
	@$(BUILD)/bin/tenon_lessons --tenon=$(TENON) update

# A lesson builds the compiler only up to its own folder; the next one goes on from there.
lesson%-tools: | deps
	@built=$$(sed -n 's/^TENON_UPTO:STRING=//p' build/lesson/CMakeCache.txt 2> /dev/null); \
	  if [ "$${built:-0}" -lt $* ] || [ ! -f build/lesson/build.ninja ]; then \
	    echo "Building the compiler up to lesson $*: minutes, once; the next lessons add to it …"; \
	    cmake -S . -B build/lesson -G Ninja -DTENON_UPTO=$* $(OPTIONS) > /dev/null; \
	  fi
	@NINJA_STATUS='%p ' cmake --build build/lesson --parallel $(shell nproc) --target tenon tenon_lessons chapter$* | \
	  scripts/progress.sh; exit $${PIPESTATUS[0]}

LESSONS = build/lesson/bin/tenon_lessons --tenon=build/lesson/bin/tenon \
          --build=build/exercise $(OPTIONS)

lesson%: lesson%-tools ## lesson1, lesson2, …: shows a lesson, checks its chapter
	@$(LESSONS) lesson $*

exercise%: lesson%-tools ## exercise1, …: your file under my/, built into the compiler and graded
	@$(LESSONS) exercise $* $(TASK)

hint%: lesson%-tools ## hint1, …: one more hint
	@$(LESSONS) hint $* $(TASK)

# ---- measurements

bench: build ## Tenon against BLAS, oneDNN, … on the CPU: to bench/results/cpu.md; ONLY=product, PEERS=oneDNN
	@bench/cpu/run.py $(BUILD) $(ONLY:%=--only=%) $(PEERS:%=--peers=%) $(if $(ONLY)$(PEERS),,-o bench/results)

bench-gpu: build ## Tenon against cuBLAS, Triton, PyTorch on this GPU: to bench/results/gpu.md; skipped without one
	@bench/gpu/run.py --tenon $(TENON) $(ONLY:%=--only=%) $(PEERS:%=--peers=%) $(if $(ONLY)$(PEERS),,-o bench/results) \
	  $(OR_SKIPPED)

bench-compile: $(BUILD)/build.ninja ## how compile time grows, into bench/results/compile_time.txt
	@$(NINJA) --target tenon tenon_compile_time
	@$(BUILD)/bin/tenon_compile_time $(TENON) | tee bench/results/compile_time.txt
	@$(BUILD)/bin/tenon_compile_time --counts | tail -n +3 | tee -a bench/results/compile_time.txt

# ---- the rest

# The course has programs that are wrong on purpose; those stay as they are.
format: build ## clang-format on our own C++, tenon fmt on the programs that people read
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i
	@$(TENON) fmt $$(git ls-files 'examples/*.tn' 'prelude/*.tn' 'lessons/*demo.tn')

clean: ## removes every build folder; my/ stays
	@rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z%-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | \
	  while IFS=$$'\t' read -r name text; do printf '  make %-16s %s\n' "$${name/\%/N}" "$$text"; done
	@sed -n '2,6s/^#   /  /p' $(MAKEFILE_LIST) | sed 's/^  /  with /'
