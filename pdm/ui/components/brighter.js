// A switch that shows dark pictures brighter: a filter of this page's alone. What is saved, linked or painted stays as it is.
const button = element.querySelector('button'), page = document.documentElement;

const set = on => {
  if (on) page.dataset.brighter = 'true';
  else delete page.dataset.brighter;
  button.setAttribute('aria-pressed', on);
  localStorage.setItem('brighter', on);
};
set(localStorage.getItem('brighter') === 'true');
button.addEventListener('click', () => set(button.getAttribute('aria-pressed') !== 'true'));
