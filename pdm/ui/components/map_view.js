// The map: images as dots (see map_dots.js), and over them what Plotly draws, which the app itself serves: stars and names.
// What the hand does on it is in map_hand.js and map_touch.js, what the keys do in map_keys.js, how it moves by itself at first
// in map_tour.js.
// Events: "bare" when there is nothing to draw, "star" {id}, "image" {id}, "peek" {id}, "lasso" {ids, stars}, "drag" and "dragging" {id, x, y}, "place" {x, y}, "undo", "redo".
const host = element.querySelector('.plot'), card = element.querySelector('.card'), bar = element.querySelector('.tools');
const dots = new Dots(element.querySelector('canvas'));
let P = null, base = null, value = null, nearest = null, look = null, mode = 'class', range = null, tall = null;
let dragged = null, least = 0, shownQuery = 'null';
const layers = {pictures: false, density: false}, sheets = [];

const style = name => getComputedStyle(element).getPropertyValue(name).trim();
const stars = () => value.stars.filter(s => s.usage >= least || s.id === value.star || found.has(s.id));
const zoomed = () => range && Math.abs(range[1] - range[0]) < 8;
const solid = colour => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = colour; return c.fillStyle; };
const mixed = part => {
  const grey = rgb('#8a8a8e'), accent = rgb(solid(style('--color-accent')));
  return '#' + grey.map((g, i) => Math.round(g + part * (accent[i] - g)).toString(16).padStart(2, '0')).join('');
};
const starColour = s => mode === 'usage' || mode === 'moved' ? mixed(s[mode]) : s.colour;
const dotColours = () => {
  if (mode === 'class') {
    const hues = base.classColours.map(packed), none = packed('#888888');
    return Uint32Array.from(base.labels, l => l < 0 ? none : hues[l]);
  }
  const hues = new Map(value.stars.map(s => [s.id, packed(starColour(s))]));
  return Uint32Array.from(nearest, k => hues.get(k));
};

// The words that this script draws, and does not put on the page: in the language of the page.
const said = text => window.inOwnWords?.(text) ?? text;
// Plotly takes names for HTML.
const literal = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
// Names of stars that fit: what was found first, then the one in hand or chosen, then by usage, each only where its box
// touches no other.
const labels = () => {
  const all = stars(), shown = all.map(() => ''), chosen = all.findIndex(s => s.id === (dragged?.id ?? value.star));
  const order = zoomed() ? [...all.keys()].sort((a, b) => all[b].usage - all[a].usage) : [];
  if (chosen >= 0) order.unshift(chosen);
  order.unshift(...[...all.keys()].filter(i => found.has(all[i].id)));
  const {xaxis, yaxis} = host._fullLayout || {}, boxes = [];
  for (const i of order) {
    if (shown[i] || (!xaxis && i !== chosen)) continue;
    const s = all[i], half = 3.6 * s.name.length + 3;
    const x = xaxis ? xaxis.l2p(s.x) : 0, y = xaxis ? yaxis.l2p(s.y) - 16 : 0;
    if (boxes.some(b => Math.abs(b.x - x) < b.half + half && Math.abs(b.y - y) < 16)) continue;
    boxes.push({x, y, half});
    shown[i] = literal(s.name);
  }
  return shown;
};

