// The scene: the machine's front, a phone, and trouble. It draws what the demo's server says, and sends what is clicked.
'use strict';

const $ = (id) => document.getElementById(id);
const colours = ['#4aa3df', '#c6d94b', '#d99a4b', '#c9874a', '#7a4a32', '#9aa7b4'];
let dropped = {}; // products that fell, by slot, as last seen
let shown = ''; // what the screen's picture was asked for

function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
}

async function act(what, more) {
  const r = await fetch('/do', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ what, ...more }) });
  if (!r.ok) $('hint').textContent = (await r.json().catch(() => ({}))).error || 'The demo does not answer.';
}

function build(slots) {
  $('windows').replaceChildren(...slots.map((s, n) => {
    const button = el('button', { type: 'button', 'aria-label': `${s.id} ${s.name}, ${s.price}` }, `${s.id}  ${s.price}`);
    button.addEventListener('click', () => act('press', { slot: s.id }));
    const w = el('div', { class: 'window', 'data-slot': s.id },
      el('div', { class: 'shelf', 'aria-hidden': 'true' }, el('i', { class: 'product' }), el('i', { class: 'product' }), el('i', { class: 'product' })),
      el('span', { class: 'name' }, s.name),
      el('span', { class: 'lamps', 'aria-hidden': 'true' }, el('span', { class: 'lamp relay' }, 'motor'), el('span', { class: 'lamp drop' }, 'sensor')),
      button);
    w.style.setProperty('--c', colours[n % colours.length]);
    return w;
  }));
  $('slot').replaceChildren(...slots.map((s) => el('option', { value: s.id }, `${s.id} ${s.name}`)));
}

function fall(slot) {
  const w = document.querySelector(`[data-slot="${slot}"]`);
  const p = el('i', { class: 'product', title: slot });
  p.style.setProperty('--c', w.style.getPropertyValue('--c'));
  $('tray').append(p);
  while ($('tray').children.length > 10) $('tray').firstChild.remove();
  const lamp = w.querySelector('.drop');
  lamp.classList.add('seen');
  setTimeout(() => lamp.classList.remove('seen'), 900);
}

function showBoard(board, dark) {
  for (const s of board.slots || []) {
    const w = document.querySelector(`[data-slot="${s.slot}"]`);
    w.querySelector('.relay').classList.toggle('on', s.relay && !dark);
    if (s.slot in dropped && s.dropped > dropped[s.slot]) fall(s.slot);
    dropped[s.slot] = s.dropped;
  }
  $('door').textContent = board.door === 'open' ? 'Close the service door' : 'Open the service door';
}

function showPhone(phone) {
  $('says').textContent = phone.says;
  $('says').className = phone.mood || '';
  $('ask').hidden = !phone.asks;
  $('scan').disabled = phone.asks;
  $('page').hidden = !phone.page;
  if (phone.page) $('page').href = phone.page;
  $('receipt').replaceChildren(...(phone.rows || []).length ? [el('table', {}, ...phone.rows.map((r) => el('tr', {}, el('td', {}, r.description), el('td', {}, r.totalAmount))))] : []);
}

const ends = {
  open: 'is going on', charged: 'ended well', released: 'nothing was charged, and the reservation was let go', cancelled: 'was cancelled before anything was reserved',
  refunded: 'the money went back', failed: 'could not begin', lost: 'the product is out, and the money could not be taken: the operator\'s loss', in_doubt: 'stands in doubt: a technician decides',
};
function showSales(sales) {
  $('sales').replaceChildren(...(sales.length ? sales.map((s) => el('li', { 'data-state': s.state },
    `${s.items.map((i) => `${i.slot} ${i.outcome.replace('_', ' ')}`).join(', ') || 'No product'}: ${Number(s.charged) ? `you paid ${s.charged} ${s.currency}` : 'you paid nothing'}`,
    el('br'), el('small', {}, `Sale ${s.id} ${ends[s.state] || s.state}${s.state === 'open' && Number(s.reserved) ? `, ${s.reserved} ${s.currency} reserved` : ''}.`))) : [el('li', {}, 'No sale yet.')]));
}

