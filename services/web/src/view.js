// Puts what it is told into the page; decides nothing and knows no connection.

const LONGEST_LOG = 500; // entries
const BUTTONS = ['connect', 'toggle', 'send'];

export const $ = (id) => document.getElementById(id);
const log = $('log');

/** Makes one button the loud one, or none. */
export function setLoud(id) {
  for (const name of BUTTONS) $(name).classList.toggle('primary', name === id);
}

/**
 * Turns a button off and says why, or on where there is no reason. It can still be reached by the
 * keyboard, so that a screen reader reads the reason out, and pressing it does nothing.
 */
export function setReason(id, reason) {
  const button = $(id);
  button.title = reason;
  button.setAttribute('aria-disabled', String(reason !== ''));
  $(`${id}-why`).textContent = reason;
  $(`${id}-why`).hidden = reason === '';
}

for (const name of BUTTONS) {
  $(name).addEventListener('click', (event) => { // Enter in its form clicks it, too
    if ($(name).getAttribute('aria-disabled') === 'true') event.preventDefault();
  });
}

/** Says what is wrong, with the command that mends it; an empty text takes it away. */
export function showProblem(text, command = '') {
  $('problem').hidden = text === '';
  $('problem').replaceChildren(element('p', '', text));
  if (command) $('problem').append(commandBox(command));
}

export function commandBox(command) {
  const box = element('p', 'command');
  const button = element('button', 'quiet copy', 'Copy');
  button.type = 'button';
  box.append(element('code', '', command), button);
  return box;
}

/** Lets every Copy button copy the command beside it. */
export function takeCopies() {
  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('.copy');
    if (!button) return;
    const command = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = 'Copied';
    } catch { // only allowed on https and localhost: select it instead
      getSelection().selectAllChildren(command);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  });
}

/** Shows each user once, with the number of their windows. */
export function showPeople(users, me) {
  const counts = new Map();
  for (const user of users) counts.set(user, (counts.get(user) ?? 0) + 1);
  const chips = [...counts].sort().map(([user, count]) => {
    const chip = element('li', user === me ? 'me' : '', user === me ? `${user} (you)` : user);
    if (count > 1) chip.append(element('span', 'count', `×${count}`));
    return chip;
  });
  $('people').replaceChildren(...chips);
  $('people').hidden = chips.length === 0;
}

let isAtEnd = true;
log.addEventListener('scroll', () => {
  isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
});
new ResizeObserver(followLog).observe(log);

/** Keeps the last entry in sight, unless you scrolled away from it. */
function followLog() {
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

/** Adds a message to the log, or a `note` with a `box` below it; stays at the end if it was there. */
export function addEntry({ note = '', box = '', pub = null, by = '', isOwn = false, isOld = false }) {
  const entry = element('li', note ? 'note' : `said${isOwn ? ' own' : ''}${isOld ? ' old' : ''}`, note);
  if (box) entry.append(box);
  if (pub) entry.append(...message(pub, by, isOld));
  log.append(entry);
  while (log.childElementCount > LONGEST_LOG) log.firstElementChild.remove();
  followLog();
}

function message({ offset, data }, by, isOld) {
  const head = element('span', 'by');
  head.append(element('span', '', by));
  if (offset) head.append(element('span', 'offset', `#${offset}`));
  head.append(element('time', '', isOld ? 'earlier' : new Date().toLocaleTimeString()));
  const text = typeof data === 'string' ? data : JSON.stringify(data, null, 2);
  return [head, element('div', 'body', text)];
}

function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}
