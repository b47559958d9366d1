# Thin names for the commands of the README.

CARGO ?= cargo
PE_SCRIPT = target/release/pe-script

.PHONY: setup table2 evening test bench book docs lint deny sanitize fuzz mutate clean

## Install libtorch into .libtorch, unless it is there or LIBTORCH names another one, and weights into .weights.
setup:
	@bash tools/setup.sh

## The paper's Table 2 on the synthetic cohort: six models, their table and report, in table2/.
table2: setup
	$(CARGO) build --release --locked -p pe-script
	$(PE_SCRIPT) run scripts/table2.rhai

## What the paper claims, on harder synthetic cohorts: three seeds and their mean, in evening/. One to three hours on two cores; run
## it again to go on.
evening: setup
	$(CARGO) build --release --locked -p pe-script
	for seed in 0 1 2; do $(PE_SCRIPT) run scripts/table2.rhai profile=evening seed=$$seed out=evening/$$seed || exit 1; done
	$(PE_SCRIPT) run scripts/seeds.rhai

# The plugins that have functions for scripts, as arguments of cargo; not the example, whose tests take
# other plugins with theirs.
SCRIPTED = $(filter-out pe-example,$(patsubst plugins/%/Cargo.toml,pe-%,$(shell grep -l '^script = ' plugins/*/Cargo.toml)))

## Every test: the workspace, the plugins without Rhai (in one build, and with fewer broken copies of the
## odd files, which the same readers have met by then), the embedding example with rhai's sync.
test: setup
	$(CARGO) test --workspace --locked
	PE_MUTATIONS=20000 $(CARGO) test --locked -q $(SCRIPTED:%=-p %) --no-default-features --lib --tests
	$(CARGO) test --locked -q -p pe-example --no-default-features --lib --tests
	$(CARGO) test --locked -p pe-script --features sync --test embed

## Speed: preprocessing and training against Python programs of the same steps, on one cohort.
bench: setup
	bash scripts/bench/preprocess.sh
	bash scripts/bench/train.sh

## The book, docs/, in target/book. Installs mdBook into .tools once.
book:
	@bash tools/mdbook.sh

## The API documentation of every crate, in target/doc.
docs: setup
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

## The readers of files against random bytes, a minute in all; `tools/fuzz.sh long 1800` for more.
fuzz: setup
	@bash tools/fuzz.sh smoke

## A million broken copies of the odd files; `make test` reads fewer.
mutate:
	PE_MUTATIONS=1000000 $(CARGO) test --locked -p pe-dicom --test mutation

## Format and lints, as CI looks at them.
lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

## The dependencies by the rules of deny.toml. Installs cargo-deny into .tools once.
deny:
	@bash tools/deny.sh

## Tests of the code that the compiler does not watch over, under AddressSanitizer.
sanitize:
	@bash tools/sanitize.sh

clean:
	$(CARGO) clean
