"""One network trained by several workers, each with its share of every batch: Keras on JAX.

Each worker is a process of its own that calls `train_share`, on a machine of its own or not.
`train_on_spark` starts them as the tasks of one barrier stage; anything else that can start a
process with a number does as well. Nothing here imports Keras or JAX but the workers themselves.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd

from coupon_rec._extras import need
from coupon_rec.records.layout import check_shares, shards_of

BATCH = 2048


def train_on_spark(
    session: Any,
    records: str | Path,
    validation: str | Path,
    out: str | Path,
    *,
    workers: int,
    **settings: Any,
) -> pd.DataFrame:
    """Fit the coupled network with several workers that Spark starts together.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        With room for all workers at once. Their Python needs the extra `cluster`.
    records, validation : str or pathlib.Path
        Folders that `coupon_rec.records.write_records` filled with a multiple of `workers` shards;
        all workers must see them, and `out`, under these names.
    out : str or pathlib.Path
        The `.keras` file, which the first worker writes.
    workers : int
        How many, 1 or more.
    **settings
        As `train_share` takes them, such as `epochs`, `batch_size`, `checkpoint` or `model`.

    Returns
    -------
    pandas.DataFrame
        The history, as `coupon_rec.training.fit` gives it.

    Raises
    ------
    ValueError
        If there are no workers, or they cannot share the shards or a batch evenly.
    pyspark.errors.PySparkException
        If a worker fails; its last words are in the message. With a `checkpoint`, the same call
        goes on after the last whole epoch.

    Examples
    --------
    >>> train_on_spark(
    ...     session, "records/train", "records/validation", "model.keras", workers=8
    ... )  # doctest: +SKIP
    >>> train_on_spark(None, "records/train", "records/validation", "model.keras", workers=0)
    Traceback (most recent call last):
    ...
    ValueError: workers is 0: expected 1 or more
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}: expected 1 or more")
    train, check, file = (str(Path(place).absolute()) for place in (records, validation, out))
    for folder in (train, check):
        check_shares(shards_of(folder), settings.get("batch_size", BATCH), workers)
    settings = {
        name: value.absolute() if isinstance(value, Path) else value
        for name, value in settings.items()
    }

    def work(_: Any) -> Iterator[pd.DataFrame]:
        from pyspark import BarrierTaskContext

        task = BarrierTaskContext.get()
        host = task.getTaskInfos()[0].address.split(":")[0]
        port = task.allGather(str(free_port()))[0]
        share: dict[str, Any] = {"rank": task.partitionId(), "workers": workers}
        share["coordinator"] = f"{host}:{port}"
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            yield own.submit(train_share, train, check, file, **share, **settings).result()

    tasks = session.sparkContext.parallelize(range(workers), workers).barrier()
    history: pd.DataFrame = tasks.mapPartitions(work).collect()[0]
    return history


def train_share(
    records: str | Path,
    validation: str | Path,
    out: str | Path,
    *,
    rank: int,
    workers: int,
    coordinator: str,
    batch_size: int = BATCH,
    shuffle: bool = True,
    seed: int = 0,
    model: dict[str, Any] | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Be one of the workers, in a process of its own that has imported neither Keras nor JAX.

    Parameters
    ----------
    records, validation, out
        As for `train_on_spark`.
    rank, workers : int
        Which worker this is, from 0, of how many.
    coordinator : str
        "host:port" of the first worker, where the others can reach it.
    batch_size : int
        Offers a step of all workers together, a multiple of their number.
    shuffle : bool
        Whether each worker shuffles its own offers in each epoch.
    seed : int
        Of weights, order and dropout.
    model : dict, optional
        For `coupon_rec.models.coupled_model`.
    **options
        For `coupon_rec.training.fit`. Only the first worker writes the checkpoint.

    Returns
    -------
    pandas.DataFrame
        The history, the same for all.
    """
    need("jax", "cluster")
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("JAX_CPU_COLLECTIVES_IMPLEMENTATION", "gloo")
    if rank:
        os.environ["TQDM_DISABLE"] = "1"
    from coupon_rec._keras import keras
    from coupon_rec.models import coupled_model
    from coupon_rec.records import read_encoder, read_records
    from coupon_rec.training import fit

    keras.utils.set_random_seed(seed)
    if workers > 1:
        keras.distribution.initialize(coordinator, workers, rank)
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    share = (rank, workers)
    network = coupled_model(read_encoder(records), seed=seed, **(model or {}))
    history = fit(
        network,
        read_records(records, batch_size, shuffle=shuffle, seed=seed, shard=share),
        read_records(validation, batch_size, shard=share),
        batch_size=batch_size,
        seed=seed,
        **options,
    )
    keras.distribution.set_distribution(None)  # or saving would wait for the other workers
    if rank == 0:
        draft = Path(out).with_suffix(".draft.keras")
        network.save(draft)
        draft.replace(out)
    return history


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as ear:
        ear.bind(("", 0))
        return int(ear.getsockname()[1])