const halos = () => {
  const all = stars().filter(s => found.has(s.id));
  return {x: all.map(s => s.x), y: all.map(s => s.y)};
};
const traces = () => {
  const v = value, all = stars(), moves = all.filter(s => s.ghost), edge = style('--map-edge'), names = labels();
  const at = (s, axis) => dragged?.id === s.id ? dragged[axis] : s[axis];
  return [
    {type: 'histogram2dcontour', x: layers.density ? dots.x : [], y: layers.density ? dots.y : [], nbinsx: 60, nbinsy: 60, ncontours: 10,
     contours: {coloring: 'none'}, line: {width: 1, color: style('--body-text-color-subdued')}, showscale: false, hoverinfo: 'skip'},
    {type: 'scatter', mode: 'lines', hoverinfo: 'skip', line: {width: 1.5, dash: 'dot', color: style('--body-text-color-subdued')},
     x: moves.flatMap(s => [s.ghost[0], at(s, 'x'), null]), y: moves.flatMap(s => [s.ghost[1], at(s, 'y'), null])},
    {type: 'scatter', mode: 'markers', hoverinfo: 'skip', x: moves.map(s => s.ghost[0]), y: moves.map(s => s.ghost[1]),
     marker: {symbol: 'star-open', size: 15, color: moves.map(starColour), opacity: 0.8}},
    {name: 'query', type: 'scatter', mode: 'markers+text', x: v.query ? [v.query.x] : [], y: v.query ? [v.query.y] : [], text: [said('your image')],
     textposition: 'bottom center', textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'skip',
     marker: {symbol: 'x', size: 14, color: style('--body-text-color')}},
    {type: 'scatter', mode: 'markers', hoverinfo: 'skip', ...halos(), marker: {size: 38, color: style('--color-accent'), opacity: 0.3}},
    // Plotly throws away what would hold an empty name, for good: stars with other names are other stars to it.
    {name: 'stars', uid: `stars${carried}${names.map((name, i) => name && `_${i}`).join('')}`, type: 'scatter', mode: 'markers+text',
     x: all.map(s => at(s, 'x')), y: all.map(s => at(s, 'y')), text: names,
     textposition: 'top center', textfont: {size: 12, color: style('--body-text-color')}, hoverinfo: 'skip', selectedpoints: null,
     marker: {symbol: 'star', size: all.map(s => s.id === v.star ? 26 : 16), color: all.map(starColour),
              opacity: all.map(s => s.muted || (found.size && !found.has(s.id)) ? 0.25 : 1), line: {width: all.map(s => s.id === v.star ? 2.5 : 1.2), color: edge}}},
  ];
};
// The head of each dotted line, pointing from where a moved star was to where it is.
const arrows = () => stars().filter(s => s.ghost && dragged?.id !== s.id).map(s => ({
  x: s.x, y: s.y, ax: s.ghost[0], ay: s.ghost[1], xref: 'x', yref: 'y', axref: 'x', ayref: 'y', text: '', showarrow: true,
  arrowhead: 2, arrowsize: 1.1, arrowwidth: 1.2, arrowcolor: style('--body-text-color-subdued'), standoff: 9,
}));
// Class names at the middle of their dots, moved down where two would lie on each other.
const classNames = () => {
  if (mode !== 'class' || zoomed() || found.size) return [];
  const {xaxis, yaxis} = host._fullLayout || {}, boxes = [];
  const place = c => xaxis ? {x: xaxis.l2p(c.x), y: yaxis.l2p(c.y), half: 3.8 * c.name.length + 6} : {x: 1e4 * boxes.length, y: 0, half: 0};
  return base.classes.map(c => ({c, box: place(c)})).sort((a, b) => a.box.y - b.box.y).map(({c, box}) => {
    let shift = 0;
    while (boxes.some(b => Math.abs(b.x - box.x) < b.half + box.half && Math.abs(b.y - box.y - shift) < 20)) shift += 4;
    boxes.push({...box, y: box.y + shift});
    return {x: c.x, y: c.y, yshift: -shift, text: literal(c.name), showarrow: false, font: {size: 12.5, color: style('--body-text-color')},
      bgcolor: style('--map-label'), borderpad: 2};
  });
};
const layout = () => ({
  uirevision: base.model, selectionrevision: `${value.revision}.${drawn}`, selections: [], dragmode: host.dataset.drag || 'pan',
  hovermode: false, showlegend: false, margin: {l: 0, r: 0, t: 0, b: 0},
  paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', newselection: {line: {color: style('--color-accent')}},
  xaxis: {visible: false, range: [...(range ?? base.xrange)]},
  yaxis: {visible: false, scaleanchor: 'x', range: [...(tall ?? base.yrange)]},
  annotations: [...arrows(), ...classNames()],
});  // ranges are copies: Plotly writes into those that it is given
const draw = async () => {
  const drawing = P.react(host, traces(), layout(), {responsive: true, scrollZoom: true, displayModeBar: false, doubleClick: false});
  for (const part of host.children) part.translate = false;  // all that it writes are names, which no language changes
  await drawing;
  look = {colours: dotColours(), ground: packed(solid(style('--background-fill-primary')))};
  paint();
};

