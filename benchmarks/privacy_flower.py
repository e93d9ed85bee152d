"""The stores of `privacy.py` as clients of Flower, printed as JSON.

It needs other packages than the book, so it runs in an environment of its own:

    python -m venv FLOWER && FLOWER/bin/pip install "flwr[simulation]==1.42.0" lazy_loader
    PEERS=FLOWER/bin/python .venv/bin/python benchmarks/privacy.py federated flower

Flower's simulation runs the stores in worker processes of Ray. Each answers with the gradient and
the Hessian of its rows, as those of `coupon_rec.privacy.federated` do, but in the clear: the
server can read what each of them sends.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

os.environ |= {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}

from flwr.app import ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.simulation import run_simulation

from coupon_rec.privacy.federated import newton_step, newton_sums


def measured(folder: Path, rounds: int) -> dict[str, Any]:
    """Learn from the rows of `0.npz`, `1.npz`, ... in a folder, one store each."""
    told: dict[str, Any] = {"version": version("flwr"), "seconds": []}
    store, server, clients = ClientApp(), ServerApp(), len([*folder.glob("*.npz")])

    @store.query()
    def answer(message: Message, context: Context) -> Message:
        rows = np.load(folder / f"{context.node_config['partition-id']}.npz")
        sums = newton_sums(rows["x"], rows["y"], rows["weights"])
        [theta] = message.content["theta"].to_numpy_ndarrays()
        return Message(RecordDict({"sums": ArrayRecord([sums(theta)])}), reply_to=message)

    @server.main()
    def learn(grid: Grid, _: Context) -> None:
        while len(nodes := [*grid.get_node_ids()]) < clients:
            time.sleep(0.1)
        theta = np.zeros(np.load(folder / "0.npz")["x"].shape[1])
        for _ in range(rounds):
            start = time.perf_counter()
            asked = RecordDict({"theta": ArrayRecord([theta])})
            messages = grid.send_and_receive([Message(asked, node, "query") for node in nodes])
            answers = [each.content["sums"].to_numpy_ndarrays()[0] for each in messages]
            theta = newton_step(theta, np.sum(answers, axis=0))
            told["seconds"].append(time.perf_counter() - start)
            told.update(answers=len(answers), bytes=answers[0].nbytes)
        told["theta"] = theta.tolist()

    start = time.perf_counter()
    run_simulation(server, store, clients)
    return told | {"all_s": time.perf_counter() - start}


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]), int(sys.argv[2]))))
