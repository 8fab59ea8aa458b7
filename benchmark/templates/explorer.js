"use strict";
// Tiles of a data set: only those in sight are in the page, so that ten thousand scroll like ten.
(() => {
  const get = (id) => document.getElementById(id);
  const { columns, methods, maps = [], word } = JSON.parse(get("table").textContent);
  const count = columns.image.length;
  const SIDE = 208, HIGH = 246; // pixels of a tile
  const box = get("tiles"), room = get("room"), large = get("large");
  const make = (name, about = {}, ...children) => {
    const made = Object.assign(document.createElement(name), about);
    made.append(...children);
    return made;
  };
  const shown = (value, digits = 4) =>
    value === null || value === undefined ? "–" : String(Number(value.toPrecision(digits))).replace("-", "−");

  // What can be chosen.
  const choices = (id, values) => {
    const select = get(id);
    const kinds = [...new Set(values.filter((value) => value !== "" && value !== null))];
    kinds.sort((a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en")));
    select.append(make("option", { value: "", textContent: "all" }));
    for (const kind of kinds) select.append(make("option", { value: kind, textContent: kind }));
    select.parentElement.hidden = kinds.length < 2;
  };
  choices("distortion", columns.distortion);
  choices("at", columns.level);
  choices("reference", columns.reference);
  choices("split", columns.split);
  get("maps").parentElement.hidden = !maps.length;
  for (const id of ["method", "other"])
    methods.forEach((one, place) => get(id).append(make("option", { value: one.name, textContent: one.title, selected: id === "other" && place === 1 })));

  // The state is in the controls, and in the address.
  const KEYS = ["sort", "method", "other", "order", "from", "to", "distortion", "at", "reference", "split", "maps", "words"];
  const usual = Object.fromEntries(KEYS.map((key) => [key, get(key).value]));
  let opened = -1;
  const address = () => {
    const said = new URLSearchParams();
    for (const key of KEYS) if (get(key).value !== usual[key]) said.set(key, get(key).value);
    if (opened >= 0) said.set("open", columns.image[opened]);
    const text = said.toString();
    if (location.hash.slice(1) !== text) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  };
  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    for (const key of KEYS) {
      const field = get(key);
      field.value = said.get(key) ?? usual[key];
      if (field.value !== (said.get(key) ?? usual[key])) field.value = usual[key];
    }
    arrange();
    const wanted = said.get("open");
    const place = wanted === null ? -1 : columns.image.indexOf(wanted.replace(/^images\//, ""));
    if (place >= 0) open(place);
    else if (large.open) large.close();
  };

  // Order and choice.
  const method = (id) => methods.find((one) => one.name === get(id).value) ?? methods[0];
  const values = () => {
    const kind = get("sort").value;
    if (kind === "score" || kind === "residual") return method("method")?.[kind] ?? columns.mos;
    if (kind === "apart") {
      const [a, b] = [method("method"), method("other")];
      if (!a) return columns.mos;
      return a.rank.map((rank, place) => (rank === null || b.rank[place] === null ? null : rank - b.rank[place]));
    }
    return columns[kind];
  };
  // Maps are of a picture of which a part was degraded: of this one, or of another of its reference.
  const own = (place) => maps.filter((one) => one.of === place);
  const related = (place) => maps.filter((one) => one.of !== place && one.reference !== "" && one.reference === columns.reference[place]);
  const MEANING = {
    residual: `Residual: the ${word} less what the fitted mapping makes of the score.`,
    apart: "Disagreement: rank by the first method less rank by the second, in thousandths of all pictures; above 0, the first thinks better of the picture.",
  };
  let key = [], listed = [], current = 0;
  const arrange = () => {
    const kind = get("sort").value;
    get("method").parentElement.hidden = !["score", "residual", "apart"].includes(kind);
    get("other").parentElement.hidden = kind !== "apart";
    get("from").parentElement.hidden = get("to").parentElement.hidden = kind === "image";
    get("meaning").textContent = MEANING[kind] ?? "";
    key = values();
    const number = (id) => (get(id).value === "" || kind === "image" ? null : Number(get(id).value));
    const [from, to] = [number("from"), number("to")];
    const words = get("words").value.toLowerCase();
    const is = (id, column) => get(id).value === "" ? () => true : (place) => String(columns[column][place]) === get(id).value;
    const tests = [is("distortion", "distortion"), is("at", "level"), is("reference", "reference"), is("split", "split")];
    const asked = get("maps").value;
    if (asked) tests.push((place) => own(place).length > 0 || (asked === "reference" && related(place).length > 0));
    if (words) tests.push((place) => columns.image[place].toLowerCase().includes(words));
    if (from !== null) tests.push((place) => key[place] !== null && key[place] >= from);
    if (to !== null) tests.push((place) => key[place] !== null && key[place] <= to);
    const way = get("order").value === "down" ? -1 : 1;
    listed = columns.image.map((_, place) => place).filter((place) => tests.every((test) => test(place)));
    listed.sort((a, b) => {
      const [x, y] = [key[a], key[b]];
      if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1; // those without a value last
      return (typeof x === "string" ? way * x.localeCompare(y, "en") : way * (x - y)) || a - b;
    });
    get("count").textContent = `${listed.length.toLocaleString("en")} of ${count.toLocaleString("en")} pictures`;
    current = Math.min(current, Math.max(0, listed.length - 1));
    box.scrollTop = 0;
    current = 0;
    draw(true);
    address();
  };

  // Tiles.
  const picture = (place, part = "whole") => {
    const frame = make("div", { className: "frame" });
    if (!columns.file[place]) {
      frame.append(make("span", { textContent: "no picture" }));
      return frame;
    }
    const crop = part === "crop";
    const image = make("img", { src: columns.file[place], alt: "", draggable: false });
    const side = Math.min(144, columns.width[place]), tall = Math.min(144, columns.height[place]);
    image.style.width = `${crop ? side : columns.wide[place]}px`;
    image.style.height = `${crop ? tall : columns.high[place]}px`;
    if (crop) image.style.objectPosition = `${-columns.crop[place]}px 0`;
    frame.append(image);
    return frame;
  };
  const across = () => Math.max(1, Math.floor(box.clientWidth / SIDE));
  const cells = new Map();
  const draw = (anew = false) => {
    if (anew) { room.replaceChildren(); cells.clear(); }
    const wide = across();
    room.style.height = `${Math.ceil(listed.length / wide) * HIGH}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / HIGH) - 1) * wide;
    const last = Math.min(listed.length, (Math.ceil((box.scrollTop + box.clientHeight) / HIGH) + 1) * wide);
    for (const [place, cell] of cells) if (place < first || place >= last) { if (!cell.contains(document.activeElement)) { cell.remove(); cells.delete(place); } }
    for (let place = first; place < last; place++) {
      let cell = cells.get(place);
      if (!cell) {
        cell = tile(place);
        cells.set(place, cell);
        const next = [...cells.keys()].filter((other) => other > place).sort((a, b) => a - b)[0];
        room.insertBefore(cell, next === undefined ? null : cells.get(next)); // read in the order seen
      }
      Object.assign(cell.style, { left: `${(place % wide) * SIDE}px`, top: `${Math.floor(place / wide) * HIGH}px`, width: `${SIDE}px`, height: `${HIGH}px` });
      cell.firstChild.tabIndex = place === current ? 0 : -1;
    }
  };
  const tile = (place) => {
    const index = listed[place];
    const button = make("button", { type: "button" }, picture(index));
    const value = typeof key[index] === "string" ? "" : `${shown(key[index])}; `;
    button.append(make("span", { textContent: `${get("sort").value === "mos" ? "" : value}${word} ${shown(columns.mos[index], 3)}` }));
    button.append(make("span", { className: "name", textContent: columns.image[index] }));
    button.addEventListener("click", () => { current = place; open(index); });
    button.addEventListener("focus", () => { current = place; for (const [at, cell] of cells) cell.firstChild.tabIndex = at === current ? 0 : -1; });
    const cell = make("div", { className: "cell" }, button);
    cell.setAttribute("role", "listitem");
    cell.setAttribute("aria-posinset", place + 1);
    cell.setAttribute("aria-setsize", listed.length);
    return cell;
  };
  const go = (place) => {
    current = Math.max(0, Math.min(listed.length - 1, place));
    const top = Math.floor(current / across()) * HIGH;
    if (top < box.scrollTop) box.scrollTop = top;
    if (top + HIGH > box.scrollTop + box.clientHeight) box.scrollTop = top + HIGH - box.clientHeight;
    draw();
    cells.get(current)?.firstChild.focus({ preventScroll: true });
  };
  box.addEventListener("scroll", () => draw(), { passive: true });
  box.addEventListener("keydown", (event) => {
    const page = across() * Math.max(1, Math.floor(box.clientHeight / HIGH));
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across(), PageDown: page, PageUp: -page };
    if (event.key in steps) go(current + steps[event.key]);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(listed.length - 1);
    else return;
    event.preventDefault();
  });
  addEventListener("resize", () => draw());

  // One picture, large.
  const strip = (rank, people) => {
    const line = make("span", { className: "rank" });
    const add = (name, left, wide) => {
      const part = make("i", { className: name });
      part.style.left = `${left / 10}%`;
      if (wide !== undefined) part.style.width = `${wide / 10}%`;
      line.append(part);
    };
    if (columns.from[people] !== null) add("spread", columns.from[people], columns.to[people] - columns.from[people]);
    if (columns.rank[people] !== null) add("people", columns.rank[people]);
    if (rank !== null) add("", rank);
    return line;
  };
  const percent = (rank) => (rank === null ? "–" : `${shown(rank / 10, 3)} %`);
  const open = (index) => {
    opened = index;
    get("large-name").textContent = columns.image[index];
    const parts = [make("figure", {}, picture(index), make("figcaption", { textContent: columns.crop[index] ? `whole, ${columns.width[index]} x ${columns.height[index]} reduced` : "whole, at full size" }))];
    if (columns.crop[index]) parts.push(make("figure", {}, picture(index, "crop"), make("figcaption", { textContent: "middle, at full size" })));
    get("both").replaceChildren(...parts);
    const spread = columns.std[index] === null ? "" : ` ± ${shown(columns.std[index], 3)}`;
    const about = [`${word} ${shown(columns.mos[index])}${spread}, rank ${percent(columns.rank[index])}`];
    for (const [name, column] of [["distortion", "distortion"], ["level", "level"], ["reference", "reference"], ["split", "split"]])
      if (columns[column][index] !== "" && columns[column][index] !== null) about.push(`${name} ${columns[column][index]}`);
    get("about").textContent = about.join("; ");
    const head = make("thead", {}, make("tr", {}, ...["Method", "Score", "Residual", "Rank (100 % the best)", `beside that of the ${word}`].map((text, place) => make("th", { scope: "col", className: place ? "figure" : "words", textContent: text }))));
    const rows = methods.map((one) => make("tr", {}, make("th", { scope: "row", className: "words", textContent: one.title }),
      ...[shown(one.score[index]), shown(one.residual[index], 3), percent(one.rank[index])].map((text) => make("td", { className: "figure", textContent: text })),
      make("td", {}, strip(one.rank[index], index))));
    get("said").replaceChildren(make("table", { className: "data" }, head, make("tbody", {}, ...rows)));
    neighbours(index);
    mapped(index);
    if (!large.open) large.showModal();
    address();
  };
  const neighbours = (index) => {
    const one = method("method");
    get("near-head").textContent = one ? `Its neighbours in the score of ${one.title}` : "";
    if (!one || one.score[index] === null) return get("near").replaceChildren();
    const order = columns.image.map((_, place) => place).filter((place) => one.score[place] !== null).sort((a, b) => one.score[a] - one.score[b] || a - b);
    const place = order.indexOf(index);
    get("near").replaceChildren(...order.slice(Math.max(0, place - 2), place + 3).map((other) => {
      const button = make("button", { type: "button" }, picture(other), make("span", { textContent: `score ${shown(one.score[other])}` }), make("span", { textContent: `${word} ${shown(columns.mos[other], 3)}` }));
      for (const image of button.querySelectorAll("img")) image.alt = columns.image[other];
      if (other === index) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => open(other));
      return button;
    }));
  };
  const mapped = (index) => {
    const alike = (one) => (one.distortion === columns.distortion[index] ? 0 : 1);
    const listed = [...own(index), ...related(index).sort((a, b) => alike(a) - alike(b))];
    get("mapped").hidden = !listed.length;
    get("mapped-list").replaceChildren(...listed.map((one) => {
      const here = one.of === index;
      const said = `${here ? "This picture" : `Of the same reference: ${one.picture}`}, ${one.distortion} of level ${one.level} in the rectangle`;
      const head = make("p", { className: "heading", textContent: said });
      if (!here && one.of >= 0) {
        const button = make("button", { type: "button", textContent: "Open it" });
        button.addEventListener("click", () => open(one.of));
        head.append(" ", button);
      }
      const shown = [{ file: one.file, words: "degraded" }, ...one.maps.map((map) => ({ file: map.file, words: `${map.title}: ${map.target}` }))];
      const figures = shown.map(({ file, words }) => make("figure", {},
        make("img", { src: file, alt: `${one.picture}, ${one.distortion} of level ${one.level}: ${words}`, loading: "lazy", draggable: false }),
        make("figcaption", { textContent: words })));
      return make("div", {}, head, make("div", { className: "maps" }, ...figures));
    }));
  };
  const step = (by) => {
    const place = listed.indexOf(opened) + by;
    if (place >= 0 && place < listed.length) { current = place; open(listed[place]); }
  };
  get("before").addEventListener("click", () => step(-1));
  get("after").addEventListener("click", () => step(1));
  get("close").addEventListener("click", () => large.close());
  large.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") step(1);
    else if (event.key === "ArrowLeft") step(-1);
    else return;
    event.preventDefault();
  });
  large.addEventListener("close", () => {
    const place = listed.indexOf(opened); // the browser has given the focus back to the tile that was opened first
    opened = -1;
    address();
    go(place < 0 ? current : place);
  });

  get("controls").addEventListener("input", arrange);
  get("controls").addEventListener("submit", (event) => event.preventDefault());
  get("controls").addEventListener("reset", (event) => {
    event.preventDefault();
    for (const id of KEYS) get(id).value = usual[id];
    arrange();
  });
  addEventListener("hashchange", read);
  read();
})();
