"""The copy of the votes on the hub, with a stand-in for its API."""

import shutil
from types import SimpleNamespace

import pytest
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from pdm.app import votes_hub
from pdm.app.votes import Votes
from tests.app.test_votes import vote


class Hub:
    """Keeps what is uploaded in a folder."""

    def __init__(self, folder):
        self.folder, self.uploads = folder, 0

    def create_repo(self, repo_id, **options):
        assert options["repo_type"] == "dataset" and options["private"]
        return SimpleNamespace(repo_id=repo_id)

    def upload_file(self, path_or_fileobj, path_in_repo, **options):
        shutil.copy(path_or_fileobj, self.folder / path_in_repo)
        self.uploads += 1

    def run_as_future(self, function):
        """Nothing in the background: the tests push themselves."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = tmp_path / "hub"
    folder.mkdir()

    def download(repo, name, **options):
        if not (folder / name).exists():
            raise EntryNotFoundError("no such file")
        return str(folder / name)

    monkeypatch.setattr(votes_hub, "hf_hub_download", download)
    monkeypatch.setattr("atexit.register", lambda function: None)
    return Hub(folder)


def test_votes_come_back_on_a_disk_that_forgot_them(hub, tmp_path):
    votes, copies = votes_hub.kept_on_hub(tmp_path / "a" / "votes.sqlite", "me/votes", "token", hub)
    votes.add(vote("one"))
    copies.push_to_hub()
    again, _ = votes_hub.kept_on_hub(tmp_path / "b" / "votes.sqlite", "me/votes", "token", hub)
    assert again.tallies("fashion-mnist") == votes.tallies("fashion-mnist") != []


def test_only_new_votes_are_copied(hub, tmp_path):
    votes, copies = votes_hub.kept_on_hub(tmp_path / "votes.sqlite", "me/votes", "token", hub)
    copies.push_to_hub()
    assert hub.uploads == 0
    votes.add(vote("one"))
    copies.push_to_hub()
    copies.push_to_hub()
    assert hub.uploads == 1 and Votes(hub.folder / "votes.sqlite").count() == 1


def test_a_disk_that_did_not_forget_is_believed(hub, tmp_path):
    Votes(hub.folder / "votes.sqlite").add(vote("old"))
    own = Votes(tmp_path / "votes.sqlite")
    own.add(vote("a"))
    own.add(vote("b"))
    assert votes_hub.kept_on_hub(own.path, "me/votes", "token", hub)[0].count() == 2


def test_a_hub_out_of_reach_is_one_line_and_leaves_no_file(hub, tmp_path, monkeypatch):
    def fail(*args, **options):
        raise HfHubHTTPError("401 Client Error\nmore", response=SimpleNamespace(headers={}, request=None))

    monkeypatch.setattr(votes_hub, "hf_hub_download", fail)
    with pytest.raises(ValueError, match="votes: expected the data set 'me/votes' on the hub, got: 401 Client Error$"):
        votes_hub.kept_on_hub(tmp_path / "votes.sqlite", "me/votes", "token", hub)
    assert not (tmp_path / "votes.sqlite").exists()
