"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* a page opened from a file may not keep it */ } };
  if (kept()) root.dataset.theme = kept();
  const button = document.getElementById("theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    const now = root.dataset.theme || (dark.matches ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    keep(root.dataset.theme);
  });

  // Each file is in the page once: other buttons for it press the first.
  for (const again of document.querySelectorAll("button.again")) {
    again.hidden = false;
    again.addEventListener("click", () => document.getElementById(again.dataset.of).click());
  }

  // The picture is in the page already: the button saves it without a second copy.
  for (const png of document.querySelectorAll("button.png")) {
    png.hidden = false;
    png.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = png.closest("figure").querySelector("img").src;
      link.download = png.dataset.name;
      link.click();
    });
  }

  if (matchMedia("(max-width: 56rem)").matches) document.querySelector(".menu").open = false;

  const compare = (a, b) => {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en") : x - y;
  };
  const sort = (table, index, head) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const key = (row) => row.cells[index].dataset.sort;
    const order = (a, b) => {
      if (key(a) === "" || key(b) === "") return compare(key(a), key(b));
      return (down ? -1 : 1) * compare(key(a), key(b));
    };
    body.append(...[...body.rows].sort(order));
  };
  // Above a table: any words, and for each column that says so one of its texts, or the most that it may hold.
  const narrow = (table) => {
    const rows = [...table.tBodies[0].rows];
    const tests = new Map();
    const make = (name, said) => Object.assign(document.createElement(name), said);
    const line = make("div", { className: "filter" });
    const left = make("output", {});
    const add = (control, test, box = control) => {
      control.addEventListener("input", () => {
        tests.delete(control);
        if (control.value !== "") tests.set(control, test);
        for (const row of rows) row.hidden = ![...tests.values()].every((passes) => passes(row));
        left.textContent = tests.size ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
      });
      line.append(box);
    };
    const search = make("input", { type: "search", placeholder: "Filter rows" });
    search.setAttribute("aria-label", "Filter rows");
    const holds = (row) => search.value.toLowerCase().split(/\s+/).every((word) => row.textContent.toLowerCase().includes(word));
    add(search, holds);
    [...table.tHead.rows].at(-1).querySelectorAll("th").forEach((head, index) => {
      const cell = (row) => row.cells[index];
      const box = make("label", { textContent: head.textContent });
      if (head.dataset.facet === "choice") {
        const texts = new Set(rows.map((row) => cell(row).querySelector("span").textContent).filter(Boolean));
        if (texts.size < 2) return;
        const choice = make("select", {});
        choice.append(new Option("any", ""), ...[...texts].sort((a, b) => a.localeCompare(b, "en")).map((text) => new Option(text, text)));
        box.append(" ", choice);
        add(choice, (row) => cell(row).querySelector("span").textContent === choice.value, box);
      } else if (head.dataset.facet === "most") {
        if (rows.every((row) => cell(row).dataset.sort === "")) return;
        const most = make("input", { type: "number", min: 0, step: "any" });
        box.append(", at most ", most);
        add(most, (row) => cell(row).dataset.sort !== "" && Number(cell(row).dataset.sort) <= Number(most.value), box);
      }
    });
    line.append(left);
    table.parentElement.before(line);
  };
  for (const table of document.querySelectorAll("figure table.data")) {
    if ("filter" in table.dataset) narrow(table);
    [...table.tHead.rows].at(-1).querySelectorAll("th").forEach((head, index) => {
      const handle = document.createElement("button");
      handle.type = "button";
      handle.append(...head.childNodes);
      head.append(handle);
      handle.addEventListener("click", () => sort(table, index, head));
    });
  }
})();

// Figures answer to mouse and keys: each mark is [per cent from the left, from the top, text, picture].
(() => {
  const NEAR = 24; // pixels
  for (const layer of document.querySelectorAll("[data-marks]")) {
    const figure = layer.closest("figure");
    const region = layer.parentElement;
    const marks = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const order = marks.map((_, place) => place).sort((a, b) => marks[a][0] - marks[b][0] || marks[a][1] - marks[b][1]);
    const make = (name) => Object.assign(document.createElement("div"), { className: name });
    const [ring, tip, pins, said] = ["ring", "tip", "pins", "said"].map(make);
    ring.hidden = tip.hidden = true;
    said.setAttribute("aria-live", "polite");
    layer.append(ring);
    region.after(tip, said, pins);
    let at = -1;
    const card = (mark) => {
      const box = document.createDocumentFragment();
      if (mark[3]) {
        const picture = document.createElement("img");
        Object.assign(picture, { src: mark[3], alt: `picture ${mark[2].split("\n")[0]}` });
        box.append(picture);
      }
      for (const line of mark[2].split("\n")) box.append(Object.assign(document.createElement("p"), { textContent: line }));
      return box;
    };
    const place = (mark) => {
      const frame = layer.getBoundingClientRect();
      return [frame.left + (mark[0] * frame.width) / 100, frame.top + (mark[1] * frame.height) / 100];
    };
    const show = (next) => {
      if (next === at) return;
      at = next;
      ring.hidden = tip.hidden = at < 0;
      if (at < 0) return;
      const mark = marks[at];
      Object.assign(ring.style, { left: `${mark[0]}%`, top: `${mark[1]}%` });
      tip.replaceChildren(card(mark));
      const [x, y] = place(mark);
      const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
      const left = x + 14 + wide > innerWidth ? x - 14 - wide : x + 14;
      const top = y + 14 + high > innerHeight ? y - 14 - high : y + 14;
      Object.assign(tip.style, { left: `${Math.max(4, left)}px`, top: `${Math.max(4, top)}px` });
    };
    const nearest = (event) => {
      const frame = layer.getBoundingClientRect();
      let [found, least] = [-1, NEAR ** 2];
      marks.forEach((mark, index) => {
        const across = frame.left + (mark[0] * frame.width) / 100 - event.clientX;
        const down = frame.top + (mark[1] * frame.height) / 100 - event.clientY;
        const far = across * across + down * down;
        if (far < least) [found, least] = [index, far];
      });
      return found;
    };
    const pin = () => {
      if (at < 0) return;
      const kept = [...pins.children].find((one) => one.dataset.mark === String(at));
      if (kept) return kept.remove();
      const one = make("pin");
      one.dataset.mark = at;
      one.append(card(marks[at]));
      const close = Object.assign(document.createElement("button"), { type: "button", textContent: "Unpin" });
      close.addEventListener("click", () => { one.remove(); region.focus(); });
      one.append(close);
      pins.append(one);
    };
    layer.addEventListener("pointermove", (event) => show(nearest(event)));
    layer.addEventListener("pointerleave", () => show(-1));
    layer.addEventListener("click", (event) => { show(nearest(event)); pin(); });
    region.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        const now = order.indexOf(at);
        show(order[now < 0 ? (step > 0 ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, now + step))]);
        said.textContent = marks[at][2];
      } else if (event.key === "Enter") pin();
      else if (event.key === "Escape") show(-1);
      else return;
      event.preventDefault();
    });
    region.addEventListener("blur", () => show(-1));
    addEventListener("scroll", () => show(-1), { passive: true, capture: true });
  }
})();
