// The hand on a canvas: what a mouse, a pen, fingers, the keyboard and the buttons do with what canvas_view.js holds.
const begin = event => {
  at = spot(event);
  const id = tool === 'eraser' ? null : chosen;
  if (event.altKey) { choose(mask.idAt(at.x, at.y)); return; }
  if (tool === 'where') { trigger('where', {x: Math.floor(at.x), y: Math.floor(at.y)}); return; }
  const number = mask.numberOf(id);
  if (number < 0) return;
  if (tool === 'fill') { if (at.x >= 0 && at.y >= 0 && at.x < mask.width && at.y < mask.height) change(() => mask.fill(at.x, at.y, number)); return; }
  before = mask.packed();
  release();
  element.classList.add('painting');
  hand = {number, from: at};
  [begun, waits] = [performance.now(), true];
  tint(mask.stroke(at, at, radius(), hardness(), number));
};
const move = event => {
  at = spot(event);
  follow();
  if (!hand) return;
  for (const e of event.getCoalescedEvents?.() ?? [event]) {
    const to = spot(e);
    tint(mask.stroke(hand.from, to, radius(), hardness(), hand.number));
    hand.from = to;
  }
  live();
};
const live = () => {
  if (palette.live && !asked && performance.now() - begun > QUICK) { note(); sketch(); } else waits = true;
};
const end = kept => {
  if (!hand) return;
  hand = null;
  element.classList.remove('painting');
  if (!kept) { mask = Mask.unpacked(before); redraw(); note(); return; }
  remember(before);
  showUsed(mask.shares());
  note();
  sketch();
};

// Two fingers move and zoom; whatever the first one had begun to paint is taken back.
const spread = () => {
  const [a, b] = [...touches.values()], box = frame.getBoundingClientRect();
  return {apart: Math.hypot(a.x - b.x, a.y - b.y) || 1, x: (a.x + b.x) / 2 - box.left, y: (a.y + b.y) / 2 - box.top};
};
let pinch = null, pan = null;
frame.addEventListener('pointerdown', event => {
  if (!mask || event.button === 2) return;
  frame.focus({preventScroll: true});
  frame.setPointerCapture?.(event.pointerId);
  event.preventDefault();
  if (event.pointerType === 'touch') touches.set(event.pointerId, {x: event.clientX, y: event.clientY});
  if (touches.size === 2) { end(false); pinch = spread(); return; }
  if (touches.size > 2) return;
  if (event.button === 1) { pan = {x: event.clientX - view.x, y: event.clientY - view.y}; return; }
  begin(event);
  follow();
});
frame.addEventListener('pointermove', event => {
  if (!mask) return;
  if (touches.has(event.pointerId)) touches.set(event.pointerId, {x: event.clientX, y: event.clientY});
  if (pinch && touches.size === 2) {
    const now = spread();
    view = {...view, x: view.x + now.x - pinch.x, y: view.y + now.y - pinch.y};
    zoom(now.apart / pinch.apart, now.x, now.y);
    pinch = now;
  } else if (pan) {
    view = {...view, x: event.clientX - pan.x, y: event.clientY - pan.y};
    place();
  } else if (!pinch) move(event);
});
for (const type of ['pointerup', 'pointercancel']) {
  frame.addEventListener(type, event => {
    touches.delete(event.pointerId);
    if (!touches.size) pinch = null;
    pan = null;
    end(type === 'pointerup');
    if (event.pointerType === 'touch') { at = null; follow(); }
  });
}
frame.addEventListener('pointerleave', () => { if (!hand) { at = null; follow(); } });
frame.addEventListener('contextmenu', event => event.preventDefault());
frame.addEventListener('wheel', event => {
  if (!mask || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  const box = frame.getBoundingClientRect();
  zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
}, {passive: false});

// A picture that is dropped here goes the way of those that are chosen with the button below.
frame.addEventListener('dragover', event => event.preventDefault());
frame.addEventListener('drop', event => {
  event.preventDefault();
  const field = document.querySelector(frame.dataset.files), {files} = event.dataTransfer;
  if (!field || !files.length) return;
  field.files = files;
  field.dispatchEvent(new Event('change', {bubbles: true}));
});

const pickTool = name => {
  tool = name;
  for (const b of bar.querySelectorAll('[data-tool]')) b.setAttribute('aria-pressed', b.dataset.tool === name);
  follow();
};
const actions = {
  undo: () => go(done, undone), redo: () => go(undone, done), in: () => zoom(1.5), out: () => zoom(1 / 1.5),
  fit: () => { view = {zoom: 1, x: 0, y: 0}; place(); },
  strokes: () => {
    const hidden = element.classList.toggle('bare');
    bar.querySelector('[data-do=strokes]').setAttribute('aria-pressed', !hidden);
  },
  clear: () => change(() => mask.pixels.fill(0)),
};
bar.addEventListener('click', event => {
  const b = event.target.closest('button');
  if (!b || !mask) return;
  if (b.dataset.tool) pickTool(b.dataset.tool);
  if (b.dataset.do) actions[b.dataset.do]();
});
sizeField.addEventListener('input', () => { at ??= mask && {x: mask.width / 2, y: mask.height / 2}; follow(); });
const KEYS = {b: 'brush', f: 'fill', e: 'eraser', w: 'where'};
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
document.addEventListener('keydown', event => {
  if (!mask || !frame.offsetParent || event.target.closest?.('input, textarea, select, [contenteditable]')) return;
  const key = event.key.toLowerCase(), doing = {'+': 'in', '=': 'in', '-': 'out', 0: 'fit', h: 'strokes'}[key];
  if (event.ctrlKey || event.metaKey) {
    if (key !== 'z' && key !== 'y') return;
    actions[key === 'y' || event.shiftKey ? 'redo' : 'undo']();
  } else if (KEYS[key]) pickTool(KEYS[key]);
  else if (doing) actions[doing]();
  else if (key === '[' || key === ']') { sizeField.value = Number(sizeField.value) + (key === ']' ? 3 : -3); follow(); }
  else if (document.activeElement === frame && ARROWS[event.key]) byKeys(ARROWS[event.key], event.shiftKey);
  else if (document.activeElement === frame && key === 'enter') byKeys([0, 0], true);
  else return;
  event.preventDefault();
});
// With the arrows the brush moves, with shift it paints on its way; Enter paints where it is.
const byKeys = ([dx, dy], paints) => {
  const from = at ?? {x: mask.width / 2, y: mask.height / 2}, step = Math.max(1, radius() / 2);
  at = {x: Math.min(mask.width, Math.max(0, from.x + dx * step)), y: Math.min(mask.height, Math.max(0, from.y + dy * step))};
  const number = mask.numberOf(tool === 'eraser' ? null : chosen);
  if (paints && tool !== 'fill' && tool !== 'where' && number >= 0) change(() => mask.stroke(from, at, radius(), hardness(), number));
  if (paints && tool === 'fill' && number >= 0) change(() => mask.fill(Math.min(at.x, mask.width - 1), Math.min(at.y, mask.height - 1), number));
  follow();
};

