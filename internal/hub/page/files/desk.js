// Fetches the page again and shows it, unless somebody is reading with the keyboard in it or has marked a part of it.
'use strict';
(() => {
  const each = 15000;
  const live = document.getElementById('live');
  if (!live || location.pathname !== '/') return;
  const busy = () => {
    const at = document.activeElement;
    return document.hidden || String(getSelection()) !== '' || (at && at !== document.body && document.getElementById('main').contains(at));
  };
  const again = async () => {
    if (busy()) return;
    try {
      const got = await fetch(location.href, {redirect: 'manual', cache: 'no-store'});
      if (got.type === 'opaqueredirect') return location.reload(); // the session is over
      if (!got.ok) throw new Error(got.status);
      const page = new DOMParser().parseFromString(await got.text(), 'text/html');
      if (busy()) return;
      const y = scrollY;
      for (const part of ['#main', '.asof']) {
        const now = document.querySelector(part), next = page.querySelector(part);
        if (part === '.asof') now.firstChild.replaceWith(next.firstChild);
        else now.replaceWith(document.adoptNode(next));
      }
      scrollTo(0, y);
      document.title = page.title;
      if (live.textContent) live.textContent = '';
      document.body.classList.remove('stale');
    } catch {
      live.textContent = 'The hub does not answer: this is what was known.';
      document.body.classList.add('stale');
    }
  };
  setInterval(again, each);
})();
