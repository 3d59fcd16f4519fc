"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const TIMES = ["at init", "lazily", "not reached", "not imported"];
const HEAD = 18;
const state = { package: 0, view: data.profile ? "time" : "zipped", path: [], query: "", module: 0 };

function make(tag, properties, ...children) {
  const { dataset, style, attributes, ...rest } = properties || {};
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  Object.assign(element.style, style);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

function bytes(number) {
  if (Math.abs(number) < 1024) return number + " B";
  let value = number / 1024, unit = "KiB";
  for (const bigger of ["MiB", "GiB"]) if (Math.abs(value) >= 1024) { value /= 1024; unit = bigger; }
  return value.toFixed(1) + " " + unit;
}
const signed = (number) => (number > 0 ? "+" : number < 0 ? "−" : "±") + bytes(Math.abs(number));

/* A tree of nodes: distributions, their folders, their files. Bytes are counted by the view. */
function weight(file) {
  if (state.view === "zipped") return file[1];
  if (state.view === "unzipped") return file[2];
  return file[3] === 0 ? file[2] : 0;
}
function node(name, key) {
  return { name, key, bytes: 0, files: 0, delta: 0, news: 0, touched: false, children: new Map(), path: "" };
}
function add(to, file, size) {
  to.bytes += size;
  to.files += 1;
  if (file.length > 4) { to.touched = true; to.delta += file[1] - file[4]; to.news += file[4] === 0 ? 1 : 0; }
}
function tree(one) {
  const root = node(one.name, "");
  for (const distribution of one.distributions) {
    const top = node(distribution.name, distribution.name);
    top.distribution = distribution;
    for (const file of distribution.files) {
      const size = weight(file), parts = file[0].split("/");
      add(root, file, size); add(top, file, size);
      let at = top;
      parts.forEach((part, number) => {
        if (!at.children.has(part)) at.children.set(part, node(part, at.key + "/" + part));
        at = at.children.get(part);
        at.path = parts.slice(0, number + 1).join("/");
        add(at, file, size);
        if (number === parts.length - 1) at.loaded = file[3];
      });
    }
    root.children.set(top.key, top);
  }
  /* What is gone has no area; what it was in has shrunk. */
  for (const [path, size, owner] of one.gone || []) {
    let at = root.children.get(owner);
    for (const part of ["", ...path.split("/")]) {
      if (part) at = at && at.children.get(part);
      if (at) { at.touched = true; at.delta -= size; }
    }
  }
  if (state.view === "zipped") {
    const headers = node("zip headers", " headers");
    headers.bytes = one.overhead;
    headers.overhead = true;
    root.bytes += one.overhead;
    root.children.set(headers.key, headers);
  }
  return root;
}
/* A folder with nothing but one folder is shown as one. */
function straight(from) {
  let at = from, name = from.name;
  while (at.children.size === 1) {
    const only = at.children.values().next().value;
    if (!only.children.size) break;
    name = at === from && from.distribution ? name : name + "/" + only.name;
    at = only;
  }
  return { at, name };
}
const sorted = (from) => [...from.children.values()].filter((child) => child.bytes > 0)
  .sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));

/* Squarified treemap (Bruls, Huizing and van Wijk): rows as square as can be. */
function squarify(items, box) {
  const places = [];
  let { x, y, w, h } = box;
  let rest = items.reduce((sum, item) => sum + item.bytes, 0), index = 0;
  while (index < items.length && rest > 0) {
    const scale = (w * h) / rest, side = Math.min(w, h);
    let row = [], sum = 0, worst = Infinity;
    for (let next = index; next < items.length; next++) {
      const area = items[next].bytes * scale, total = sum + area, largest = row.length ? row[0] : area;
      const ratio = Math.max((side * side * largest) / (total * total), (total * total) / (side * side * area));
      if (row.length && ratio > worst) break;
      row.push(area); sum = total; worst = ratio;
    }
    const thick = side > 0 ? sum / side : 0;
    let offset = 0;
    row.forEach((area, number) => {
      const long = thick > 0 ? area / thick : 0;
      places.push(w >= h ? { item: items[index + number], x, y: y + offset, w: thick, h: long }
        : { item: items[index + number], x: x + offset, y, w: long, h: thick });
      offset += long;
    });
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    index += row.length;
    rest -= sum / scale;
  }
  return places;
}

