"""Features of samples in Parquet: what was written comes back, and any reader finds the seeds."""

import pyarrow.parquet as pq
import pytest
import torch

from pdm.evaluation.feature_file import write_features
from tests.saved_features import read_features


def test_features_come_back_bit_for_bit_with_the_seed_of_each_image(tmp_path):
    path = tmp_path / "features.parquet"
    features = {"pdm": torch.randn(5, 3), "a b": torch.randn(2, 3)}
    write_features(path, features, seed=2**40)
    found = read_features(path)
    assert list(found) == ["pdm", "a b"] and all(torch.equal(found[name], features[name]) for name in features)
    table = pq.read_table(path)
    assert table.column("index").to_pylist() == [0, 1, 2, 3, 4, 0, 1]
    assert table.column("seed").to_pylist() == [2**40 + i for i in (0, 1, 2, 3, 4, 0, 1)]
    assert str(table.schema.field("feature").type).startswith("fixed_size_list<") and "[3]" in str(table.schema)


@pytest.mark.parametrize("content", [b"", b"no parquet", None])
def test_another_file_is_refused_in_a_line(tmp_path, content):
    path = tmp_path / "features.parquet"
    if content is None:
        pq.write_table(__import__("pyarrow").table({"x": [1]}), path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="expected features of samples"):
        read_features(path)