// All that is not Plotly's; while the map is being moved without thumbnails and fine pixels.
const paint = (moving = false) => {
  const ratio = moving ? 1 : Math.min(2, window.devicePixelRatio || 1), v = view(host._fullLayout), chosen = value.images.length ? value.images : null;
  const opacity = layers.pictures && !moving ? 0.02 : 0.4;
  dots.paint(v, ratio, {...look, chosen, opacity, size: zoomed() ? 6 : 3.6});
  if (layers.pictures && !moving) paintPictures(v, ratio);
  circle();
};
// Where a tile lies: on which of the sheets, of how many rows, and where there.
const urls = () => base.sheet.urls ?? [base.sheet.url];
const onSheet = i => {
  const t = base.sheet, per = t.perSheet ?? t.count, sheet = Math.floor(i / per), place = i % per;
  const rows = Math.ceil(Math.min(per, t.count - sheet * per) / t.columns);
  return {sheet, rows, column: place % t.columns, row: Math.floor(place / t.columns)};
};
// Thumbnails: of what is in view as many as fit without touching, cut from the sprite sheet.
const paintPictures = (v, ratio) => {
  if (!sheets.length) return;
  const pen = dots.pen, t = base.sheet, taken = new Set(), side = zoomed() ? 36 : 22;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.imageSmoothingEnabled = false;
  dots.x.forEach((x, i) => {
    const px = (x - v.left) * v.x, py = (v.top - dots.y[i]) * v.y;
    if (px < 0 || py < 0 || px > v.width || py > v.height) return;
    const cell = `${Math.floor(px / (side + 3))},${Math.floor(py / (side + 3))}`;
    const at = onSheet(i), sheet = sheets[at.sheet];
    if (taken.has(cell) || !sheet.complete || !sheet.naturalWidth) return;
    taken.add(cell);
    const w = sheet.naturalWidth / t.columns, h = sheet.naturalHeight / at.rows;
    pen.drawImage(sheet, at.column * w, at.row * h, w, h, px - side / 2, py - side / 2, side, side);
  });
};

const mark = (group, button) => bar.querySelectorAll(`[data-${group}]`).forEach(b => b.setAttribute('aria-pressed', b === button));

