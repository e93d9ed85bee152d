"""A network from records: trained in this process or by workers of Spark, and calibrated."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from coupon_rec._extras import need
from coupon_rec.evaluation import platt
from coupon_rec.models import OfferModel, coupled_model, load_model
from coupon_rec.records import read_encoder, read_records
from coupon_rec.training.batches import needed
from coupon_rec.training.cluster import train_on_spark
from coupon_rec.training.fitting import fit


def fit_records(
    folder: Path, out: Path, session: Any = None, workers: int = 1, **settings: Any
) -> tuple[OfferModel, pd.DataFrame]:
    """Train the network on the records of a folder, calibrate it where they suffice, and save it.

    Parameters
    ----------
    folder : pathlib.Path
        With the records of `train` and of `validation`, as the command `records` writes them.
    out : pathlib.Path
        The `.keras` file to write.
    session : pyspark.sql.SparkSession, optional
        Starts so many `workers`, as `train_on_spark` does; without one, this process trains.
    **settings
        `seed`, `batch_size`, and what else `fit` takes.

    Returns
    -------
    tuple of OfferModel and pandas.DataFrame
        The network, and the history as `fit` gives it.
    """
    train, validation = folder / "train", folder / "validation"
    if session is None:
        seed, size = settings["seed"], settings["batch_size"]
        network = coupled_model(read_encoder(train), seed=seed)
        batches = read_records(train, size, shuffle=True, seed=seed)
        history = fit(network, batches, read_records(validation, size), **settings)
    else:
        need("jax", "cluster")
        history = train_on_spark(session, train, validation, out, workers=workers, **settings)
        network = load_model(out)
    kept = needed(network, read_records(validation))
    for label, p in network.predict(kept, verbose=0).items():
        outcomes = np.concatenate([labels[label] for _, labels in kept])
        try:
            network.calibration[label] = platt(outcomes[:, 0], p[:, 0])
        except ValueError as error:
            warnings.warn(f"{label} stays uncalibrated: {error}", stacklevel=2)
    network.save(out)
    return network, history
