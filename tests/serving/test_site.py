"""What is answered to whom: methods, hosts, passwords, parts of files, caches, and the headers of all answers."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
from werkzeug.security import generate_password_hash
from werkzeug.test import Client, TestResponse

from pipeline.serving.files import SiteFolders
from pipeline.serving.passwords import PasswordCheck
from pipeline.serving.site import CONTENT_SECURITY_POLICY, Answer, Monitoring, Site
from tests.serving.sites import PICTURE, THUMB, Visitor, make_output, make_site, odd_picture

PASSWORD = "correct horse"


@pytest.fixture
def folders(tmp_path: Path) -> SiteFolders:
    return make_output(tmp_path / "out")


@pytest.fixture
def visitor(folders: SiteFolders) -> Visitor:
    return make_site(folders)


@pytest.fixture
def guarded(folders: SiteFolders) -> Visitor:
    passwords = PasswordCheck(generate_password_hash(PASSWORD, "pbkdf2:sha256:1"))
    return make_site(folders, passwords, details=Answer("3: /home/me is full\n", status=503))


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [b"/", b"/gallery", b"/gallery/"])
def test_folders_lead_to_the_page(visitor: Visitor, path: bytes) -> None:
    answer = visitor.get(path)
    assert answer.status_code == 302
    base = "/gallery/" if path.endswith(b"y/") else "/"
    assert base + answer.headers["Location"] == "/gallery/index.html"  # relative: behind a proxy, too
    assert visitor.get(b"/gallery/index.html").data.startswith(b"<!doctype html>")


def test_no_folder_is_listed(visitor: Visitor) -> None:
    assert [visitor.get(path).status_code for path in (b"/deep", b"/deep/", b"/gallery/thumbs/")] == [404] * 3


def test_a_name_that_is_not_utf8_works_as_a_link(folders: SiteFolders, visitor: Visitor) -> None:
    assert visitor.get(b"/" + odd_picture(folders.output)).data == PICTURE


def test_without_a_page_it_says_what_makes_one(folders: SiteFolders, visitor: Visitor) -> None:
    folders.page.unlink()
    answer = visitor.get(b"/gallery/index.html")
    assert (answer.status_code, "'stylewatch gallery CONFIG' makes it" in answer.text) == (404, True)


def test_a_disk_that_goes_away_and_comes_back_is_only_said(folders: SiteFolders, visitor: Visitor) -> None:
    away = folders.output.with_name("away")
    folders.output.rename(away)
    answers = [visitor.get(path) for path in (b"/gallery/index.html", b"/a--night.jpg")]
    assert [(answer.status_code, "mount its disk" in answer.text) for answer in answers] == [(503, True)] * 2
    away.rename(folders.output)
    assert visitor.get(b"/a--night.jpg").data == PICTURE


# --- methods and hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", [b"/", b"/a--night.jpg", b"/healthz", b"/metrics"])
def test_only_get_and_head_are_allowed(visitor: Visitor, method: str, path: bytes) -> None:
    answer = Client(visitor.site).open(
        path.decode(), headers={"Host": "localhost"}, environ_overrides={"REQUEST_METHOD": method}
    )
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert visitor.get(path).status_code in (200, 302)


@pytest.mark.parametrize(
    "path", [b"/a--night.jpg", b"/gallery/index.html", b"/healthz", b"/metrics", b"/nothing.jpg"]
)
def test_head_has_the_headers_of_get_and_no_body(visitor: Visitor, path: bytes) -> None:
    head, whole = visitor.get(path, "HEAD"), visitor.get(path)
    assert head.data == b""
    assert whole.data
    assert head.status_code == whole.status_code
    assert head.headers.get("Content-Length") == str(len(whole.data))
    assert set(head.headers) == set(whole.headers)


@pytest.mark.parametrize("path", [b"/", b"/a--night.jpg", b"/healthz", b"/metrics"])
def test_another_host_name_gets_nothing(visitor: Visitor, path: bytes) -> None:
    visitor.host = "evil.example:8765"
    answer = visitor.get(path)
    assert (answer.status_code, "--host-name" in answer.text) == (421, True)
    visitor.host = "nas.local"
    assert visitor.get(path).status_code in (200, 302)


# --- headers ----------------------------------------------------------------------------------------------


def every_kind_of_answer(visitor: Visitor) -> list[TestResponse]:
    paths = (b"/", b"/gallery/index.html", b"/a--night.jpg", b"/nothing.jpg", b"/healthz", b"/metrics")
    answers = [visitor.get(path) for path in paths]
    return [*answers, visitor.get(b"/", "POST"), visitor.get(b"/a--night.jpg", Range="bytes=900-")]


def test_every_answer_has_the_headers_of_security(visitor: Visitor) -> None:
    answers = every_kind_of_answer(visitor)
    assert {answer.status_code for answer in answers} == {200, 302, 404, 405, 416}
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Cross-Origin-Opener-Policy" not in answer.headers, "over plain HTTP, browsers complain of it"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert policy.endswith("; frame-ancestors 'none'")
        assert "script-src" not in policy or "script-src 'self';" in policy
        assert len(answer.headers.getlist("Content-Security-Policy")) == 1


def test_the_header_allows_the_page_what_it_allows_itself_but_nothing_of_the_disk() -> None:
    template = files("pipeline.report.gallery").joinpath("templates/index.html").read_text(encoding="utf-8")
    (own,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', template)
    assert own.replace(" file:", "") == CONTENT_SECURITY_POLICY


def test_a_picture_alone_may_run_nothing(visitor: Visitor) -> None:
    policy = visitor.get(b"/a--night.jpg").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy


def test_copies_are_kept_for_long_and_all_else_is_asked_for_again(visitor: Visitor) -> None:
    assert visitor.get(f"/{THUMB}".encode()).headers["Cache-Control"] == "private, max-age=2592000"
    for path in (b"/gallery/index.html", b"/gallery/assets/gallery.js", b"/a--night.jpg"):
        assert visitor.get(path).headers["Cache-Control"] == "private, no-cache"
    # The page asks for its data by a new address each time, which would only fill the browser's disk.
    for path in (b"/", b"/nothing.jpg", b"/healthz", b"/metrics", b"/gallery/data/catalog.js"):
        assert visitor.get(path).headers["Cache-Control"] == "no-store"


def test_what_has_not_changed_is_not_sent_again(folders: SiteFolders, visitor: Visitor) -> None:
    first = visitor.get(b"/a--night.jpg")
    again = visitor.get(b"/a--night.jpg", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    (folders.output / "a--night.jpg").write_bytes(PICTURE * 2)
    changed = visitor.get(b"/a--night.jpg", If_None_Match=first.headers["ETag"])
    assert (changed.status_code, changed.data) == (200, PICTURE * 2)


# --- parts of files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "part"), [("bytes=0-3", PICTURE[:4]), ("bytes=5-", PICTURE[5:]), ("bytes=-2", PICTURE[-2:])]
)
def test_a_part_of_a_file_is_sent(visitor: Visitor, wanted: str, part: bytes) -> None:
    answer = visitor.get(b"/a--night.jpg", Range=wanted)
    assert (answer.status_code, answer.data) == (206, part)
    start = PICTURE.index(part)
    assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(part) - 1}/{len(PICTURE)}"
    assert visitor.get(b"/a--night.jpg").headers["Accept-Ranges"] == "bytes"


def test_a_part_beyond_the_end_is_refused_with_the_size(visitor: Visitor) -> None:
    answer = visitor.get(b"/a--night.jpg", Range="bytes=900-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(PICTURE)}")


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "bytes=x", "lines=0-1", "bytes=5-2", "bytes=-9999", ""])
def test_what_is_not_one_part_gets_the_whole(visitor: Visitor, wanted: str) -> None:
    answer = visitor.get(b"/a--night.jpg", Range=wanted)
    assert (answer.status_code, answer.data) == (200, PICTURE)


def test_a_part_of_a_file_that_was_replaced_meanwhile_is_all_of_it(visitor: Visitor) -> None:
    version = visitor.get(b"/a--night.jpg").headers["ETag"]
    assert visitor.get(b"/a--night.jpg", Range="bytes=0-3", If_Range=version).status_code == 206
    assert visitor.get(b"/a--night.jpg", Range="bytes=0-3", If_Range='"another"').data == PICTURE


# --- monitors and passwords -------------------------------------------------------------------------------


def test_monitors_get_what_the_state_is(folders: SiteFolders) -> None:
    visitor = make_site(folders, health=Answer("3: killed\n", status=503), metrics=Answer(b"a 1\n", "text/x"))
    health, metrics = visitor.get(b"/healthz"), visitor.get(b"/metrics")
    assert (health.status_code, health.text) == (503, "3: killed\n")
    assert (metrics.status_code, metrics.data, metrics.content_type) == (200, b"a 1\n", "text/x")


def test_without_the_password_there_is_only_the_health_in_short(guarded: Visitor) -> None:
    for path in (b"/", b"/gallery/index.html", b"/a--night.jpg", b"/metrics", b"/nothing.jpg"):
        answer = guarded.get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="stylewatch", charset="UTF-8"'
        assert guarded.get(path, password="wrong").status_code == 401
        assert guarded.get(path, password=PASSWORD).status_code in (200, 302, 404)
    assert guarded.get(b"/healthz").text == "0: all is well\n"
    assert guarded.get(b"/healthz", password=PASSWORD).text == "3: /home/me is full\n"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /w==", "Bearer abc", "Basic OnhfeA", "Digest username=a", ""]
)
def test_what_is_no_password_is_asked_for_one(guarded: Visitor, header: str) -> None:
    assert guarded.get(b"/a--night.jpg", Authorization=header).status_code == 401


def test_too_many_wrong_passwords_have_to_wait(guarded: Visitor) -> None:
    answers = [guarded.get(b"/", password="wrong") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    guarded.address = "192.168.1.9"
    assert guarded.get(b"/", password=PASSWORD).status_code == 302


def test_a_health_check_with_a_wrong_password_counts_as_a_try(guarded: Visitor) -> None:
    for _ in range(5):
        guarded.get(b"/healthz", password="wrong")
    answer = guarded.get(b"/healthz", password=PASSWORD)
    assert (answer.status_code, answer.text) == (200, "0: all is well\n")
    assert guarded.get(b"/", password=PASSWORD).status_code == 429


# --- the unexpected ---------------------------------------------------------------------------------------


def test_an_unexpected_error_ends_one_answer_and_is_reported(folders: SiteFolders, visitor: Visitor) -> None:
    reported: list[str] = []

    def fails(_: object) -> Answer:
        raise RuntimeError("a bug")

    hosts = visitor.site._hosts
    site = Site(folders, hosts, Monitoring(health=fails, metrics=fails), report=reported.append)
    answer = Visitor(site).get(b"/metrics")
    assert (answer.status_code, "Traceback" in answer.text) == (500, False)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert reported == ["unexpected RuntimeError: a bug"]
    assert Visitor(site).get(b"/a--night.jpg").data == PICTURE