// What the server sent, out of the wrappers that make Gradio's props slow to read.
const plain = wrapped => JSON.parse(JSON.stringify(wrapped));
const given = () => Boolean(props.base?.x && props.value);
const take = () => {
  value = latest();
  if (base?.x !== props.base.x) {
    const same = base?.model === props.base.model && base.sheet.url === props.base.sheet.url;
    base = plain(props.base);
    base.labels = unpacked(base.labels, Int16Array);
    base.nearest = unpacked(base.nearest, Int32Array);
    dots.load(base);
    if (!same) sheets.length = 0;
    if (!same || !zoomed()) range = tall = null;  // laid out again, a part that one looks at stays in view
  }
  looks = new Map();
  over = null;
  nearest = base.nearest.slice();
  const rows = unpacked(value.nearest.rows, Int32Array), ids = unpacked(value.nearest.ids, Int32Array);
  rows.forEach((row, i) => { nearest[row] = ids[i]; });
};
// Go to the place of a picture that was just put on the map.
const visit = () => {
  const query = JSON.stringify(value.query), [x, y] = value.query ? around(value.query) : [];
  if (x && query !== shownQuery) P.relayout(host, {'xaxis.range': x, 'yaxis.range': y});
  shownQuery = query;
};
const start = async () => {
  // A base that was sent before the map's tab was first opened is lost: it is asked for once more.
  for (let i = 0; !window.Plotly || !given(); i++) {
    if (i === 20) trigger('bare');
    await new Promise(r => setTimeout(r, 30));
  }
  P = window.Plotly;
  take();
  await draw();
  await draw();  // once more with axes: names are laid out in pixels
  element.classList.add('ready');
  visit();
  for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart']) window.addEventListener(type, handed, {capture: true, passive: true});
  host.addEventListener('pointerdown', press, {capture: true});
  host.addEventListener('mousedown', e => starAt(e) && e.stopPropagation(), {capture: true});
  host.addEventListener('touchstart', e => {
    if (lassoing() && !starAt(e.touches[0], 20)) return;
    e.stopPropagation();
    e.preventDefault();  // no mouse is made up from it
  }, {capture: true, passive: false});
  window.addEventListener('pointermove', fingerMoves);
  for (const type of ['pointerup', 'pointercancel']) window.addEventListener(type, fingerLeaves);
  host.addEventListener('pointermove', hover);
  host.addEventListener('pointerleave', () => { rest(null); card.classList.remove('shown'); });
  host.addEventListener('wheel', wheel, {capture: true, passive: false});
  host.on('plotly_selected', lassoed);
  host.on('plotly_relayout', e => {
    if (!Object.keys(e).some(k => k.startsWith('xaxis') || k.startsWith('yaxis'))) return;
    const before = zoomed();
    range = [...host._fullLayout.xaxis.range];
    tall = [...host._fullLayout.yaxis.range];
    if (fingers.size) paint(true);
    else if (before || zoomed()) draw();
    else paint();
  });
  host.on('plotly_relayouting', () => { before = null; paint(true); });
  host.on('plotly_doubleclick', () => {
    const {xaxis, yaxis} = host._fullLayout, [x, y] = pixel(pointer);
    trigger('place', {x: xaxis.p2l(x), y: yaxis.p2l(y)});
  });
  bar.addEventListener('click', e => {
    const b = e.target.closest('button');
    if (!b) return;
    if (b.dataset.colour) { mode = b.dataset.colour; mark('colour', b); draw(); }
    if (b.dataset.drag) { host.dataset.drag = b.dataset.drag; mark('drag', b); P.relayout(host, {dragmode: b.dataset.drag}); }
    if (b.dataset.layer) {
      layers[b.dataset.layer] = !layers[b.dataset.layer];
      b.setAttribute('aria-pressed', layers[b.dataset.layer]);
      if (!sheets.length) sheets.push(...urls().map(url => Object.assign(new Image(), {onload: () => paint(), src: url})));
      draw();
    }
    if (b.dataset.zoom === 'fit') fit();
    else if (b.dataset.zoom) zoom(Number(b.dataset.zoom));
  });
  bar.querySelector('[data-least]').addEventListener('input', e => { least = e.target.value / 100; draw(); });
  document.addEventListener('keydown', key);
  for (const [type, f] of [['keydown', onMap], ['focus', focused], ['blur', blurred]]) host.addEventListener(type, f);
  // A map that is fitted stays so in a window of another size.
  new ResizeObserver(() => P.Plots.resize(host).then?.(() => range ? paint() : draw())).observe(host);
  new MutationObserver(draw).observe(document.body, {attributes: true, attributeFilter: ['class']});
  toured();
};
start();
watch(['value', 'base'], () => { if (touring) endTour(false, false); if (!inHand()) dragged = null; if (P && given()) { take(); draw().then(visit).then(toured); } });
watch('found', () => { if (P) seek(); });
watch('look', looked);
watch('tour', () => { if (P) toured(); });
