"""The incident browser over HTTP, without a browser: permanent links, filters, hostile addresses."""

import re
from collections.abc import Iterator

import httpx
import pytest

from app.casebook import Casebook
from app.diagnosis import Request
from app.web import browse
from kb.types import Group


@pytest.fixture(scope="module")
def client(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site) as opened:
        yield opened


def test_the_language_follows_the_browser_and_can_be_switched(client: httpx.Client) -> None:
    for accepted, lang in (("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("de,en;q=0.9,zh;q=0.2", "en"), ("en-GB", "en")):
        assert (
            httpx.get(f"{client.base_url}/", headers={"accept-language": accepted}).headers["location"] == f"/{lang}/"
        )
    client.get("/incidents?lang=zh", headers={"accept-language": "en"})
    assert 'lang="zh"' in client.get("/groups", headers={"accept-language": "en"}).text
    client.cookies.clear()


def test_every_incident_and_group_has_its_page(client: httpx.Client, casebook: Casebook) -> None:
    for path in ("incidents/axolotl-loss-zero-field-mapping", "groups/loss-zero"):
        for lang in ("en", "zh"):
            answer = client.get(f"/{path}?lang={lang}")
            assert answer.status_code == 200
            assert f'<html lang="{lang}">' in answer.text
    page = client.get("/incidents/axolotl-loss-zero-field-mapping?lang=zh").text
    assert all(f"<h2>{heading}</h2>" in page for heading in ("现象", "检查", "原因", "修复", "预防", "来源"))
    assert re.search(r'<li id="source-1">.*?href="https://github.com/axolotl-ai-cloud/axolotl/issues/2357"', page, re.S)
    part = client.get("/incidents/axolotl-loss-zero-field-mapping?part=true").text
    assert "<html" not in part
    for group in casebook.groups():
        assert client.get(f"/groups/{group}").status_code == 200


@pytest.mark.parametrize("path", ["incidents/none", "groups/none", "cases/none", "incidents/..%2f..%2fetc%2fpasswd"])
def test_what_is_not_there_is_a_404(client: httpx.Client, path: str) -> None:
    assert client.get(f"/{path}").status_code == 404


def test_outcomes_stand_on_the_incident_and_open_questions_on_a_page(client: httpx.Client, casebook: Casebook) -> None:
    log = "[axolotl.train]\n" + "{'loss': 0.0, 'grad_norm': 0.0, 'learning_rate': 4e-07, 'epoch': 0.01}\n" * 3
    first = casebook.diagnose(Request(text=log), owner="web:somebody")
    casebook.feedback(first.case, "fixed", owner="web:somebody")
    assert "it fixed" in client.get(f"/incidents/{first.causes[0].incident}?lang=en").text
    second = casebook.diagnose(Request(text="<b>zorble</b> flange of my training run vibrates"), owner="web:somebody")
    assert "&lt;b&gt;zorble" in client.get("/gaps").text
    for case in (first.case, second.case):
        casebook.forget(case, owner="web:somebody")


def test_filters_narrow_and_hostile_ones_are_text(client: httpx.Client) -> None:
    def count(query: str) -> int:
        return int(re.search(r'role="status">(\d+)', client.get(f"/incidents?lang=en&{query}").text)[1])  # type: ignore[index]

    everything, deepspeed = count(""), count("component=deepspeed")
    assert everything > deepspeed > count("component=deepspeed&area=training&group=loss-zero") > 0
    assert count("q=loss+zero&component=deepspeed") <= deepspeed
    page = client.get(
        "/incidents", params={"q": "<script>alert(1)</script>", "version": '"><img src=x onerror=1>'}
    ).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert client.get("/incidents", params={"q": "x" * 500}).status_code == 422
    assert client.get("/incidents", params={"page": 999}).status_code == 200


def test_a_version_filter_drops_what_that_version_does_not_have(casebook: Casebook) -> None:
    known = casebook.incidents()
    rival = known["deepspeed-multi-rank-bucket-loss-zero"]  # DeepSpeed 0.12.4 to 0.13.x
    inside = browse.fitting([rival], browse.Filter(component="deepspeed", version="0.12.6"))
    before = browse.fitting([rival], browse.Filter(component="deepspeed", version="0.12.3"))
    assert (inside, before) == ([rival], [])
    assert browse.remark(browse.Filter(version="0.12.3"), "en").startswith("Choose a component")


def test_the_table_of_a_group_says_which_answer_each_rival_needs() -> None:
    check = {"id": "c", "ask": {"en": "a"}, "how": {"en": "h"}, "cost": 1, "yes": ["a", "both"], "no": ["b", "both"]}
    group = Group.model_validate({"id": "g", "title": {"en": "t"}, "checks": [{**check, "source": "s"}]})
    assert [browse.standing(i, group.checks[0]) for i in ("a", "b", "both", "unnamed")] == ["yes", "no", "", ""]


def test_pages_say_what_may_be_loaded_and_give_an_unguessable_visitor(client: httpx.Client) -> None:
    answer = httpx.get(f"{client.base_url}/incidents")
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    cookie = answer.headers["set-cookie"]
    assert re.match(r"casebook_visitor=[\w-]{43}; HttpOnly; Path=/; Max-Age=\d+; SameSite=Lax", cookie)
    assert (
        "set-cookie" not in httpx.get(f"{client.base_url}/incidents", headers={"cookie": cookie.split(";")[0]}).headers
    )
