"""What other sites are told of the page: the project's words and picture, under the address that they asked."""

import re

import httpx
import pytest

from pdm.ui.guard.card import WORDS, Card
from tests import asynchronous

HTML = (
    '<!doctype html><html><head><meta charset="utf-8" /><meta property="og:title" content="Gradio" />\n'
    '<meta\n property="og:image"\n content="https://elsewhere/a.jpg"\n/><meta name="twitter:creator" content="@G" />'
    "<script>const a = '<meta name=\"kept\" />';</script></head>"
    '<body><meta property="og:title" content="x" /></body></html>'
)


def answered(path="/", headers=None, kind="text/html; charset=utf-8", root="", picture=None, method="GET", **given):
    async def page(scope, receive, send):
        head = [(b"content-type", kind.encode()), (b"content-length", str(len(HTML)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        body = b"" if method == "HEAD" else HTML.encode()
        await send({"type": "http.response.body", "body": body[:100], "more_body": True})
        await send({"type": "http.response.body", "body": body[100:]})

    card = Card(page, "A <b>studio</b>", **given, **({} if picture is None else {"picture": picture}))

    async def ask():
        transport = httpx.ASGITransport(card, root_path=root)
        async with httpx.AsyncClient(transport=transport, base_url="http://here:7860") as client:
            return await client.request(method, path, headers=headers)

    return asynchronous.run(ask())


def tags(text):
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)" />', text.partition("</head>")[0]))


def test_the_card_says_the_project_s_words_and_nothing_of_gradio_s():
    answer = answered()
    found = tags(answer.text)
    assert (
        found["og:title"] == found["twitter:title"] == "A &lt;b&gt;studio&lt;/b&gt;" and found["description"] == WORDS
    )
    assert found["og:image"] == "http://here:7860/card.jpg" and found["og:url"] == "http://here:7860/"
    assert "elsewhere" not in answer.text and "twitter:creator" not in found and '<meta name="kept" />' in answer.text
    assert answer.text.count("og:title") == 2 and len(answer.content) == int(answer.headers["content-length"])


@pytest.mark.parametrize(
    ("headers", "root", "here"),
    [
        ({"x-forwarded-proto": "https", "x-forwarded-host": "studio.example"}, "", "https://studio.example"),
        ({"x-forwarded-proto": "javascript"}, "/sub", "https://here:7860/sub"),
        ({"host": 'a"b'}, "", "http://a&quot;b"),
    ],
)
def test_its_addresses_are_those_under_which_the_page_is_asked_for(headers, root, here):
    found = tags(answered(f"{root}/", headers, root=root).text)
    assert found["og:url"] == f"{here}/" and found["og:image"] == f"{here}/card.jpg"


def test_its_picture_is_served_and_all_else_passes_as_it_is(tmp_path):
    answer = answered("/card.jpg")
    assert answer.headers["content-type"] == "image/jpeg" and answer.content[:2] == b"\xff\xd8"
    assert answered("/card.jpg", picture=tmp_path / "none.jpg").status_code == 404
    assert answered("/other").text == HTML == answered(kind="application/json").text
    assert answered(method="HEAD").headers["content-length"] == str(len(HTML))
