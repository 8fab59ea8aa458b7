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
  for (const table of document.querySelectorAll("table.data")) {
    [...table.tHead.rows].at(-1).querySelectorAll("th").forEach((head, index) => {
      const handle = document.createElement("button");
      handle.type = "button";
      handle.append(...head.childNodes);
      head.append(handle);
      handle.addEventListener("click", () => sort(table, index, head));
    });
    if (!("filter" in table.dataset)) continue;
    const line = document.createElement("p");
    line.className = "filter";
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "Filter rows";
    input.setAttribute("aria-label", "Filter rows");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    line.append(input);
    table.parentElement.before(line);
  }
})();