/* Neighbours in the order of size differ most; a distribution has its hue in all packages. */
const names = [...new Set(data.packages.flatMap((one) => one.distributions.map((each) => each.name)))];
const hue = (name) => (36 + names.indexOf(name) * 137.5) % 360;
function colour(item, base, depth) {
  if (data.compared) {
    if (!item.touched) return "var(--same)";
    if (item.files && item.news === item.files) return "var(--new)";
    return item.delta > 0 ? "var(--grew)" : "var(--shrank)";
  }
  return "hsl(" + base + " var(--chroma) calc(var(--light) + " + (depth % 2 ? 5 : 0) + "%))";
}
function found(item) {
  if (!state.query) return true;
  if ((item.key + " " + item.path).toLowerCase().includes(state.query)) return true;
  return [...item.children.values()].some(found);
}
function told(item, whole) {
  const share = whole ? ((item.bytes / whole) * 100).toFixed(1) + "%" : "";
  const parts = [item.distribution ? item.name + " " + item.distribution.version : item.path || item.name,
    bytes(item.bytes) + " (" + share + ")"];
  if (item.files > 1) parts.push(item.files + " files");
  if (item.distribution) {
    parts.push("retains " + bytes(item.distribution.retained) + " zipped", "loaded " + TIMES[item.distribution.loaded]);
  } else if (item.loaded !== undefined) parts.push(item.loaded === 3 ? TIMES[3] : "loaded " + TIMES[item.loaded]);
  if (item.touched) parts.push(item.news === item.files ? "new" : "changed by " + signed(item.delta) + " zipped");
  return parts.join(" · ").replace("loaded not", "not");
}

function draw(parent, from, size, base, depth, whole) {
  for (const { item, x, y, w, h } of squarify(sorted(from), { x: 0, y: depth ? HEAD : 0, w: size.w, h: size.h - (depth ? HEAD : 0) })) {
    const { at, name } = straight(item), tint = item.distribution ? hue(item.name) : base;
    const tile = make("div", {
      className: "tile" + (depth ? " inner" : "") + (item.overhead ? " overhead" : "") + (found(item) ? "" : " faded"),
      title: told(item, whole), dataset: { key: item.key, bytes: item.bytes },
      style: { left: x + "px", top: y + "px", width: w + "px", height: h + "px" },
    });
    if (!item.overhead) tile.style.background = colour(item, tint, depth);
    if (!depth) {
      tile.tabIndex = -1;
      tile.setAttribute("role", "button");
      tile.setAttribute("aria-label", told(item, whole));
    }
    if (w > 30 && h > 14) {
      tile.append(depth ? name : make("b", {}, name), !depth && w > 90 ? " " + bytes(item.bytes) : "");
      if (data.compared && item.touched && w > 150 && item.delta) tile.append(" " + signed(item.delta));
    }
    parent.append(tile);
    if (at.children.size && w > 44 && h > 40 && depth < 4) draw(tile, at, { w: w - 2, h: h - 2 }, tint, depth + 1, whole);
  }
}

const map = make("div", { id: "map", attributes: { role: "group" } });
const line = make("div", { id: "told", attributes: { role: "status" } });
const trail = make("nav", { attributes: { "aria-label": "Path" } });
const below = make("section", {});
const search = make("input", { type: "search", id: "search", placeholder: "Search names and paths ( / )", attributes: { "aria-label": "Search" } });
const select = make("select", { id: "package", attributes: { "aria-label": "Package" } },
  ...data.packages.map((one, number) => make("option", { value: number }, one.name)));
