// Once per browser, a star is drawn along a path while the pictures beside the map change; then it is the visitor's turn. Any
// press, key or wheel, and a pointer that moves over the map, ends it, and all is as it was: nothing is edited, and the server is not asked.
const THERE = 2600, REST = 500, BACK = 700;  // milliseconds
const SLOWEST = 80;  // milliseconds of its time that a frame takes at most, or a page that is still busy would skip the way
const STAYS = 9000;  // that the words stay
const TOURED = 'toured';  // what the browser keeps of it
const say = on => element.querySelector('.turn')?.classList.toggle('shown', on === true);
let touring = null;  // while a star is on its way: the tour

// Where on its way the star is, 0 to 1, so many milliseconds after it set out: there, a rest, and back, none of it abrupt.
const eased = part => part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) * (1 - part);
const wayAt = ms => eased(ms < THERE ? ms / THERE : Math.min(1, Math.max(0, 1 - (ms - THERE - REST) / BACK)));
const alongPath = (path, part) => {
  const at = part * (path.length - 1), i = Math.min(path.length - 2, Math.floor(at)), rest = at - i;
  return [0, 1].map(axis => path[i][axis] + rest * (path[i + 1][axis] - path[i][axis]));
};
// The sheet beside the map has a row of pictures for each place of the path.
const showRow = (row, rows) => {
  for (const tile of document.querySelectorAll('#painted .tile')) tile.style.backgroundPositionY = `${100 * row / (rows - 1)}%`;
};
const kept = () => { try { return localStorage.getItem(TOURED); } catch { return 'unknown'; } };
const wanted = () => props.tour && value && host.offsetParent && !document.hidden && !kept() && !hands &&
  !window.matchMedia('(prefers-reduced-motion: reduce)').matches;
let hands = false;  // whether anything was pressed since the map came

// It has ended: of itself (`whole`), by a hand, or because the server sent another set, after which it begins anew.
const endTour = (whole, seen = true) => {
  const {tour} = touring;
  if (seen) localStorage.setItem(TOURED, '1');
  touring = null;
  dragged = null;
  showRow(0, tour.path.length);
  if (seen) draw();
  say(whole);
  if (whole) setTimeout(say, STAYS);
};
const begin = () => {
  const tour = plain(props.tour), star = value.stars.find(s => s.id === tour.id), mine = {tour};
  if (!star) return;
  touring = mine;
  element.dataset.toured = 'begun';
  card.classList.remove('shown');
  let spent = 0, last = null;
  const step = now => {
    if (touring !== mine) return;
    spent += Math.min(SLOWEST, now - (last ?? now));
    last = now;
    if (spent > THERE + REST + BACK) { endTour(true); return; }
    const part = wayAt(spent);
    carry(star, ...alongPath(tour.path, part));
    showRow(Math.round(part * (tour.path.length - 1)), tour.path.length);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
};
const toured = () => { if (!touring && wanted()) begin(); };
const handed = () => {
  hands = true;
  say();
  if (touring) endTour(false);
};
