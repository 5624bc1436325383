#!/usr/bin/env python3
"""Trolley's learners beside gensim's Word2Vec and implicit's ALS, on the same baskets and the same matrix.

    python benches/peers/peers.py TEST_BINARY REPEATS      (benches/peers/run builds what this needs, and calls it)

The libraries take turns, so that whatever else the machine does meets them all. `training/studies/peers.rs` is Trolley's
side: each of its runs writes what it learned from, what it learned and how long that took into target/peers.
"""

import os

# Before numpy is loaded: gensim and implicit have threads of their own, and those of BLAS would only get in their way.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import datetime
import functools
import hashlib
import json
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

import numpy as np
import scipy.sparse
import threadpoolctl
from gensim.models import word2vec
from implicit.cpu.als import AlternatingLeastSquares

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target/peers"
THREADS = [1, 2]
# What both sides are told; everything else is each library's default.
DIMS, EPOCHS, NEGATIVES, POWER = 64, 5, 5, 0.75
FACTORS, ITERATIONS, CONVERGED = 64, 15, 60
# The power to which Trolley itself draws negatives: the default in training/src/skipgram/mod.rs.
OWN_POWER = 0.5
# Lines of a basket that Trolley learns together; a longer one it deals into parts (LONGEST in skipgram/batch.rs).
TOGETHER = 128
# Places that count, and items of a basket that are asked about.
SHOWN, ASKED = 6, 10
# Negatives drawn with the counts to a power below 1 leave some popularity out of the scores; this gives it back.
POPULARITY = 0.7


