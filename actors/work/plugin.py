"""Runs one function of a plug-in for one unit of work.

Arguments: PLUGIN:FUNCTION PAYLOAD-FILE; the configuration is JSON in
RECEPTOR_WORKER_CONFIG. The plug-in is an entry point of the group receptor.worker.
Results go to standard output, one JSON line each; whatever else is printed goes
to standard error, whose last line says why the unit failed.
"""
import importlib.metadata
import json
import os
import queue
import sys
import threading


class Results(queue.Queue):
    """Writes each item at once instead of keeping it."""

    def __init__(self, out):
        super().__init__()
        self._out = out
        self._lock = threading.Lock()

    def put(self, item, block=True, timeout=None):
        line = json.dumps(item) + "\n"
        with self._lock:
            self._out.write(line)
            self._out.flush()


def load(plugin, function):
    points = importlib.metadata.entry_points()
    if hasattr(points, "select"):
        found = list(points.select(group="receptor.worker", name=plugin))
    else:  # before Python 3.10
        found = [p for p in points.get("receptor.worker", ()) if p.name == plugin]
    if not found:
        raise LookupError(f"no plug-in {plugin} in the group receptor.worker")
    target = getattr(found[0].load(), function, None)
    if target is None:
        raise LookupError(f"plug-in {plugin} has no function {function}")
    if not getattr(target, "receptor_export", False):
        raise LookupError(f"function {function} of plug-in {plugin} is not exported")
    if getattr(target, "payload_type", "bytes") not in ("bytes", "buffer", "file"):
        raise LookupError(f"unknown payload type {target.payload_type!r}")
    return target


def run(target, path, config, results):
    form = getattr(target, "payload_type", "bytes")
    if form == "file":
        target(path, config, results)
        return
    with open(path, "rb") as payload:
        target(payload if form == "buffer" else payload.read(), config, results)


def fail(stage, error):
    import traceback

    sys.stdout.flush()
    traceback.print_exc()
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"Error {stage} worker: {text}", file=sys.stderr, flush=True)
    os._exit(1)  # whatever threads the plug-in has left


def main():
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        plugin, _, function = sys.argv[1].partition(":")
        config = json.loads(os.environ.pop("RECEPTOR_WORKER_CONFIG"))
        target = load(plugin, function)
    except BaseException as error:
        fail("loading", error)
    try:
        run(target, sys.argv[2], config, Results(out))
    except BaseException as error:
        fail("running", error)


main()
