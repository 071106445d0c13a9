// A prototype under the pointer, among those that made a picture, tints the pixels that it painted. What each of them painted
// is asked for with the first one that the pointer rests on, by the button that shows it, in a panel that is opened for it.
(() => {
  const DWELL = 200, LOOK = 50, PATIENCE = 20_000;  // milliseconds
  const mapOf = id => document.querySelector(`#why-maps .cell[data-id="${id}"] .tile`);
  const button = () => document.querySelector('#why-look');
  const until = async there => {
    for (let waited = 0; waited < PATIENCE && !there(); waited += LOOK) await new Promise(resolve => setTimeout(resolve, LOOK));
  };
  let over = null, layer = null, resting = 0, asking = false;

  const tint = () => {
    layer?.remove();
    const map = over && mapOf(over), picture = document.querySelector('#detail img');
    if (!map || !picture) return;
    const box = picture.getBoundingClientRect(), frame = document.querySelector('#detail').getBoundingClientRect();
    const {backgroundImage, backgroundSize, backgroundPosition} = getComputedStyle(map);
    layer = Object.assign(document.createElement('div'), {className: 'tint'});
    Object.assign(layer.style, {
      backgroundImage, backgroundSize, backgroundPosition, left: `${box.left - frame.left}px`, top: `${box.top - frame.top}px`,
      width: `${box.width}px`, height: `${box.height}px`,
    });
    document.querySelector('#detail').append(layer);
  };
  const ask = async () => {
    if (asking || document.querySelector('#why-maps .cell')) return;
    asking = true;
    if (!button()) document.querySelector('#why button')?.click();
    await until(button);
    button()?.click();
    await until(() => !over || mapOf(over));
    asking = false;
    tint();
  };
  document.addEventListener('pointerover', event => {
    const id = event.target.closest?.('#made-of .cell')?.dataset.id ?? null;
    if (id === over) return;
    over = id;
    clearTimeout(resting);
    tint();
    if (id) resting = setTimeout(ask, DWELL);
  });
})();
