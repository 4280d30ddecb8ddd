// The technician's page: it follows the machine's steps, and asks for what they may have changed.
'use strict';

const phases = ['idle', 'reserved', 'dispensing', 'commit'];
const $ = (id) => document.getElementById(id);
let token = sessionStorage.getItem('token') || '';
let picture = ''; // the present picture's address
let said = ''; // what it says
let opened = new Set(); // sales whose story is shown

// el makes an element; what it holds is always text or elements, never markup.
function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) if (v !== undefined && v !== false) e.setAttribute(k, v === true ? '' : v);
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
}

async function get(path, signal) {
  const headers = token ? { Authorization: 'Bearer ' + token } : {};
  const r = await fetch(path, { headers, signal, cache: 'no-store' });
  if (r.status === 401) throw Object.assign(new Error('token'), { token: true });
  if (!r.ok) throw Object.assign(new Error((await r.json().catch(() => ({}))).error || r.statusText), { status: r.status });
  return r;
}
const json = async (path) => (await get(path)).json();

// clock is a time in this browser's zone, with its date unless it is today's: a machine that wakes up in 1970 must show.
function clock(t) {
  if (!t) return '';
  const at = new Date(t);
  const time = at.toLocaleTimeString('sv-SE');
  return at.toDateString() === new Date().toDateString() ? time : at.toLocaleDateString('sv-SE') + ' ' + time;
}
const words = (s) => (s || '').replaceAll('_', ' ');

function showStatus(s) {
  $('phases').replaceChildren(...phases.map((p) => el('li',
    { 'aria-current': p === s.phase ? 'step' : undefined, class: p === s.phase && /out_of_service/.test(s.step) ? 'stopped' : undefined },
    el('b', {}, p), el('span', {}, p === s.phase ? words(s.step) : ''))));
  $('reason').textContent = [s.reason && 'Because: ' + words(s.reason), s.sale && 'Sale ' + s.sale].filter(Boolean).join('. ');
}

function money(s) {
  const parts = [];
  if (Number(s.charged)) parts.push((s.state === 'charged' && !Number(s.refunded) ? '' : 'charged ') + s.charged);
  if (Number(s.refunded)) parts.push('refunded ' + s.refunded);
  if (!parts.length && Number(s.reserved) && s.state === 'open') parts.push('reserved ' + s.reserved);
  return parts.length ? parts.join(', ') + ' ' + s.currency : '';
}
const products = (s) => s.items.map((i) => `${i.slot} ${words(i.outcome)}`).join(', ');

function showDoubts(doubts) {
  $('doubts').hidden = doubts.length === 0;
  $('doubt-list').replaceChildren(...doubts.map((s) => el('div', { class: 'doubt' },
    el('p', {}, el('strong', {}, `Sale ${s.id}`), ` since ${clock(s.ended)}: ${s.note || ''}`),
    el('p', {}, `reserved ${s.reserved}, charged ${s.charged}, refunded ${s.refunded} ${s.currency}. ${products(s)}`),
    el('p', {}, `Glase's invoice ${s.invoice_reference || '-'}${s.ers_reference ? ', ersReference ' + s.ers_reference : ''}`),
    el('p', {}, 'Look, ask, and then on the machine: ', el('code', {}, `kioskd resolve ${s.id} charge|release|refund --reason "…"`)))));
}

// An unchanged list stays as it is, with the keyboard's focus in it; the stories that are open are told on.
let listed = '';
function showSales(sales) {
  const text = JSON.stringify(sales);
  if (text === listed) {
    for (const d of document.querySelectorAll('#sales details[open]')) story(d, d.dataset.sale);
    return;
  }
  listed = text;
  const focused = document.activeElement.closest('[data-sale]')?.dataset.sale;
  $('sales').replaceChildren(...(sales.length ? sales.map((s) => {
    const d = el('details', { 'data-sale': s.id, open: opened.has(s.id) },
      el('summary', {}, el('span', {}, s.id), el('span', { class: 'state ' + ({ charged: 'ok', lost: 'bad', in_doubt: 'bad' }[s.state] || '') }, words(s.state)),
        el('span', { class: 'items' }, products(s) || words(s.why)), el('span', {}, money(s) || clock(s.started))));
    d.addEventListener('toggle', () => { d.open ? opened.add(s.id) : opened.delete(s.id); if (d.open) story(d, s.id); });
    return d;
  }) : [el('p', {}, 'No sale yet.')]));
  if (focused) document.querySelector(`[data-sale="${CSS.escape(focused)}"] summary`)?.focus();
}

async function story(d, id) {
  const lines = await json(`/api/sales/${encodeURIComponent(id)}/story`).catch((e) => [{ text: e.message }]);
  d.querySelector('.story')?.remove();
  d.append(el('ol', { class: 'story' }, ...lines.map((l) => el('li', {}, el('time', {}, clock(l.time)), el('span', {}, l.text)))));
}

