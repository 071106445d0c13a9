// A grid of pictures cut from one sprite sheet. Picking one triggers "pick" with its id, and with a number that grows: events that
// are sent side by side may arrive in another order.
const host = element.querySelector('.pictures');
let shape = '', sheet = '', turn = 0;

const tileStyle = (tile, columns, rows) =>
  `background-size:${columns * 100}% ${rows * 100}%;` +
  `background-position:${columns > 1 ? (tile % columns) / (columns - 1) * 100 : 0}% ` +
  `${rows > 1 ? Math.floor(tile / columns) / (rows - 1) * 100 : 0}%`;

const build = v => {
  const items = v.items.map((item, i) => {
    const cell = document.createElement(v.still ? 'div' : 'button');
    cell.className = item.off ? 'cell off' : 'cell';
    if (item.off && !v.still) cell.setAttribute('aria-disabled', true);  // a click says why
    cell.dataset.id = item.id;
    if (!v.still) { cell.type = 'button'; cell.setAttribute('aria-label', [item.title, item.caption].filter(Boolean).join(', ') || `picture ${i + 1}`); }
    const tile = document.createElement('span');
    tile.className = 'tile';
    tile.style.cssText = tileStyle(item.tile ?? i, v.columns, v.rows);
    cell.append(tile);
    if (item.title) {
      const title = document.createElement('span');
      title.className = 'title named';
      if (item.colour || item.named) title.translate = false;  // a name, in any language
      if (item.colour) { const dot = document.createElement('i'); dot.style.background = item.colour; title.append(dot); }
      title.append(...shortened(item.title));
      cell.title = item.title;
      cell.append(title);
    }
    if (item.caption) {
      const caption = document.createElement('span');
      caption.className = 'caption';
      caption.append(item.caption);
      cell.append(caption);
    }
    if (item.bar !== undefined) {
      const bar = document.createElement('span');
      bar.className = 'share';
      bar.style.setProperty('--share', item.bar);
      if (item.colour) bar.style.setProperty('--hue', item.colour);
      cell.append(bar);
    }
    return cell;
  });
  const held = document.activeElement?.parentElement === host ? document.activeElement.dataset.id : null;
  host.replaceChildren(...items);
  if (held !== null) [...host.children].find(cell => cell.dataset.id === held)?.focus({preventScroll: true});
};
// One cell is the grid's tab stop: the one that was focused last, else the chosen one, else the first.
let stop = null;
const setStop = () => {
  const cells = [...host.children].filter(cell => cell.tagName === 'BUTTON');
  const at = cells.find(cell => cell.dataset.id === stop) ?? cells.find(cell => cell.classList.contains('chosen')) ?? cells[0];
  for (const cell of cells) cell.tabIndex = cell === at ? 0 : -1;
};

const paint = async () => {
  const v = latest();
  if (!v) return;
  element.querySelector('.empty').textContent = v.items.length ? '' : (v.empty || '');
  host.style.setProperty('--cell', `${v.cell}px`);
  host.style.setProperty('--across', v.across);
  host.classList.toggle('fixed', Boolean(v.across));
  host.style.minHeight = v.hold ? `${host.offsetHeight}px` : '';
  const wanted = JSON.stringify([v.items, v.columns, v.rows, v.still]);
  if (wanted !== shape) { build(v); shape = wanted; }
  const chosen = new Set((v.selected || []).map(String));
  for (const cell of host.children) {
    cell.classList.toggle('chosen', chosen.has(cell.dataset.id));
    if (cell.tagName === 'BUTTON') cell.setAttribute('aria-pressed', chosen.has(cell.dataset.id));
  }
  setStop();
  if (v.sheet && v.sheet !== sheet) {  // decoded before it is shown, so that live pictures do not flicker
    const image = new Image();
    image.src = v.sheet;
    try { await image.decode(); } catch { return; }
    if (latest()?.sheet !== v.sheet) return;
    sheet = v.sheet;
  }
  host.style.setProperty('--sheet', sheet ? `url("${sheet}")` : 'none');
};

host.addEventListener('click', event => {
  const cell = event.target.closest('button.cell');
  if (!cell) return;
  turn = Math.max(turn + 1, Date.now());
  trigger('pick', {id: Number(cell.dataset.id), turn});
});
// Grids that share an ancestor of class "twins": hovering or focusing one picture marks those of the same id.
const markTwins = id => {
  for (const cell of element.closest('.twins')?.querySelectorAll('button.cell') || []) {
    cell.classList.toggle('twin', id !== undefined && cell.dataset.id === id);
  }
};
for (const kind of ['pointerover', 'focusin']) {
  host.addEventListener(kind, event => markTwins(event.target.closest('button.cell')?.dataset.id));
}
for (const kind of ['pointerleave', 'focusout']) host.addEventListener(kind, () => markTwins());
host.addEventListener('focusin', event => {
  stop = event.target.closest('button.cell')?.dataset.id ?? stop;
  setStop();
});
const across = () => getComputedStyle(host).gridTemplateColumns.split(' ').length;
host.addEventListener('keydown', event => {
  const step = {ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: across, ArrowUp: () => -across()}[event.key]?.();
  if (!step || document.activeElement?.parentElement !== host) return;
  const next = [...host.children][[...host.children].indexOf(document.activeElement) + step];
  if (next) { next.focus(); event.preventDefault(); }
});
paint();
watch('value', paint);
