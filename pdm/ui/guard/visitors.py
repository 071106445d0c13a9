"""Who asks: an address that nobody chooses for himself, and a session, which every client does."""

from __future__ import annotations

import hashlib
import os
import secrets

import gradio as gr
from gradio.context import LocalContext

from pdm.app.gate import Visitor
from pdm.ui.guard.listeners import CALL

PROXIES = "PDM_PROXIES"  # how many proxies of one's own stand before the app; on a Space it is one
UNKNOWN = "unknown"
_SALT = secrets.token_bytes(16)  # another one after each start
NO_SESSION = "session_hash: expected one of your own with each request, got none; gradio_client sends one by itself"


def trusted_proxies() -> int:
    """How many X-Forwarded-For entries, from the right, were written by proxies that can be believed."""
    text = os.environ.get(PROXIES) or ("1" if os.environ.get("SPACE_ID") else "0")
    if not text.isdecimal():
        raise ValueError(f"{PROXIES}: expected how many proxies stand before the app, got {text!r}")
    return int(text)


def address_of(client: str | None, forwarded: str | None, proxies: int) -> str:
    """The address that the outermost trusted proxy saw; without proxies the one that connected."""
    seen = [part.strip() for part in (forwarded or "").split(",") if part.strip()]
    if proxies and len(seen) >= proxies:
        return seen[-proxies][:64]
    return client or UNKNOWN


def visitor_of(asker: gr.Request | None) -> Visitor:
    """Who sent a request. Without a session his address is all that is known of him."""
    request = getattr(asker, "request", asker)  # an MCP client's request is a plain one, without a session
    if request is None:
        return Visitor(UNKNOWN, "")
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    client = request.client.host if request.client else None
    session = getattr(asker, "session_hash", None)
    return Visitor(address_of(client, forwarded, trusted_proxies()), session or "")


def call_of(asker: gr.Request | None) -> str:
    """The MCP request that led to this one, as `Doors` named it; empty for all others."""
    request = getattr(asker, "request", asker)
    return "" if request is None else request.headers.get(CALL, "")


def voter(asker: gr.Request | None) -> str:
    """Whose votes are counted together: an address, in a form from which nobody reads it, as votes are published."""
    return hashlib.blake2b(visitor_of(asker).address.encode(), key=_SALT, digest_size=12).hexdigest()


def own_session(asker: gr.Request | None) -> str | None:
    """The session that a client gave itself; None where it gave none, and Gradio put the event's own id instead."""
    session = getattr(asker, "session_hash", None)
    return None if session is None or session == LocalContext.event_id.get(None) else session


def required_session(asker: gr.Request | None) -> str:
    """The session of a request that needs one; raises gr.Error."""
    session = own_session(asker)
    if session is None:
        raise gr.Error(NO_SESSION, print_exception=False)
    return session