// what is to be done first when a product is chosen before it is paid
function hintFirst(s) {
  const where = { sticker: 'the sticker', invoice: 'the code on the machine\'s screen', web: 'the code on the page, or on the machine\'s screen,' }[s.flow];
  if (s.status.step === 'ready') return s.flow === 'web' ? 'Scan the machine\'s code with the phone: it leads to a page.' : 'Choose a product: press its button.';
  if (s.phone.asks) return 'Confirm on the phone with the PIN.';
  if (s.status.step === 'awaiting') return `Scan ${where} with the phone, and pay.`;
  if (s.status.step === 'asking') return 'Not paid yet: press "Try again", or Cancel.';
  return '';
}

function hint(s) {
  if (s.dark) return 'The power is cut. In a moment it is back, and the machine settles what was going on.';
  if (!s.status.step) return 'The machine starts …';
  if (s.flow !== 'reservation' && hintFirst(s)) return hintFirst(s);
  if (s.status.step === 'ready') return s.phone.asks ? 'Confirm on the phone.' : 'Scan the machine\'s code with the phone.';
  if (s.status.step === 'awaiting') return 'Confirm on the phone with the PIN.';
  if (s.status.step === 'choosing') return 'Choose a product: press its button. Cancel means "that is all".';
  if (s.status.phase === 'dispensing') return 'Here it comes …';
  if (s.status.phase === 'commit' || s.status.step === 'resolving') return 'The machine settles the money: it charges what came out.';
  return `Out of service: ${(s.status.reason || s.status.step).replaceAll('_', ' ')}.`;
}

function show(s) {
  if (!$('windows').children.length) build(s.slots);
  document.body.classList.toggle('dark', s.dark);
  $('hint').textContent = hint(s);
  showBoard(s.board, s.dark);
  showPhone(s.phone);
  showSales(s.sales || []);
  const step = s.dark ? '' : s.status.step;
  const first = s.flow === 'sticker' || s.flow === 'invoice'; // a product is chosen first
  $('scan').classList.toggle('next', !s.phone.asks && !s.phone.page && (first ? step === 'awaiting' : step === 'ready' || step === 'awaiting' && s.flow === 'web'));
  $('page').classList.toggle('next', Boolean(s.phone.page));
  $('scan').textContent = s.flow === 'sticker' ? 'Scan the sticker' : 'Scan the machine\'s code';
  $('retry').hidden = step !== 'asking';
  $('confirm').classList.toggle('next', s.phone.asks);
  for (const b of document.querySelectorAll('.window button')) b.classList.toggle('next', first ? step === 'ready' : step === 'choosing');
  $('glase').textContent = s.glaseGone ? 'Glase comes back' : 'Glase goes away';
  $('power').disabled = s.dark;
  $('technician').href = s.technician;
  $('ledger').href = s.ledger;
  const wants = JSON.stringify([s.status, s.dark, s.picture]);
  if (wants !== shown && !s.dark) { shown = wants; $('screen').src = '/screen.png?' + s.picture + Date.now(); }
}

const events = new EventSource('/events');
events.onmessage = (e) => show(JSON.parse(e.data));
events.onerror = () => { $('hint').textContent = 'The demo has ended. Start it again: make demo'; };

$('scan').addEventListener('click', () => act('scan'));
$('ask').addEventListener('submit', (e) => { e.preventDefault(); act('confirm', { pin: $('pin').value }); });
$('refuse').addEventListener('click', () => act('refuse'));
$('retry').addEventListener('click', () => act('press', { slot: 'retry' }));
$('page').addEventListener('click', () => act('left'));
$('cancel').addEventListener('click', () => act('press', { slot: 'cancel' }));
$('door').addEventListener('click', () => act('press', { slot: 'door' }));
$('power').addEventListener('click', () => act('power'));
$('glase').addEventListener('click', () => act('glase'));
for (const id of ['slot', 'fault']) $(id).addEventListener('change', () => act('fault', { slot: $('slot').value, fault: $('fault').value }));
