from __future__ import annotations

import os
import shutil
import subprocess
from urllib.parse import unquote_to_bytes

import pytest
from playwright.sync_api import expect

from tests.browser.made_gallery import HOSTILE_NAMES, MadeGallery
from tests.browser.opened_page import OpenedPage

pytestmark = pytest.mark.slow

#: A shell's own words, and what it would take for a pattern.
OTHER_NAMES = [
    "a.jpg",
    "",
    "~/x.jpg",
    "*.jpg",
    "[a-z]?.jpg",
    "a=b",
    "a b",
    "\x1b[31m\x7f.jpg",
    "\\n\udcff1.jpg",
    "'",
    "😀\u200b.jpg",
]


@pytest.fixture
def at(opened: OpenedPage, small_gallery: MadeGallery) -> OpenedPage:
    if not opened.page.url.startswith(small_gallery.address):
        opened.open(small_gallery)
    return opened


def escaped(names: list[str]) -> list[list[int]]:
    """Lone surrogates don't pass between Python and the browser, code units do."""
    return [list(memoryview(name.encode("utf-16-le", "surrogatepass")).cast("H")) for name in names]


def command_lines(at: OpenedPage, command: str, names: list[str], options: dict[str, str]) -> list[str]:
    function = """([command, names, options]) => stylewatch.commands[command](
        names.map((units) => String.fromCharCode(...units)), options)"""
    lines: list[str] = at.page.evaluate(function, [command, escaped(names), options])
    return lines


def test_a_shell_hands_over_exactly_the_names(at: OpenedPage) -> None:
    program = shutil.which("bash")
    assert program is not None
    names = [name for name in HOSTILE_NAMES + OTHER_NAMES if name]
    lines = command_lines(at, "redo", names, {"shell": "sh", "recipe": "it's mild"})
    script = "stylewatch() { printf '%s\\0' \"$@\"; }\n" + "\n".join(lines)
    done = subprocess.run(
        [program, "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", **os.environ}
    )
    wanted = [f"./{name}" if name.startswith("-") else name for name in names]
    assert done.stdout.split(b"\0")[:-1] == [
        os.fsencode(word) for word in ["redo", "stylewatch.yaml", *wanted, "--recipe", "it's mild"]
    ]


def test_nothing_that_can_not_be_seen_stands_in_a_command(at: OpenedPage) -> None:
    for shell in ("sh", "powershell"):
        (line,) = command_lines(at, "reject", HOSTILE_NAMES + OTHER_NAMES, {"shell": shell})
        assert line.encode().decode().isprintable(), shell


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("a.jpg", "a.jpg"),
        ("C:\\My photos\\a.yaml", "'C:\\My photos\\a.yaml'"),
        ("C:\\photos\\a.yaml", "C:\\photos\\a.yaml"),
        ("it's Ann\u2019s.jpg", "'it''s Ann\u2019\u2019s.jpg'"),
        ("$HOME `x` (1).jpg", "'$HOME `x` (1).jpg'"),
        ("\u202egpj.exe", "(''+[char]0x202E+'gpj.exe')"),
        ("a\u202eb", "('a'+[char]0x202E+'b')"),
        ("@args.jpg", "'@args.jpg'"),
    ],
)
def test_names_are_quoted_for_powershell(at: OpenedPage, name: str, quoted: str) -> None:
    assert at.page.evaluate("name => stylewatch.commands.quote(name, 'powershell')", name) == quoted


def test_a_text_with_escapes_has_no_quote_and_no_exclamation_mark_of_its_own(at: OpenedPage) -> None:
    quoted = at.page.evaluate("stylewatch.commands.quote('a\\'b!c\\\\d\\u0001', 'sh')")
    assert quoted == r"$'a\047b\041c\134d\001'"


