// What is wrong with how a page looks, beyond what axe finds: sentences. Text is measured as it is painted, line by line.
() => {
  const faults = new Set(), seen = (node) => `“${(node.textContent || node.outerHTML).trim().slice(0, 60)}”`;
  const isHidden = (element) => {
    if (element.closest("[hidden]") || !element.checkVisibility({ visibilityProperty: true })) return true;
    for (let at = element; at; at = at.parentElement) if (style(at).clipPath === "inset(50%)") return true; // heard, not seen
    return false;
  };
  const style = (element) => getComputedStyle(element);

  // ---- lines of text, cut to what their ancestors show of them
  const lines = [], range = document.createRange();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, parent = text.parentElement;
    if (!text.data.trim() || isHidden(parent) || parent.closest("title, script, .skip-link")) continue;
    range.selectNodeContents(text);
    for (const one of range.getClientRects()) {
      const box = { left: one.left, right: one.right, top: one.top, bottom: one.bottom }, whole = { ...box };
      let layer = null, isCut = true;
      for (let at = parent; at && at !== document.body; at = at.parentElement) {
        const { overflowX, overflowY, textOverflow, position } = style(at), edge = at.getBoundingClientRect();
        if (overflowX !== "visible" && !at.closest("svg")) {
          isCut &&= textOverflow !== "ellipsis" && overflowX === "hidden";
          if (isCut && (box.right > edge.right + 1 || box.left < edge.left - 1)) faults.add(`cut at a side: ${seen(text)}`);
          Object.assign(box, { left: Math.max(box.left, edge.left), right: Math.min(box.right, edge.right) });
        }
        if (overflowY !== "visible" && !at.closest("svg")) {
          if (overflowY === "hidden" && box.bottom > edge.bottom + 2) faults.add(`cut below: ${seen(text)}`);
          Object.assign(box, { top: Math.max(box.top, edge.top), bottom: Math.min(box.bottom, edge.bottom) });
        }
        if (at.matches("button, .btn, .tag, .pill, td, th, .stop") && isCut
          && (whole.right > edge.right + 2 || whole.bottom > edge.bottom + 3)) faults.add(`beyond its box: ${seen(text)}`);
        if (["fixed", "sticky"].includes(position) || at.matches("dialog, .menu, .others .nav, .newer")) layer ??= at;
      }
      if (box.left < -1) faults.add(`beyond the left side: ${seen(text)}`);
      if (box.right - box.left > 1 && box.bottom - box.top > 1) lines.push({ ...box, layer, text });
    }
  }
  lines.sort((a, b) => a.top - b.top);
  lines.forEach((one, n) => {
    for (const other of lines.slice(n + 1)) {
      if (other.top >= one.bottom) break;
      if (other.layer !== one.layer || other.text === one.text) continue;
      const wide = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const high = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      const least = Math.min(one.bottom - one.top, other.bottom - other.top);
      if (wide > 2 && high > 0.4 * least) faults.add(`one over the other: ${seen(one.text)} and ${seen(other.text)}`);
    }
  });

  // ---- what moves, and what forced colours leave
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
    for (const one of document.getAnimations()) faults.add(`moves: ${one.animationName || one.transitionProperty}`);
  }
  const numbers = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const light = (colour) => numbers(colour).slice(0, 3)
    .map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const isPainted = (colour) => colour.startsWith("rgb") && numbers(colour)[3] !== 0;
  if (matchMedia("(forced-colors: active)").matches) {
    const canvas = style(document.body).backgroundColor;
    const shapes = document.querySelectorAll(":is(rect, circle, line, polyline, path, use):not(symbol *):not(.m-grid, .m-ahead)");
    for (const shape of shapes) {
      if (isHidden(shape.closest("svg"))) continue;
      const { fill, stroke, color } = style(shape), colours = shape.matches("use") ? [color] : [fill, stroke].filter(isPainted);
      if (colours.length && colours.every((one) => contrast(one, canvas) < 3)) {
        faults.add(`cannot be told from the ground: ${shape.getAttribute("class") || shape.outerHTML}`);
      }
    }
  }

  // ---- each thing that can be used shows that it has the focus, and is not under another
  const before = document.activeElement, order = [], [x, y] = [scrollX, scrollY];
  const used = document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']");
  const isBoxOpen = document.querySelector("dialog[open]");
  for (const one of used) {
    if (one.disabled || one.tabIndex < 0 || one.closest("[hidden]") || !one.checkVisibility() || (isBoxOpen && !isBoxOpen.contains(one))) continue;
    if (one.tabIndex > 0) faults.add(`not in the order of reading: ${one.outerHTML.slice(0, 80)}`);
    one.focus();
    order.push(one);
    if (document.activeElement !== one || !one.matches(":focus-visible")) continue;
    const ringed = one.matches(".hide") ? one.nextElementSibling || one : one, { outlineStyle, outlineWidth } = style(ringed);
    if (outlineStyle === "none" || parseFloat(outlineWidth) < 1) faults.add(`no ring: ${one.outerHTML.slice(0, 80)}`);
    const [box] = ringed.getClientRects();
    const at = box && document.elementFromPoint(box.left + Math.min(8, box.width / 2), box.top + Math.min(12, box.height / 2));
    if (at && !at.contains(ringed) && !ringed.contains(at) && at.closest("label")?.control !== one) {
      faults.add(`under another: ${one.outerHTML.slice(0, 80)} and ${at.outerHTML.slice(0, 80)}`);
    }
  }
  // The next one in a row, a line of a list or a form stands beside or below the one before.
  order.slice(1).forEach((one, n) => {
    const last = order[n], row = last.closest("tr, li, .acts, .field, .plan, .filters, .finder, .find");
    if (!row?.contains(one) || last.matches("summary")) return;
    const above = one.getBoundingClientRect(), below = last.getBoundingClientRect();
    if (above.bottom <= below.top + 2) faults.add(`read after, and stands above: ${one.outerHTML.slice(0, 80)} and ${last.outerHTML.slice(0, 80)}`);
  });
  before?.focus?.();
  if (before === document.body) document.activeElement.blur();
  scrollTo(x, y);
  return [...faults];
}
