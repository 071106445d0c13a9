"""Wrong settings of a start are one true line, and what the machine lacks is got round."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from pdm.map import layout
from pdm.support.machine import UPLOADS, check_address, own_files, past_proxies, writable


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("127.0.0.1", 99999, "port: expected a whole number from 1 to 65535, got 99999"),
        ("127.0.0.1", 0, "port: expected a whole number from 1 to 65535, got 0"),
        ("203.0.113.7", 7990, "host: expected a name or address of this machine, got '203.0.113.7'"),
        ("no..name", 7990, "host: expected a name or address of this machine, got 'no..name'"),
    ],
)
def test_an_address_nobody_can_listen_at_is_refused_with_the_true_reason(host, port, said):
    with pytest.raises(ValueError) as caught:
        check_address(host, port)
    assert str(caught.value).startswith(said)


def test_a_port_in_use_is_refused_and_a_free_one_is_not():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port}: expected a free one, got one in use"):
            check_address("127.0.0.1", port)
    check_address("127.0.0.1", port)
    check_address("0.0.0.0", port)


def test_the_app_reaches_itself_past_a_dead_proxy(monkeypatch):
    import httpx

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setenv("NO_PROXY", "")
    past_proxies("[::1]")
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "example.org,localhost,127.0.0.1,::1"
    with httpx.Client() as client:
        ours, theirs = (client._transport_for_url(httpx.URL(f"http://{h}:1/")) for h in ("127.0.0.1", "example.net"))
        assert ours is client._transport and theirs is not ours


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv(UPLOADS, raising=False)
    return tmp_path


@pytest.mark.parametrize("named", [False, True])
def test_each_app_has_its_own_files(places, monkeypatch, named):
    if named:
        monkeypatch.setenv(UPLOADS, str(places / "named"))
    with own_files():
        first = Path(os.environ[UPLOADS])
        assert first.parent == (places / "named" if named else places) and first.stat().st_mode & 0o777 == 0o700
        with own_files():  # a second app that starts meanwhile
            second = Path(os.environ[UPLOADS])
            assert second != first
        assert first.is_dir() and not second.exists()
    assert not first.exists() and os.environ.get(UPLOADS) == (str(places / "named") if named else None)


def test_the_next_app_removes_what_a_killed_one_left(places):
    (places / "pdm-files-abcdefgh").mkdir()
    with own_files():
        assert not (places / "pdm-files-abcdefgh").exists()


def test_a_folder_that_cannot_be_used_is_an_error(places, monkeypatch):
    (places / "file").write_text("")
    monkeypatch.setenv(UPLOADS, str(places / "file"))
    with pytest.raises(OSError, match=f"{UPLOADS}: expected a folder that can be written"), own_files():
        pass


def test_no_temporary_folder_at_all_is_said(monkeypatch):
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(OSError, match="temporary folder: expected one that can be written, got none"), own_files():
        pass


def test_umap_compiles_where_no_home_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("")
    assert not writable(tmp_path / "home" / ".cache") and writable(tmp_path / "new")
    monkeypatch.setattr(layout, "CACHE_FOLDER", tmp_path / "home" / ".cache" / "pdm")
    monkeypatch.delitem(layout.sys.modules, "numba", raising=False)
    monkeypatch.setitem(layout.sys.modules, "umap", tempfile)
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    layout._package()
    assert os.path.isdir(os.environ["NUMBA_CACHE_DIR"])