def test_many_pictures_make_several_lines_that_no_system_refuses(at: OpenedPage) -> None:
    names = [f"2024/a folder with a long name/picture {number}.jpg" for number in range(2000)]
    lines = at.page.evaluate("names => stylewatch.commands.redo(names, {shell: 'sh', recipe: 'mild'})", names)
    assert 1 < len(lines) < 6
    assert max(map(len, lines)) <= 30_000
    assert all(
        line.startswith("stylewatch redo stylewatch.yaml ") and line.endswith(" --recipe mild") for line in lines
    )
    assert sum(line.count(".jpg'") for line in lines) == 2000
    assert command_lines(at, "reject", [], {}) == []


def test_the_bar_shows_the_commands_and_the_button_copies_them(at: OpenedPage) -> None:
    at.go("#/pictures?sort=name&q=img_")
    at.page.evaluate("stylewatch.selection.clear()")
    at.page.locator(".tile-select").nth(1).click()
    at.page.locator(".tile-select").nth(4).click()
    at.page.locator(".selection-commands summary").click()
    redo, reject = at.page.locator(".selection-command").all()
    command = "stylewatch redo stylewatch.yaml 2023/IMG_1--wave.jpg 2024/july/wedding/IMG_4--wave--mild.jpg"
    expect(redo).to_have_text(command)
    assert reject.inner_text().startswith("stylewatch reject stylewatch.yaml 2023/IMG_1--wave.jpg ")
    at.page.get_by_label("With recipe").select_option("mild")
    assert redo.inner_text().endswith("--mild.jpg --recipe mild")
    at.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    at.page.get_by_role("button", name="Copy the command: Make again").click()
    at.page.get_by_text("Copied", exact=True).first.wait_for()
    assert at.page.evaluate("navigator.clipboard.readText()") == redo.inner_text() + "\n"


def test_where_the_clipboard_is_refused_the_text_is_copied_or_selected(at: OpenedPage) -> None:
    at.page.evaluate(
        """() => {
            const refusing = {writeText: () => Promise.reject()};
            Object.defineProperty(navigator, 'clipboard', {configurable: true, value: refusing});
            window.copied = [];
            document.addEventListener('copy', () => window.copied.push(String(document.activeElement.value)));
            const text = stylewatch.dom.element('pre', {}, 'one two');
            window.button = stylewatch.clipboard.copyButton(() => 'one two', 'Copy it', {source: text});
            document.querySelector('main').append(text, window.button);
        }"""
    )
    at.page.evaluate("stylewatch.selection.clear()")
    at.page.get_by_role("button", name="Copy it").click()
    at.page.get_by_text("Copied", exact=True).first.wait_for()
    assert at.page.evaluate("window.copied") == ["one two"]
    at.page.evaluate("document.execCommand = () => false")
    at.page.evaluate("window.button.click()")
    at.page.get_by_text("Selected: press Ctrl+C").first.wait_for()
    assert at.page.evaluate("String(window.getSelection())") == "one two"
    at.page.reload()


def test_links_are_percent_encoded_as_the_bytes_on_disk(at: OpenedPage) -> None:
    function = "units => stylewatch.links.output(String.fromCharCode(...units))"
    names = [*HOSTILE_NAMES, "2024/a b.jpg", "c:d.jpg"]
    for name, units in zip(names, escaped(names), strict=True):
        link = at.page.evaluate(function, units)
        assert link.startswith("../")
        resolved = at.page.evaluate("link => new URL(link, location.href).href", link)
        assert resolved.startswith(at.folder.as_uri() + "/")
        assert unquote_to_bytes(resolved.removeprefix(at.folder.as_uri() + "/")) == os.fsencode(name)


def test_the_builder_refuses_what_could_run(at: OpenedPage) -> None:
    for attributes in (
        {"href": "javascript:alert(1)"},
        {"href": " java\tscript:alert(1)"},
        {"src": "https://example.org/x.png"},
        {"href": "//example.org"},
        {"onclick": "alert(1)"},
        {"style": "color: red"},
        {"srcdoc": "x"},
    ):
        refused = at.page.evaluate(
            "attributes => { try { stylewatch.dom.element('a', attributes); return false; } catch { return true; } }",
            attributes,
        )
        assert refused, attributes
    refused = "() => { try { stylewatch.dom.element('script'); return false; } catch { return true; } }"
    assert at.page.evaluate(refused)
