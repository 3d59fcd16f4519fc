"use strict";
/* Import time: a flame graph, with each module above what it imports. Times are in microseconds, and wide as they are long. */
const ROW = 20, THIN = 38, MOST_CHOICES = 25;
const NO_IMPORT = "start of the process, and code at the top of the handler's module";
let flame = null;
function imports() {
  if (flame) return flame;
  const nodes = data.profile.nodes.map(([name, parent, own, owner, choice], index) => ({ index, name, parent, own, total: own,
    owner: data.profile.owners[owner], choice: choice === 1, children: [], depth: 0 }));
  for (const each of nodes.slice(1)) { nodes[each.parent].children.push(each); each.depth = nodes[each.parent].depth + 1; }
  for (const each of [...nodes].reverse()) if (each.index) nodes[each.parent].total += each.total;
  return (flame = nodes);
}
const whole_ms = (time) => Math.round(time / 1000) + " ms";
const seconds = (time) => (time / 1000).toFixed(1) + " ms";
const above = (each) => { const nodes = imports(), found = []; for (let at = each; at.index; at = nodes[at.parent]) found.unshift(nodes[at.parent]); return found; };
const versions = () => new Map(data.packages.flatMap((one) => one.distributions.map((each) => [each.name, each.version])));

function ownerColour(owner, depth) {
  return names.includes(owner) ? "hsl(" + hue(owner) + " var(--chroma) calc(var(--light) + " + (depth % 2 ? 4 : 0) + "%))" : null;
}
const isMatch = (each) => each.index > 0 && (each.name + " " + each.owner).toLowerCase().includes(state.query);
function flameTold(each) {
  const share = ((each.total / imports()[0].total) * 100).toFixed(1) + "%";
  if (!each.index) return each.name + " · " + seconds(each.total) + " · " + seconds(each.own) + " itself: " + NO_IMPORT;
  const parts = [each.name, seconds(each.total) + " (" + share + ")", seconds(each.own) + " itself"];
  if (each.owner) parts.push((each.owner + " " + (versions().get(each.owner) || "")).trim());
  parts.push(each.parent ? "imported by " + imports()[each.parent].name : "imported by the handler's module");
  return parts.join(" · ");
}
function flameLabel(each, width) {
  const short = each.name.length * 6.4 > width && each.index ? "." + each.name.split(".").pop() : each.name;
  return (short.length >= each.name.length ? each.name : short) + (width > each.name.length * 6.4 + 70 ? "  " + seconds(each.total) : "");
}
function bar(each, left, width, row, kind) {
  const colour = each.index ? ownerColour(each.owner, each.depth) : null;
  const tile = make("div", {
    className: "bar" + (kind ? " " + kind : "") + (each.index ? "" : " root") + (colour || !each.index ? "" : " plain") +
      (width < THIN ? " thin" : "") + (state.query && !isMatch(each) ? " faded" : ""),
    title: flameTold(each), tabIndex: -1, dataset: { index: each.index, total: each.total },
    style: { left: left + "px", top: row * ROW + "px", width: width + "px" },
    attributes: { role: "button", "aria-label": flameTold(each) },
  });
  if (colour) tile.style.background = colour;
  if (width >= THIN) tile.textContent = flameLabel(each, width);
  map.append(tile);
}
/* What is narrower than a pixel is counted together. */
function rest(hidden, left, width, row) {
  const total = hidden.reduce((sum, each) => sum + each.total, 0), text = hidden.length + " more · " + seconds(total);
  map.append(make("div", { className: "bar rest thin", title: text, style: { left: left + "px", top: row * ROW + "px", width: width + "px" } }));
}
function drawFlame(focus) {
  const nodes = imports(), at = nodes[state.module] || nodes[0], chain = above(at), whole = map.clientWidth;
  let rows = chain.length;
  map.replaceChildren();
  chain.forEach((each, row) => bar(each, 0, whole, row, "above"));
  const waiting = [[at, 0, whole, chain.length]];
  while (waiting.length) {
    const [each, left, width, row] = waiting.pop();
    bar(each, left, width, row);
    rows = Math.max(rows, row + 1);
    let x = left;
    const hidden = [], below = [];
    for (const child of each.children) {
      const wide = each.total ? (child.total / each.total) * width : 0;
      if (wide >= 1) { below.push([child, x, wide, row + 1]); x += wide; } else hidden.push(child);
    }
    const left_over = hidden.reduce((sum, child) => sum + child.total, 0) / (each.total || 1) * width;
    if (left_over >= 2) { rest(hidden, x, left_over, row + 1); rows = Math.max(rows, row + 2); }
    waiting.push(...below.reverse());
  }
  map.style.height = rows * ROW + "px";
  const bars = [...map.querySelectorAll("[data-index]")];
  const again = bars.find((tile) => Number(tile.dataset.index) === (focus ?? at.index)) || bars[chain.length];
  again.tabIndex = 0;
  if (focus !== undefined) again.focus();
  const hits = state.query ? nodes.filter(isMatch) : null;
  /* An import within one that matches is in its time. */
  const outer = hits ? hits.filter((each) => !above(each).some(isMatch)).reduce((sum, each) => sum + each.total, 0) : 0;
  line.textContent = hits ? hits.length + (hits.length === 1 ? " module, " : " modules, ") + seconds(outer) + " match"
    : "Up and down go to what imports and what is imported, Enter opens, Escape goes back, / searches.";
  const last = chain.length > 9 ? [chain[0], null, ...chain.slice(-7), at] : [...chain, at];
  trail.replaceChildren(...last.flatMap((each, number) => [number ? make("span", {}, "›") : null,
    each ? make("button", { type: "button", onclick: () => openImport(each.index) }, each.name) : make("span", {}, "…")]).filter(Boolean));
  document.body.dataset.total = nodes[0].total;
}
function openImport(index, focus) { state.module = index; render(focus ?? index); }
function flameTitle() {
  const { function: name, measured, cold } = data.profile, total = imports()[0].total;
  const middle = (cold[Math.floor((cold.length - 1) / 2)] + cold[Math.ceil((cold.length - 1) / 2)]) / 2;
  return (name || "imports") + ": " + (cold.length ? whole_ms(middle) + " to initialize (median of " + cold.length + "), " : "") +
    whole_ms(total) + (measured ? (cold.length ? " while imports were timed" : " to initialize") : " of imports");
}
function moveFlame(tile, key) {
  const nodes = imports(), each = nodes[tile.dataset.index], bars = [...map.querySelectorAll("[data-index]")];
  const shown = (one) => bars.find((other) => Number(other.dataset.index) === one.index);
  let next = null;
  if (key === "ArrowUp") next = each.index ? shown(nodes[each.parent]) : null;
  else if (key === "ArrowDown") next = each.children.map(shown).find(Boolean);
  else {
    const row = bars.filter((other) => other.style.top === tile.style.top).sort((a, b) => parseFloat(a.style.left) - parseFloat(b.style.left));
    next = row[row.indexOf(tile) + (key === "ArrowLeft" ? -1 : 1)];
  }
  if (next) { tile.tabIndex = -1; next.tabIndex = 0; next.focus(); }
}
/* By what modules belong to, and the imports of one package by another: those that could be made later. */
function flameTables() {
  const nodes = imports(), owners = new Map(), sizes = new Map();
  for (const one of data.packages) for (const each of one.distributions) sizes.set(each.name, (sizes.get(each.name) || 0) + each.size);
  for (const each of nodes.slice(1)) {
    if (!owners.has(each.owner)) owners.set(each.owner, { own: 0, total: 0, modules: 0 });
    const sum = owners.get(each.owner);
    sum.own += each.own;
    sum.modules += 1;
    if (!above(each).some((other) => other.index && other.owner === each.owner)) sum.total += each.total;
  }
  const known = versions(), share = (time) => ((time / nodes[0].total) * 100).toFixed(1) + "%";
  const rows = [...owners].sort(([a, x], [b, y]) => y.own - x.own || (a < b ? -1 : 1)).map(([name, sum]) => [
    [make("i", { style: { background: ownerColour(name, 0) || "var(--same)" } }), ((name || "not in a file of the package") + " " + (known.get(name) || "")).trim()],
    seconds(sum.own), share(sum.own), seconds(sum.total), String(sum.modules), sizes.has(name) ? bytes(sizes.get(name)) : ""]);
  if (nodes[0].own) rows.push([NO_IMPORT, seconds(nodes[0].own), share(nodes[0].own), "", "", ""]);
  rows.push(["together", seconds(nodes[0].total), "100.0%", "", String(nodes.length - 1), ""]);
  const choices = nodes.filter((each) => each.choice).sort((a, b) => b.total - a.total || a.index - b.index).slice(0, MOST_CHOICES);
  return [table(["Modules of", "Itself", "Share", "With imports", "Modules", "Zipped"], rows),
    ...(choices.length ? [make("h2", {}, "Imported by another package"),
      make("p", {}, "An import inside of the function that needs it takes its time when that function is called for the first time."),
      table(["Module", "With imports", "Share", "Imported by"], choices.map((each) => [
        [make("button", { type: "button", onclick: () => { openImport(each.index); map.scrollIntoView(); } }, each.name)],
        seconds(each.total), share(each.total), each.parent ? nodes[each.parent].name : "the handler's module"]))] : [])];
}
