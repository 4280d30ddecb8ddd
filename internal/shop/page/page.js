// The page on which a customer chooses and pays. It shows what the machine says, and sends what is pressed.
'use strict';

const $ = (id) => document.getElementById(id);
let stream; // of events; polling takes its place while there is none
let asking = false; // a poll is under way
let newest = 0; // when what is shown was so, by the machine's clock
let sending = false; // what was pressed is
const left = Number($('time').dataset.left);
let until = left ? Date.now() + left : 0; // the time to act is over

function show(view) {
  if (view.at < newest) return; // an answer that another one has overtaken
  newest = view.at;
  const focus = document.activeElement && document.activeElement.id;
  if ($('main').dataset.html !== view.html) {
    $('main').innerHTML = view.html; // made and escaped by the machine
    $('main').dataset.html = view.html;
    if (focus) ($(focus) || $('title')).focus();
  }
  document.body.dataset.step = view.step;
  until = view.remaining ? Date.now() + view.remaining : 0;
  $('time').textContent = view.time || '';
  $('lost').hidden = true;
  if (view.step === 'ended' || view.step === 'gone') {
    document.body.dataset.over = 'yes';
    if (stream) stream.close();
  }
}

const over = () => document.body.dataset.over === 'yes';

function follow() {
  if (over()) return;
  if (stream) stream.close();
  stream = new EventSource('events');
  stream.onopen = () => { newest = 0; }; // the machine may have started anew
  stream.onmessage = (e) => show(JSON.parse(e.data));
  stream.onerror = ask; // streams end by themselves too: whether the machine is lost is what its answer says
}

async function ask() {
  if (asking || over()) return;
  asking = true;
  const patience = new AbortController();
  const late = setTimeout(() => patience.abort(), 8000); // a machine that hangs ends no connection
  try {
    const r = await fetch('state', { headers: { Accept: 'application/json' }, signal: patience.signal });
    if (r.ok) show(await r.json());
    else if (r.status === 403) location.replace('./');
    else $('lost').hidden = false; // a gateway speaks for it
  } catch {
    $('lost').hidden = false;
  }
  clearTimeout(late);
  asking = false;
}

async function send(what, body) {
  try {
    const r = await fetch(what, { method: 'POST', body, keepalive: true, headers: { Accept: 'application/json' } });
    if (r.ok) show(await r.json());
    else ask();
  } catch {
    $('lost').hidden = false;
  }
}

document.addEventListener('submit', (e) => {
  e.preventDefault();
  const pressed = e.submitter;
  if (sending) return;
  sending = true; // and it is not disabled meanwhile, which would take the focus away
  send(e.target.getAttribute('action'), new URLSearchParams(pressed.name ? [[pressed.name, pressed.value]] : [])).then(() => { sending = false; });
});
document.addEventListener('click', (e) => { if (e.target.closest('#app')) send('opened', ''); });

function back() {
  if (document.visibilityState !== 'visible') return;
  ask();
  if (!stream || stream.readyState === EventSource.CLOSED) follow();
}
document.addEventListener('visibilitychange', back);
window.addEventListener('pageshow', back);
window.addEventListener('online', back);
window.addEventListener('offline', () => {
  if (over()) return;
  if (stream) stream.close(); // it would be silent for long before the browser gives it up
  $('lost').hidden = false;
});

setInterval(() => {
  if (until) {
    const s = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    $('time').textContent = $('time').textContent.replace(/\d+:\d\d/, `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`);
  }
  if (!stream || stream.readyState !== EventSource.OPEN) ask();
  if (stream && stream.readyState === EventSource.CLOSED) follow();
}, 1000);

if (location.pathname.split('/').pop()) history.replaceState(null, '', './'); // the code has done its work
if (['ended', 'gone'].includes(document.body.dataset.step)) {
  if (document.body.dataset.step === 'gone') fetch('state').then((r) => { if (r.ok) location.replace('./'); }).catch(() => {});
  document.body.dataset.over = 'yes';
}
follow();
