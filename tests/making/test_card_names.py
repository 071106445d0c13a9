import pytest

from pdm.making.card_names import with_names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/me/runs/birds/pipeline", "birds"),
        ("runs/birds/pipeline/", "birds"),
        ("C:\\me\\birds\\pipeline", "birds"),
        ("somebody/birds", "birds"),
        ("birds", "birds"),
        ("pipeline", "pipeline"),
        ("/pipeline", "pipeline"),
        ("old-pipeline", "old-pipeline"),
    ],
)
def test_a_card_names_the_models_that_its_own_began_with_wherever_they_lay(path, name):
    inner = {"images": 4, "config": {"start": path, "net_from": None, "latent": {"autoencoder": None}}}
    card = {**inner, "teacher": inner, "net_from": {**inner, "started_from": inner}}
    kept = str(card)
    named = {"images": 4, "config": {"start": name, "net_from": None, "latent": {"autoencoder": None}}}
    assert with_names(card) == {**named, "teacher": named, "net_from": {**named, "started_from": named}}
    assert str(card) == kept


def test_a_local_autoencoder_has_its_name_alone_and_one_of_the_hub_its_id():
    for path, name in (("/home/me/taesd", "taesd"), ("madebyollin/taesd", "madebyollin/taesd")):
        assert with_names({"config": {"latent": {"autoencoder": path}}}) == {
            "config": {"latent": {"autoencoder": name}}
        }
    assert with_names({"teacher": None, "config": None}) == {"teacher": None, "config": None}