// verdictsMax are the sales to look into that are listed; kioskd report --last has all.
const verdictsMax = 20;
function showBooks(r) {
  $('books').hidden = !r;
  if (!r) return;
  const counts = Object.entries(r.verdicts || {}).map(([verdict, n]) => `${n} ${words(verdict)}`).join(', ');
  const how = r.step === 'done' ? counts || 'no sales' : r.step === 'failed' ? 'failed: ' + r.problem : words(r.step) + ' …';
  $('closed').textContent = `Report ${r.number || ''} ${clock(r.ended || r.began)}: ${how}`;
  $('closed').className = r.step === 'failed' ? 'bad' : '';
  $('verdicts').replaceChildren(...(r.notes || []).map((n) => el('li', {}, n)), ...r.sales.slice(0, verdictsMax).map((v) => el('li', {},
    el('b', {}, v.sale || 'no sale'), ' ', el('span', { class: 'bad' }, words(v.verdict)), ` here ${v.here}, at Glase ${v.glase} ${v.currency} `,
    el('small', {}, [v.ers_reference, v.note].filter(Boolean).join(': ')))));
}
const books = () => json('/api/report').catch((e) => { if (e.status !== 404) throw e; }).then(showBooks);

function showHealth(parts) {
  $('health').replaceChildren(...parts.map((p) => el('li', {},
    el('span', { class: p.ok ? 'ok' : 'bad', 'aria-label': p.ok ? 'well' : 'not well' }, p.ok ? '●' : '▲'),
    el('b', {}, p.name), el('span', {}, p.what + (p.since ? ' (' + clock(p.since) + ')' : '')), p.do ? el('small', {}, p.do) : undefined)));
}

function showPins(pins) {
  $('pins').replaceChildren(...pins.map((p) => el('tr', { class: p.active ? 'active' : undefined },
    el('td', { class: 'pin' }, p.pin), el('td', {}, p.role), el('td', {}, p.level), el('td', {}, p.means), el('td', { class: 'pin' }, clock(p.changed) || '–'))));
}

// showScreen fetches the picture when the words are others: it is the largest answer, and kiosks live on metered lines.
async function showScreen() {
  const s = await json('/api/screen');
  const text = [s.title, ...s.lines, ...s.list.map((e) => [e.slot, e.name, e.price].filter(Boolean).join(' '))].join('. ');
  if (text === said && picture) return;
  $('screen').alt = text;
  try {
    const blob = await (await get('/api/screen.png')).blob();
    const old = picture;
    $('screen').src = picture = URL.createObjectURL(blob);
    if (old) URL.revokeObjectURL(old);
    said = text;
  } catch (e) { if (e.token) throw e; } // the words stand in for it
  $('said').textContent = text;
  $('said').hidden = $('screen').hidden = false;
  (picture ? $('said') : $('screen')).hidden = true;
}

const looks = [() => json('/api/pins').then(showPins), showScreen]; // what moves without a record
const records = [
  () => json('/api/sales?state=in_doubt').then(showDoubts), () => json('/api/sales?limit=12').then(showSales), () => json('/api/health').then(showHealth), books,
];

// refresh asks for what may have changed; one at a time, and once more when something happened meanwhile.
let busy = false, again = false, whole = false;
async function refresh(all) {
  whole ||= all;
  if (busy) { again = true; return; }
  busy = true;
  try {
    do {
      again = false;
      const asks = whole ? [...records, ...looks] : looks;
      whole = false;
      await Promise.all(asks.map((f) => f()));
      missing('');
    } while (again);
  } catch (e) { whole = true; missing(e.message); } finally { busy = false; }
}

// missing says that something could not be shown, which says nothing about the connection.
function missing(why) {
  $('missing').hidden = !why;
  $('missing').textContent = why && 'Not all of this is of now: ' + why;
}

function link(state, text) {
  $('link').className = state;
  $('link').textContent = text;
  document.body.classList.toggle('stale', state === 'lost');
}

// silence is longer than the port ever says nothing: it sends a sign of life each 15 seconds.
const silence = 40000;

// follow reads the stream of steps until it ends or falls silent. EventSource could not send the token.
async function follow() {
  const stop = new AbortController();
  let watchdog;
  const alive = () => { clearTimeout(watchdog); watchdog = setTimeout(() => stop.abort(), silence); };
  alive();
  try {
    const reader = (await get('/api/events', stop.signal)).body.pipeThrough(new TextDecoderStream()).getReader();
    $('login').hidden = true;
    $('facts').hidden = false;
    link('live', 'live');
    const m = await json('/api/machine');
    $('machine').textContent = document.title = m.name || 'kioskd';
    $('version').textContent = m.version;
    for (let rest = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const events = (rest + value).split('\n\n');
      rest = events.pop();
      for (const e of events) {
        const data = e.split('\n').find((l) => l.startsWith('data: '));
        if (!data) continue;
        const status = JSON.parse(data.slice(6));
        showStatus(status);
        refresh(status.durable !== false); // the first one has no such word
      }
    }
  } finally {
    clearTimeout(watchdog);
    stop.abort(); // followers are counted
  }
}

async function live() {
  for (; ;) {
    try { await follow(); } catch (e) {
      if (e.token) {
        $('refused').textContent = token ? 'This token is refused.' : '';
        $('login').hidden = false; $('facts').hidden = true;
        link('', 'a token is needed');
        $('token').focus();
        return;
      }
    }
    link('lost', 'connection lost: trying again');
    await new Promise((done) => setTimeout(done, 1000));
  }
}

$('login').addEventListener('submit', (e) => {
  e.preventDefault();
  token = $('token').value;
  sessionStorage.setItem('token', token);
  live();
});
let turn = 0;
setInterval(() => { if (!document.hidden && $('link').className === 'live') refresh(++turn % 5 === 0); }, 2000);
document.addEventListener('visibilitychange', () => { if (!document.hidden && $('link').className === 'live') refresh(true); });
live();
