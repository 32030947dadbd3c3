"""What is looked for on every page is found where it is: a page that has each fault once."""

from playwright.async_api import Browser

from tests.browser.conftest import faults_of

PAGE = """<!doctype html><html lang="en"><title>Faults</title>
<style>
  @keyframes fades { to { opacity: 0 } } i { animation: fades 1s infinite } button { outline: 1px solid }
  .bare { outline: none } .narrow { width: 30px; overflow: hidden; white-space: nowrap }
  .first, .second { position: absolute; top: 300px } .second { top: 200px }
  .under, .over { position: absolute; top: 400px; left: 200px; margin: 0 } .words { position: absolute; top: 500px }
</style>
<main><h1>Faults</h1><i>moves</i> <button class="bare">without a ring</button>
<svg width="20" height="20"><rect width="9" height="9" fill="#fefefe"/></svg>
<p class="narrow">too long for it</p><p class="words">one</p><p class="words">two</p>
<ul><li><button class="first">last</button><button class="second">first</button></li></ul>
<button class="under">below</button><p class="over">above it all</p></main>"""
SAID = (
    "moves: fades",
    "no ring: <button",
    "cannot be told from the ground: <rect",
    "cut at a side: “too long for it”",
    "one over the other: “one” and “two”",
    "read after, and stands above: <button",
    "under another: <button",
)


async def test_each_fault_is_found(chromium: Browser) -> None:
    page = await (await chromium.new_context()).new_page()
    await page.emulate_media(reduced_motion="reduce", forced_colors="active")
    await page.set_content(PAGE)

    faults = await faults_of(page, is_forced=True)

    assert [said for said in SAID if not any(fault.startswith(said) for fault in faults)] == []