def trolley(test_binary, threads, **others):
    """Runs Trolley's side and returns its facts; its files are in FOLDER until the next run."""
    settings = {"THREADS": threads, "DIMS": DIMS, "EPOCHS": EPOCHS, "NEGATIVES": NEGATIVES, "POWER": POWER,
                "FACTORS": FACTORS, "ITERATIONS": ITERATIONS} | others
    print("Trolley:", settings, file=sys.stderr)
    environment = {f"TROLLEY_PEERS_{name}": str(value) for name, value in settings.items()}
    facts = FOLDER / "trolley.json"
    facts.unlink(missing_ok=True)
    done = subprocess.run(
        [test_binary, "peers::learners", "--ignored", "--exact", "--nocapture"], cwd=ROOT / "training", text=True,
        env=os.environ | environment | {"TROLLEY_PEERS": str(FOLDER)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    # Finding no test of that name is a success to the binary, so look for what it wrote.
    if done.returncode != 0 or not facts.exists():
        sys.exit(f"Trolley's side failed:\n{done.stdout}")
    return json.loads(facts.read_text())


def read(name):
    return np.fromfile(FOLDER / name, dtype="<u4" if name.endswith(".u32") else "<f4")


def lists(name):
    """Rows of whole numbers, written as their lengths and their lines."""
    return np.split(read(f"{name}.lines.u32"), np.cumsum(read(f"{name}.lengths.u32"), dtype=np.int64)[:-1])


def embeddings(facts):
    return [read(f"{name}.f32").reshape(facts["items"], -1) for name in ("input", "output")]


def factors(facts):
    return [read(f"{name}.f32").reshape(facts[name], -1) for name in ("customers", "items")]


def gensim(baskets, items, threads):
    """Seconds, input and output vectors. The window holds the longest basket, so that all pairs are learned."""
    print(f"gensim: {threads} thread(s)", file=sys.stderr)
    model = word2vec.Word2Vec(
        sg=1, hs=0, negative=NEGATIVES, ns_exponent=POWER, vector_size=DIMS, window=max(map(len, baskets)),
        shrink_windows=False, sample=0, min_count=0, workers=threads, seed=1)
    model.build_vocab(baskets)
    began = time.perf_counter()
    model.train(baskets, total_examples=model.corpus_count, epochs=EPOCHS)
    seconds = time.perf_counter() - began
    tables = np.zeros((2, items, DIMS), dtype=np.float32)
    tables[:, [int(item) for item in model.wv.index_to_key]] = model.wv.vectors, model.syn1neg
    return seconds, tables


def implicit(matrix, regularisation, threads, iterations=ITERATIONS):
    """Seconds, customers' and items' factors."""
    print(f"implicit: {threads} thread(s), {iterations} iterations", file=sys.stderr)
    model = AlternatingLeastSquares(
        factors=FACTORS, iterations=iterations, regularization=regularisation, use_cg=True, num_threads=threads,
        random_state=1)
    began = time.perf_counter()
    model.fit(matrix, show_progress=False)
    return time.perf_counter() - began, (model.user_factors, model.item_factors)


def trolleys_pairs(lengths):
    """Pairs that Trolley learns in a pass: of a basket of more than TOGETHER lines, those within its equal parts."""
    lengths = lengths[lengths > 1].astype(np.int64)
    part = -(-lengths // -(-lengths // TOGETHER))
    whole, rest = np.divmod(lengths, part)
    return int(np.sum(whole * part * (part - 1) + rest * (rest - 1)))


def hit_rates(tables, cases, counts):
    """Share of queries with another item of their basket among the SHOWN best by input · output: as it is, and with
    popularity. What is shown depends on the query alone, so each item is ranked once."""
    inputs, outputs = tables
    asked = [(query, set(case) - {query}) for case in cases for query in case[:ASKED]]
    queries = np.unique([query for query, _ in asked])
    rates = []
    for popularity in (0, POPULARITY):
        added = (popularity * np.log(np.maximum(counts, 1))).astype(np.float32)
        shown = {}
        for part in np.array_split(queries, len(queries) // 1000 + 1):
            scores = inputs[part] @ outputs.T + added
            scores[np.arange(len(part)), part] = -np.inf
            shown.update(zip(part.tolist(), np.argpartition(scores, -SHOWN)[:, -SHOWN:].tolist()))
        rates.append(statistics.fmean(not others.isdisjoint(shown[query]) for query, others in asked))
    return rates


def objective(matrix, sides, regularisation, observed_too):
    """Σ w (s - 1)² over observed cells + Σ s² + λ Σ |factor|². In Trolley Σ s² is over all cells, observed ones too; in
    implicit over the others alone. Over all cells it is the sum of the two Gram matrices' product, cell by cell."""
    customers, items = (side.astype(np.float64) for side in sides)
    total = np.sum((customers.T @ customers) * (items.T @ items))
    for row, customer in enumerate(customers):
        cells = slice(matrix.indptr[row], matrix.indptr[row + 1])
        scores = items[matrix.indices[cells]] @ customer
        total += matrix.data[cells] @ (scores - 1) ** 2 - (0 if observed_too else scores @ scores)
    return float(total + regularisation * (np.sum(customers**2) + np.sum(items**2)))


def converged(test_binary, matrix, regularisation):
    """Where Trolley's objective and implicit's end; kept until the matrix or either library changes."""
    known_by = hashlib.sha256(f"{FACTORS} {CONVERGED} {regularisation} {version('implicit')}".encode())
    for part in (matrix.indptr, matrix.indices, matrix.data, pathlib.Path(test_binary).read_bytes()):
        known_by.update(part)
    path = FOLDER / f"converged-{known_by.hexdigest()[:16]}.json"
    if not path.exists():
        ours = factors(trolley(test_binary, max(THREADS), ITERATIONS=CONVERGED, DIMS=8, EPOCHS=1))
        _, theirs = implicit(matrix, regularisation, max(THREADS), CONVERGED)
        ends = objective(matrix, ours, regularisation, True), objective(matrix, theirs, regularisation, False)
        path.write_text(json.dumps(ends))
    return json.loads(path.read_text())


@functools.cache
def iterations_to(test_binary, regularisation, share):
    """After how many iterations Trolley's factors are as near to their end as `share` times its objective."""
    for iterations in range(1, CONVERGED):
        facts = trolley(test_binary, max(THREADS), ITERATIONS=iterations, DIMS=8, EPOCHS=1)
        matrix = read_matrix(facts)
        end, _ = converged(test_binary, matrix, regularisation)
        if objective(matrix, factors(facts), regularisation, True) <= share * end:
            return iterations
    sys.exit("Trolley's factors do not come as near to their end as implicit's")


def read_matrix(facts):
    starts = np.cumsum(np.append(0, read("matrix.lengths.u32")), dtype=np.int32)
    cells = read("matrix.weights.f32"), read("matrix.columns.u32").astype(np.int32), starts
    return scipy.sparse.csr_matrix(cells, shape=(facts["customers"], facts["items"]))


def turn(test_binary, threads):
    """Everything once. By measure: whether more or less of it is better (1 or -1; 0: neither), and the figures of
    Trolley, of its peer and, for skip-gram, of Trolley at its own power."""
    facts = trolley(test_binary, threads)
    counts, cases, lengths = read("counts.u32"), [case.tolist() for case in lists("cases")], read("baskets.lengths.u32")
    matrix = read_matrix(facts)
    config = facts["ials"]["config"]
    assert config["unobserved"] == 1 and config["exponent"] == 0, "implicit knows no other values"
    regularisation = config["regularisation"]
    rates = [hit_rates(embeddings(facts), cases, counts)]
    objectives = [objective(matrix, factors(facts), regularisation, True)]
    words = [basket.astype(str).tolist() for basket in lists("baskets")]
    gensim_seconds, tables = gensim(words, facts["items"], threads)
    own = trolley(test_binary, threads, POWER=OWN_POWER, FACTORS=8, ITERATIONS=1)
    rates += [hit_rates(tables, cases, counts), hit_rates(embeddings(own), cases, counts)]
    implicit_seconds, sides = implicit(matrix, regularisation, threads)
    objectives.append(objective(matrix, sides, regularisation, False))
    seconds = [facts["skip_gram"]["seconds"], gensim_seconds, own["skip_gram"]["seconds"]]
    trolleys = EPOCHS * trolleys_pairs(lengths)
    learned = np.array([trolleys, facts["skip_gram"]["pairs"], trolleys]) / 1e6
    ends = converged(test_binary, matrix, regularisation)
    as_near = iterations_to(test_binary, regularisation, round(objectives[1] / ends[1], 5))
    near = trolley(test_binary, threads, ITERATIONS=as_near, DIMS=8, EPOCHS=1)
    return {
        "skip-gram: seconds": (-1, seconds),
        "skip-gram: million pairs a second": (1, np.divide(learned, seconds)),
        f"skip-gram: HR@{SHOWN}": (1, [alone for alone, _ in rates]),
        f"skip-gram: HR@{SHOWN}, {POPULARITY} ln(count) added": (1, [added for _, added in rates]),
        "iALS: seconds": (-1, [facts["ials"]["seconds"], implicit_seconds]),
        "iALS: seconds until as near to its end as implicit": (-1, [near["ials"]["seconds"], implicit_seconds]),
        # They differ by design, so what compares is how far each is from its own end.
        "iALS: its own objective": (0, objectives),
        f"iALS: above the objective after {CONVERGED} iterations, %": (0, np.divide(objectives, ends) * 100 - 100),
    }


def text(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def processor():
    info = pathlib.Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", info.read_text() if info.exists() else "", re.MULTILINE)
    return named[1] if named else platform.processor() or platform.machine()


def main(test_binary, repeats):
    assert word2vec.FAST_VERSION in (0, 1), "gensim without its compiled loops over BLAS is no match"
    assert all(pool["num_threads"] == 1 for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas")
    FOLDER.mkdir(parents=True, exist_ok=True)
    turns = {threads: [] for threads in THREADS}
    for _ in range(repeats):
        for threads in THREADS:
            turns[threads].append(turn(test_binary, threads))

    print(f"| | threads | Trolley | peer | ratio: minimum | median | maximum | Trolley, power {OWN_POWER} |")
    print("| --- " * 8 + "|")
    for name, (sign, _) in turns[THREADS[0]][0].items():
        for threads in THREADS:
            rows = [measures[name][1] for measures in turns[threads]]
            ours, peers, *own = [text(statistics.median(side)) for side in zip(*rows)]
            ratios = [(row[0] / row[1]) ** sign for row in rows]
            spread = [text(of(ratios)) if sign else "" for of in (min, statistics.median, max)]
            print("|", " | ".join([name, str(threads), ours, peers, *spread, *(own or [""])]), "|")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("gensim", "implicit", "numpy", "scipy"))
    print(f"""
{datetime.date.today()}; {processor()}, {os.cpu_count()} logical cores; Python {platform.python_version()}, {libraries}.
Medians of {repeats} turn(s); each ratio is of one turn, and above 1 it is in Trolley's favour. The peer of skip-gram is
gensim's Word2Vec, that of iALS implicit's AlternatingLeastSquares. {DIMS} dimensions, {EPOCHS} epochs, {NEGATIVES} negatives
drawn to the power {POWER}; {FACTORS} factors, {ITERATIONS} iterations. gensim draws negatives for each pair; in Trolley all
pairs of a basket share theirs.""")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
