// The map by the keyboard: arrow keys go from star to star, Enter opens one as a click does, Shift and an arrow key drag it as
// the hand does; then Enter leaves it there and Escape takes it back. The names are those of map_view.js and map_hand.js.
const LOW = 70;  // pixels from the map's lower edge where the line that tells the keys may stand
const STEP = 12;  // pixels that a star goes at each press
const WAYS = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]};  // on the screen
let ringed = null, held = null;  // the star that the keys are at, and the one that they carry, by their ids

const onScreen = ({x, y}) => [host._fullLayout.xaxis.l2p(x), host._fullLayout.yaxis.l2p(y)];
const holds = () => Boolean(dragged) && dragged.id === held;
// Whether a star is on its way still: what the server sends meanwhile does not take it out of the hand.
const inHand = () => Boolean(letGo) || holds();
// The ring that shows where the keys are.
const circle = () => {
  const ring = element.querySelector('.ring'), star = dragged?.id === ringed ? dragged : value.stars.find(s => s.id === ringed);
  ring.classList.toggle('there', Boolean(star));
  if (!star) return;
  [ring.style.left, ring.style.top] = onScreen(star).map(v => `${v}px`);
  element.querySelector('.keys').classList.toggle('above', onScreen(star)[1] > host.clientHeight - LOW);  // not over the ring
};
const announce = text => { element.querySelector('.said').textContent = text; };
const nearestOf = (places, [x, y]) => {
  const far = star => Math.hypot(onScreen(star)[0] - x, onScreen(star)[1] - y);
  return places.reduce((best, star) => best && far(best) <= far(star) ? best : star, null);
};
// Where the keys are: at the star that was chosen last, else at the one in the middle.
const current = () => {
  const all = stars();
  return all.find(s => s.id === ringed) ?? all.find(s => s.id === value.star) ?? nearestOf(all, [host.clientWidth / 2, host.clientHeight / 2]);
};
// The nearest star that lies rather in this direction than in another.
const beside = (star, [right, down]) => {
  const from = onScreen(star);
  return nearestOf(stars().filter(s => {
    const [x, y] = onScreen(s).map((v, i) => v - from[i]), along = x * right + y * down;
    return along > 0 && Math.abs(x * down) + Math.abs(y * right) <= along;
  }), from);
};
const goTo = star => {
  ringed = star.id;
  if (onScreen(star).some((v, i) => v < 0 || v > [host.clientWidth, host.clientHeight][i])) {
    const middle = ({range: [a, b]}, v) => [v - (b - a) / 2, v + (b - a) / 2], {xaxis, yaxis} = host._fullLayout;
    P.relayout(host, {'xaxis.range': middle(xaxis, star.x), 'yaxis.range': middle(yaxis, star.y)});
  }
  circle();
  const {left, top} = host.getBoundingClientRect(), [x, y] = onScreen(star);
  tell(star, star.cover, {clientX: left + x, clientY: top + y});
  announce(`${star.name}, ${shareOf(star)}`);
};
// Carry the star a step further, as far as the map is in view.
const push = (star, way) => {
  if (dragged && !holds()) return;  // the hand has one, or the server has not yet answered where it was let go
  const {xaxis, yaxis} = host._fullLayout, ends = [host.clientWidth, host.clientHeight];
  const [x, y] = onScreen(dragged ?? star).map((v, i) => Math.min(ends[i], Math.max(0, v + STEP * way[i])));
  if (!dragged) announce(`Moving ${star.name}`);
  ringed = held = star.id;
  bring(star, xaxis.p2l(x), yaxis.p2l(y));
};
const letGoByKey = stays => {
  if (holds()) leave(stays);
  held = null;
};
const onMap = event => {
  const way = WAYS[event.key], star = current();
  if (event.ctrlKey || event.metaKey || event.altKey || !star) return;
  if (way && (event.shiftKey || holds())) push(star, way);
  else if (way) goTo(beside(star, way) ?? star);
  else if (event.key === 'Escape' && holds()) { letGoByKey(false); goTo(star); }
  else if (event.key === 'Enter' || event.key === ' ') {
    card.classList.remove('shown');
    if (holds()) letGoByKey(true);
    else trigger('star', {id: star.id});
  } else return;
  event.preventDefault();
};
const focused = () => { if (host.matches(':focus-visible') && current()) goTo(current()); };
const blurred = () => {
  letGoByKey(false);
  rest(null);
  card.classList.remove('shown');
};
const key = event => {
  const name = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || !['z', 'y'].includes(name) || !host.offsetParent) return;
  if (event.target.closest('input, textarea, [contenteditable]')) return;
  event.preventDefault();
  trigger(event.shiftKey || name === 'y' ? 'redo' : 'undo');
};

