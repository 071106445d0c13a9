// The prototypes beside a canvas: a list to choose from, and those that are on it.
const list = element.querySelector('.list'), used = element.querySelector('.used'), sought = element.querySelector('.sought');
let palette = null, chosen = null, byId = new Map();

const colourOf = id => byId.get(id)?.colour ?? '#888888';
// #rrggbb as the number that a canvas takes for it: red in the lowest byte.
const packedHue = hex => parseInt(hex.slice(5, 7) + hex.slice(3, 5) + hex.slice(1, 3), 16);
const made = (tag, props) => Object.assign(document.createElement(tag), props);

const tileOf = item => {
  const tile = made('span', {className: 'tile'}), {columns, rows} = palette, x = item.tile % columns, y = Math.floor(item.tile / columns);
  tile.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
  tile.style.backgroundPosition = `${columns > 1 ? 100 * x / (columns - 1) : 0}% ${rows > 1 ? 100 * y / (rows - 1) : 0}%`;
  tile.style.borderColor = item.colour;
  return tile;
};
const button = (item, share = '') => {
  const b = made('button', {type: 'button', title: item.name, translate: false});
  b.dataset.id = item.id;
  b.append(tileOf(item), made('span', {className: 'name', textContent: item.name}));
  if (share) b.append(made('small', {textContent: share}));
  b.addEventListener('click', () => choose(item.id));
  return b;
};
const mark = () => {
  for (const b of [...list.children, ...used.children]) b.setAttribute?.('aria-pressed', Number(b.dataset.id) === chosen);
};
// Whoever chooses a colour wants to paint with it: the eraser is put away.
const choose = id => {
  if (id === null || !byId.has(id)) return;
  chosen = id;
  if (tool === 'eraser' || tool === 'where') pickTool('brush');
  mark();
};
const filter = () => {
  const words = sought.value.trim().toLowerCase();
  for (const b of list.children) b.hidden = !b.title.toLowerCase().includes(words);
};
const showUsed = shares => {
  const items = [...shares].filter(([id]) => byId.has(id)).slice(0, 12);
  used.replaceChildren(...items.map(([id, share]) => button(byId.get(id), `${Math.max(1, Math.round(100 * share))} %`)));
  used.dataset.empty = items.length ? '' : 'Nothing is painted yet: choose a prototype and draw.';
  mark();
};
const setPalette = given => {
  if (!given) return;
  palette = given;
  byId = new Map(given.items.map(item => [item.id, item]));
  element.style.setProperty('--sheet', `url("${given.sheet}")`);
  list.replaceChildren(...given.items.map(item => button(item)));
  if (!byId.has(chosen)) chosen = given.first;
  filter();
  mark();
};
sought.addEventListener('input', filter);