const views = make("fieldset", { id: "views" }, make("legend", {}, "Show"),
  ...[["zipped", "zipped"], ["unzipped", "unzipped"], ["init", "loaded at init"], ...(data.profile ? [["time", "import time"]] : [])].map(([value, text]) => make("label", {},
    make("input", { type: "radio", name: "view", value, checked: value === state.view }), " " + text)));
const title = make("h1", {});
const key = data.compared ? make("span", { className: "key" }, ...[["new", "new"], ["grew", "grew"], ["shrank", "shrank or changed"], ["same", "the same"]]
  .flatMap(([name, text]) => [make("i", { style: { background: "var(--" + name + ")" } }), text + " "])) : null;
document.body.append(make("header", {}, title, data.packages.length > 1 ? select : null, views, search, key), trail, map, line, below);

function here(root) {
  let at = root;
  for (const name of state.path) { const next = at.children.get(name); if (!next) break; at = straight(next).at; }
  return at;
}
function render(focus) {
  const time = state.view === "time";
  map.classList.toggle("flame", time);
  map.setAttribute("aria-label", time ? "Flame graph" : "Treemap");
  if (key) key.hidden = time;
  if (time) { title.textContent = flameTitle(); drawFlame(focus); return; }
  map.style.height = "";
  const one = data.packages[state.package], root = tree(one), at = here(root);
  title.textContent = one.name + ": " + bytes(one.size) + " zipped, " + bytes(one.unzipped) + " unzipped" +
    (data.compared ? " (" + signed(one.size - (one.was ?? one.size)) + " zipped)" : "");
  trail.replaceChildren(...[one.name, ...state.path].flatMap((name, number) => [number ? make("span", {}, "›") : null,
    make("button", { type: "button", onclick: () => { state.path = state.path.slice(0, number); render(); } }, name)]).filter(Boolean));
  map.replaceChildren();
  draw(map, at, { w: map.clientWidth, h: map.clientHeight }, hue(state.path[0] || ""), 0, root.bytes);
  const tiles = [...map.children], again = tiles.find((tile) => tile.dataset.key === focus) || tiles[0];
  if (again) { again.tabIndex = 0; if (focus !== undefined) again.focus(); }
  const hits = state.query ? matches(at) : null;
  line.textContent = hits ? hits.count + (hits.count === 1 ? " file, " : " files, ") + bytes(hits.bytes) + " match" :
    "Arrows move, Enter opens, Escape goes back, / searches.";
  document.body.dataset.total = root.bytes;
}
function matches(from, inside) {
  const is = inside || (from.key + " " + from.path).toLowerCase().includes(state.query);
  if (!from.children.size) return is && !from.overhead ? { count: 1, bytes: from.bytes } : { count: 0, bytes: 0 };
  return [...from.children.values()].map((child) => matches(child, is))
    .reduce((sum, each) => ({ count: sum.count + each.count, bytes: sum.bytes + each.bytes }), { count: 0, bytes: 0 });
}
function table(heading, rows) {
  const row = (cells, tag) => make("tr", {}, ...cells.map((cell, number) => make(tag, { className: heading[number] === "Imported by" ? "name" : "" },
    ...[cell].flat())));
  return make("table", {}, make("thead", {}, row(heading, "th")), make("tbody", {}, ...rows.map((cells) => row(cells, "td"))));
}
function suggested(heading, suggestions) {
  if (!suggestions.length) return [];
  const table = suggestions[0].table, size = (number, kind) => bytes(Math.abs(number)) + (number < 0 ? " more " : " ") + kind;
  return [make("h2", {}, heading, ...(table ? [", in ", make("code", {}, "[" + table + "]")] : [])), make("ul", {}, ...suggestions.map((each) =>
    make("li", {}, size(each.size, "zipped, ") + size(each.unzipped_size, "unzipped: ") + each.text + " ",
      each.setting ? make("code", {}, each.setting) : null)))];
}
function list() {
  if (state.view === "time") { below.replaceChildren(...flameTables()); return; }
  const one = data.packages[state.package];
  const rows = one.distributions.map((each) => [(each.name + " " + each.version).trim(), bytes(each.size), bytes(each.unzipped),
    ((each.size / one.size) * 100).toFixed(1) + "%", bytes(each.retained), String(each.files.length), TIMES[each.loaded]]);
  below.replaceChildren(
    table(["Distribution", "Zipped", "Unzipped", "Share", "Retained", "Files", "Loaded"],
      [...rows, ["zip headers", bytes(one.overhead), "", ((one.overhead / one.size) * 100).toFixed(1) + "%", "", "", ""]]),
    ...suggested("Smaller", one.suggestions.filter((each) => each.size > 0)),
    ...suggested("Faster to start", one.suggestions.filter((each) => each.size <= 0)),
    ...((one.went || []).length ? [make("h2", {}, "Gone"), make("ul", {}, ...one.went.map(([path, files, size]) =>
      make("li", {}, path + (files > 1 ? " · " + files + " files" : "") + " · " + bytes(size))))] : []));
}
function enter(tile) {
  if (state.view === "time") { if (tile.dataset.index) openImport(Number(tile.dataset.index)); return; }
  const at = here(tree(data.packages[state.package])), child = [...at.children.values()].find((each) => each.key === tile.dataset.key);
  if (child && child.children.size) { state.path.push([...at.children.entries()].find(([, each]) => each === child)[0]); render(""); }
}
/* The nearest tile in a direction; those beside, and not only obliquely so, first. */
function move(tile, key) {
  const horizontal = key === "ArrowLeft" || key === "ArrowRight", sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1;
  const spans = (one) => {
    const box = one.getBoundingClientRect(), x = [box.left, box.right], y = [box.top, box.bottom];
    return horizontal ? { along: x, across: y } : { along: y, across: x };
  };
  const middle = ([start, end]) => (start + end) / 2, from = spans(tile);
  let best = null, least = Infinity;
  for (const other of map.children) {
    const to = spans(other), ahead = sign * (middle(to.along) - middle(from.along));
    if (other === tile || ahead <= 1) continue;
    const gap = sign > 0 ? to.along[0] - from.along[1] : from.along[0] - to.along[1];
    const overlap = Math.min(from.across[1], to.across[1]) - Math.max(from.across[0], to.across[0]);
    const cost = Math.max(gap, 0) + (overlap > 1 ? 0 : 50 - 2 * overlap) + Math.abs(middle(to.across) - middle(from.across)) / 100;
    if (cost < least) { least = cost; best = other; }
  }
  if (best) { tile.tabIndex = -1; best.tabIndex = 0; best.focus(); }
}
const topTile = (target) => [...map.children].find((tile) => tile.contains(target));
map.addEventListener("click", (event) => { const tile = topTile(event.target); if (tile) enter(tile); });
map.addEventListener("focusin", (event) => { line.textContent = event.target.title; });
map.addEventListener("mouseover", (event) => { if (event.target.title) line.textContent = event.target.title; });
map.addEventListener("keydown", (event) => {
  const tile = topTile(event.target);
  if (event.key.startsWith("Arrow") && tile) { event.preventDefault(); (state.view === "time" ? moveFlame : move)(tile, event.key); }
  else if ((event.key === "Enter" || event.key === " ") && tile) { event.preventDefault(); enter(tile); }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== search) { event.preventDefault(); search.focus(); }
  else if (event.key === "Escape") {
    if (event.target === search && search.value) { search.value = ""; state.query = ""; render(); }
    else if (state.view === "time") { if (state.module) openImport(imports()[state.module].parent, state.module); }
    else if (state.path.length) {
      const last = state.path.pop();
      render(here(tree(data.packages[state.package])).children.get(last)?.key ?? "");
    }
  }
});
search.addEventListener("input", () => { state.query = search.value.trim().toLowerCase(); render(); });
views.addEventListener("change", (event) => { state.view = event.target.value; render(); list(); });
select.addEventListener("change", () => { state.package = Number(select.value); state.path = []; render(); list(); });
window.addEventListener("resize", () => render());
list();
render();
