// Sentences as buttons, the latest on top. "go" reports the index of the one to go to.
const host = element.querySelector('ol');

const paint = () => {
  const v = latest();
  if (!v) return;
  host.replaceChildren(...v.entries.map((sentence, i) => {
    const index = v.first + i, row = document.createElement('li');
    const button = Object.assign(document.createElement('button'), {type: 'button', textContent: sentence});
    button.classList.toggle('undone', index > v.current);
    if (index === v.current) button.setAttribute('aria-current', 'step');
    button.addEventListener('click', () => trigger('go', {index}));
    row.append(button);
    return row;
  }));
};
paint();
watch('value', paint);
