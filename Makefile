# SPDX-License-Identifier: MIT
# The front door. Everything here is one or two commands of CMake, which can be called directly: see CMakePresets.json.

PRESET ?= release
PREFIX ?= /usr/local
BUILD := build/$(PRESET)

packages := gcc g++ libc6-dev cmake ninja-build pkg-config libsundials-dev libsleef-dev libnlopt-dev libcjson-dev zlib1g-dev \
            libcmocka-dev libmpfr-dev
packages_demo := gnuplot-nox
packages_bench := libopenblas-dev
packages_docs := doxygen
packages_lint := clang libclang-rt-dev clang-format clang-tidy
packages_hosts := gfortran libgsl-dev r-base-core r-cran-desolve

.DEFAULT_GOAL := help
.PHONY: help deps demo examples test bench install docs format lint clean build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo 'Variables: PRESET=release|dev|asan|tsan|clang (for test), PREFIX=/usr/local, DESTDIR, ARGS (of demo and bench)'

deps: ## install everything any target needs from Debian
	@cmake/debian_packages.sh $(packages) $(packages_demo) $(packages_bench) $(packages_docs) $(packages_lint) \
	    $(packages_hosts)

demo: ## fit a neural ODE to the hare-lynx record and draw the fit
	@cmake/debian_packages.sh $(packages) $(packages_demo)
	cmake --preset release
	cmake --build --preset release --target neural_ode
	@mkdir -p build/demo
	cd build/demo && ../release/examples/neural_ode $(ARGS)
	@for picture in build/demo/*.png build/demo/*.svg; do [ ! -e $$picture ] || echo "Picture: $(CURDIR)/$$picture"; done

examples: ## run the other examples: learned interaction, learned elimination, stiff reaction, matrix exponential, two moons
	@cmake/debian_packages.sh $(packages) $(packages_demo)
	cmake --preset release
	cmake --build --preset release --target lotka_volterra_ude theophylline robertson_stiff expm two_moons
	@mkdir -p build/demo
	cd build/demo && ../release/examples/lotka_volterra_ude --picture lotka_volterra_ude.png $(ARGS)
	cd build/demo && ../release/examples/theophylline --picture theophylline.png $(ARGS)
	cd build/demo && ../release/examples/robertson_stiff --picture robertson_stiff.png $(ARGS)
	cd build/demo && ../release/examples/expm $(ARGS)
	cd build/demo && ../release/examples/two_moons --csv moons.csv --picture two-moons.png $(ARGS)
	@echo "Pictures: $(CURDIR)/build/demo"

test: ## build and run the tests (the slow ones: ctest --test-dir build/release -L slow)
	@cmake/debian_packages.sh $(packages)
	@$(MAKE) --no-print-directory build
	ctest --preset $(PRESET)

bench: ## build and run the benchmarks
	@cmake/debian_packages.sh $(packages) $(packages_bench)
	@$(MAKE) --no-print-directory build PRESET=bench
	build/bench/kernels $(ARGS)
	build/bench/gradient $(ARGS)
	build/bench/compare --report build/bench/report $(ARGS)

install: ## install below PREFIX (default /usr/local); DESTDIR is honoured
	@cmake/debian_packages.sh $(packages)
	cmake --preset $(PRESET) -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build --preset $(PRESET)
	cmake --install $(BUILD)
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

docs: ## the reference of the public headers, as HTML
	@cmake/debian_packages.sh $(packages) $(packages_docs)
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET) --target docs
	@echo "Documentation: $(CURDIR)/$(BUILD)/doc/html/index.html"

format: ## format all sources in place
	@cmake/debian_packages.sh $(packages_lint)
	cmake/lint.sh format

lint: ## check the format, then run clang-tidy and doxygen; any finding is an error
	@cmake/debian_packages.sh $(packages) $(packages_bench) $(packages_docs) $(packages_lint)
	cmake --preset clang -DCOSTATE_BUILD_BENCH=ON
	cmake/lint.sh check build/clang
	cmake --build --preset clang --target docs

clean: ## remove all builds
	rm -rf build

build:
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET)
